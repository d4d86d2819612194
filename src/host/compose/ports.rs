//! The ports that a service publishes on this host, in every spelling of compose.

use yaml_serde::Value;

use super::{ComposeProblem, scalar_text};
use crate::protocol::ids::ServiceName;

/// One published TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Published {
    /// On this host.
    pub(super) host: u16,
    /// In the container.
    pub(super) target: u16,
}

/// A mapping as it is written: on which address, which port or range, for which port of the container.
struct Mapping {
    address: String,
    host: String,
    target: u16,
}

/// The TCP ports that nginx can reach on the loopback address. Fails for a range, and for a service that can be reached on
/// other addresses alone.
pub(super) fn published(
    service: &ServiceName,
    value: &Value,
) -> Result<Vec<Published>, ComposeProblem> {
    if value.get("network_mode").and_then(Value::as_str) == Some("host") {
        return exposed(service, value);
    }
    let ports = value.get("ports").and_then(Value::as_sequence);
    let mappings: Vec<Mapping> = ports.into_iter().flatten().filter_map(mapping).collect();
    let mut found = Vec::new();
    let mut elsewhere = None;
    for mapping in mappings {
        let Ok(host) = mapping.host.parse() else {
            let first = mapping.host.split('-').next().unwrap_or_default();
            return Err(ComposeProblem::Range {
                service: service.to_string(),
                first: first.to_owned(),
                range: mapping.host,
                target: mapping.target,
            });
        };
        match mapping.address.as_str() {
            "" | "0.0.0.0" | "127.0.0.1" | "localhost" => found.push(Published {
                host,
                target: mapping.target,
            }),
            _ => elsewhere = Some((host, mapping.address)),
        }
    }
    found.sort_unstable();
    found.dedup();
    match elsewhere {
        Some((port, address)) if found.is_empty() => Err(ComposeProblem::Elsewhere {
            service: service.to_string(),
            port,
            address,
        }),
        _ => Ok(found),
    }
}

/// The ports of a service on the host's own network: nothing is published there, and compose names in `expose` what the
/// container listens on.
fn exposed(service: &ServiceName, value: &Value) -> Result<Vec<Published>, ComposeProblem> {
    let expose = value.get("expose").and_then(Value::as_sequence);
    let texts = expose.into_iter().flatten().filter_map(scalar_text);
    let found: Vec<Published> = texts
        .filter_map(|text| {
            let port = text.strip_suffix("/tcp").unwrap_or(&text).parse().ok()?;
            Some(Published {
                host: port,
                target: port,
            })
        })
        .collect();
    if found.is_empty() {
        return Err(ComposeProblem::NoExposedPort(service.to_string()));
    }
    Ok(found)
}

/// The port that serves: the only one, or the one of the container's port `serving`.
pub(super) fn serving(
    service: &ServiceName,
    published: &[Published],
    serving: Option<u16>,
) -> Result<u16, ComposeProblem> {
    match (published, serving) {
        ([], _) => Err(ComposeProblem::NoPort(service.to_string())),
        ([only], _) => Ok(only.host),
        (many, Some(target)) => many
            .iter()
            .find(|port| port.target == target)
            .map(|port| port.host)
            .ok_or_else(|| ComposeProblem::NotServing {
                service: service.to_string(),
                target,
            }),
        (many, None) => {
            let ports = many
                .iter()
                .map(|port| format!("{} (the container's {})", port.host, port.target));
            Err(ComposeProblem::ManyPorts {
                service: service.to_string(),
                ports: ports.collect::<Vec<_>>().join(", "),
            })
        }
    }
}

/// The port on this host for the container's port that the health check asks.
pub(super) fn of_health(
    service: &ServiceName,
    published: &[Published],
    target: u16,
) -> Result<u16, ComposeProblem> {
    let found = published.iter().find(|port| port.target == target);
    found
        .map(|port| port.host)
        .ok_or_else(|| ComposeProblem::NoHealthPort {
            service: service.to_string(),
            target,
        })
}

/// Short form `[address:]8080:80[/tcp]`, or long form with `published`, `target`, `host_ip` and `protocol`. Nothing for
/// UDP, and for a port that is not published at all.
fn mapping(port: &Value) -> Option<Mapping> {
    if let Some(text) = scalar_text(port) {
        let mapping = match text.split_once('/') {
            None => text.as_str(),
            Some((mapping, "tcp")) => mapping,
            Some(_) => return None,
        };
        let (outside, target) = mapping.rsplit_once(':')?;
        let (address, host) = outside.rsplit_once(':').unwrap_or(("", outside));
        return Some(Mapping {
            address: address.trim_matches(['[', ']']).to_owned(),
            host: host.to_owned(),
            // Of a range on both sides the first pair counts: it is refused for the range on this host.
            target: target.split('-').next()?.parse().ok()?,
        });
    }
    let text = |key: &str| port.get(key).and_then(scalar_text);
    if text("protocol").is_some_and(|name| name != "tcp") {
        return None;
    }
    Some(Mapping {
        address: text("host_ip").unwrap_or_default(),
        host: text("published")?,
        target: text("target")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{ComposeFile, ComposeProblem};
    use crate::protocol::slot::{PerSlot, SlotService};

    fn read(
        yaml: &str,
        named: &[u16],
        health: Option<u16>,
    ) -> Result<PerSlot<SlotService>, ComposeProblem> {
        let file = ComposeFile::parse(yaml).unwrap();
        let files = PerSlot {
            one: file.clone(),
            two: file,
        };
        let names = PerSlot {
            one: "a".parse().unwrap(),
            two: "b".parse().unwrap(),
        };
        super::super::slots(&files, &names, named, health).map_err(|(_, problem)| problem)
    }

    /// The ports of two slots, or what is wrong with them.
    fn slots(one: &str, two: &str, named: &[u16]) -> Result<(u16, u16), String> {
        let yaml = format!(
            "services: {{a: {{image: x, ports: [{one}]}}, b: {{image: x, ports: [{two}]}}}}"
        );
        read(&yaml, named, None)
            .map(|slots| (slots.one.port, slots.two.port))
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn of_several_ports_the_one_that_nginx_names_serves_in_both_slots() {
        let one = "'9091:9091', '8080:80'";
        let two = "{target: 80, published: '8081', protocol: tcp}, {target: 9091, published: 9092}";
        assert_eq!(slots(one, two, &[8080]), Ok((8080, 8081)));
        assert_eq!(slots(one, two, &[8081]), Ok((8080, 8081)));
        assert_eq!(slots(one, two, &[9092]), Ok((9091, 9092)));
        let unclear = slots(one, two, &[3000]).unwrap_err();
        assert!(
            unclear.contains("8080 (the container's 80), 9091 (the container's 9091)"),
            "{unclear}"
        );
        let lacks = slots(one, "'8081:81', '9092:9091'", &[8080]).unwrap_err();
        assert!(lacks.contains("port 80, which slot `b`"), "{lacks}");
        // Where the other slot has one port alone, that is it.
        assert_eq!(slots(one, "'8081:81'", &[8080]), Ok((8080, 8081)));
    }

    #[test]
    fn a_range_and_another_address_are_named_as_what_they_are() {
        let range = slots("'8080-8081:8080'", "'8082:8080'", &[]).unwrap_err();
        assert!(
            range.contains("range 8080-8081") && range.contains("`8080:8080`"),
            "{range}"
        );
        let long = slots("{target: 80, published: 8080-8081}", "'8082:80'", &[]).unwrap_err();
        assert!(long.contains("range 8080-8081"), "{long}");
        for port in [
            "'192.168.0.10:8080:80'",
            "{host_ip: 192.168.0.10, target: 80, published: '8080'}",
        ] {
            let elsewhere = slots(port, "'8081:80'", &[]).unwrap_err();
            assert!(
                elsewhere.contains("8080 on 192.168.0.10 alone"),
                "{elsewhere}"
            );
        }
        let both = "'192.168.0.10:8080:80', '127.0.0.1:8080:80', '[::1]:8080:80', '8080:80/udp'";
        assert_eq!(slots(both, "'8081:80'", &[]), Ok((8080, 8081)));
        let none = slots("'80'", "'8081:80'", &[]).unwrap_err();
        assert!(none.contains("publishes no TCP port"), "{none}");
    }

    #[test]
    fn on_the_hosts_network_a_slot_says_its_port() {
        let slots = |one: &str, two: &str| {
            let yaml = format!(
                "services: {{a: {{image: x, network_mode: host, {one}}}, b: {{image: x, network_mode: host, {two}}}}}"
            );
            read(&yaml, &[8080], None)
                .map(|slots| (slots.one.port, slots.two.port))
                .map_err(|problem| problem.to_string())
        };
        let said = slots("expose: ['8080']", "expose: [8081/tcp, 53/udp]");
        assert_eq!(said, Ok((8080, 8081)));
        let silent = slots("expose: ['8080']", "environment: {PORT: 8081}").unwrap_err();
        assert!(
            silent.contains("slot `b`") && silent.contains("`expose: [\"8080\"]`"),
            "{silent}"
        );
        let same = slots("expose: ['8080']", "expose: ['8080']").unwrap_err();
        assert!(same.contains("both"), "{same}");
    }

    #[test]
    fn the_health_check_may_have_a_port_of_its_own() {
        let yaml = "services: {a: {image: x, ports: ['9091:9090', '8080:80']}, b: {image: x, ports: ['8081:80', '9092:9090']}}";
        let slots = read(yaml, &[8080], Some(9090)).unwrap();
        assert_eq!((slots.one.port, slots.one.health_port), (8080, Some(9091)));
        assert_eq!((slots.two.port, slots.two.health_port), (8081, Some(9092)));
        let none = read(yaml, &[8080], Some(9000)).unwrap_err().to_string();
        assert!(
            none.contains("`health-port`") && none.contains("port 9000"),
            "{none}"
        );
    }
}

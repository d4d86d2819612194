//! The slots as compose files describe them.

use yaml_serde::Value;

use super::{ComposeFile, ComposeProblem, ports};
use crate::protocol::ids::{AppName, ServiceName};
use crate::protocol::slot::{PerSlot, Slot, SlotService};

/// The slots with their ports, each from its file; a problem comes with the slot that has it. Where one publishes several
/// ports, the one in `named`, the ports that nginx names, says which of the container's ports serves; that holds for the
/// other slot, too. `health` is the container's port for the health check, when it is another one.
pub fn slots(
    files: &PerSlot<ComposeFile>,
    names: &PerSlot<ServiceName>,
    named: &[u16],
    health: Option<u16>,
) -> Result<PerSlot<SlotService>, (Slot, ComposeProblem)> {
    let published = |slot: Slot| {
        let service = names.get(slot);
        let value = files.get(slot).service(service, "setting `slots`");
        let ports = value.and_then(|value| ports::published(service, value));
        ports.map_err(|problem| (slot, problem))
    };
    let published = PerSlot::try_of(published)?;
    let mut all = published.one.iter().chain(&published.two);
    let serving = all
        .find(|port| named.contains(&port.host))
        .map(|port| port.target);
    let described = |slot: Slot| {
        let (service, published) = (names.get(slot), published.get(slot));
        let health_port = match health {
            Some(target) => Some(ports::of_health(service, published, target)?),
            None => None,
        };
        let port = ports::serving(service, published, serving)?;
        Ok(SlotService {
            health_port,
            ..SlotService::new(service.clone(), port)
        })
    };
    let slot = |slot: Slot| described(slot).map_err(|problem| (slot, problem));
    let PerSlot { one, two } = PerSlot::try_of(slot)?;
    if one.port == two.port {
        let problem = ComposeProblem::SamePort {
            one: one.service.to_string(),
            two: two.service.to_string(),
            port: one.port,
        };
        return Err((Slot::Two, problem));
    }
    Ok(PerSlot { one, two })
}

/// What the first user of all called them.
const OF_OLD: &str = "pct-backend";

/// The services that take turns when nobody names them: those that are called after the app, or else two that differ in
/// their ports alone, the lower port first. With more than one such pair it is unclear.
pub fn guessed(file: &ComposeFile, app: &AppName) -> Option<PerSlot<ServiceName>> {
    let numbered = |name: &str| {
        let there = |number: u8| {
            let name = format!("{name}-{number}");
            file.services
                .contains_key(&name)
                .then(|| name.parse().ok())?
        };
        let (one, two) = there(1).zip(there(2))?;
        Some(PerSlot { one, two })
    };
    numbered(app.as_str())
        .or_else(|| numbered(OF_OLD))
        .or_else(|| twins(file))
}

/// What a service is without what tells it from its twin.
fn without_ports(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(keys) = value.as_mapping_mut() {
        keys.retain(|key, _| {
            let of_one = ["ports", "expose", "container_name", "hostname"];
            !key.as_str().is_some_and(|key| of_one.contains(&key))
        });
    }
    value
}

fn twins(file: &ComposeFile) -> Option<PerSlot<ServiceName>> {
    let published = file.services.iter().filter_map(|(name, value)| {
        let name: ServiceName = name.parse().ok()?;
        let port = ports::published(&name, value).ok()?.first()?.host;
        Some((port, name, without_ports(value)))
    });
    let mut services: Vec<_> = published.collect();
    services.sort_by_key(|(port, _, _)| *port);
    let mut found = None;
    for (at, (port, one, value)) in services.iter().enumerate() {
        for (other_port, two, other) in services.iter().skip(at + 1) {
            if value == other && port != other_port {
                let pair = PerSlot {
                    one: one.clone(),
                    two: two.clone(),
                };
                if found.replace(pair).is_some() {
                    return None;
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
services:
  a: {image: x, ports: ['127.0.0.1:8080:8080/tcp', '53:53/udp']}
  b: {image: x, ports: ['8081:8080/tcp']}
  db: {image: db}
";

    fn read(
        one: (&str, &str),
        two: (&str, &str),
    ) -> Result<PerSlot<SlotService>, (Slot, ComposeProblem)> {
        let files = PerSlot {
            one: ComposeFile::parse(one.0).unwrap(),
            two: ComposeFile::parse(two.0).unwrap(),
        };
        let names = PerSlot {
            one: one.1.parse().unwrap(),
            two: two.1.parse().unwrap(),
        };
        slots(&files, &names, &[], None)
    }

    #[test]
    fn missing_slots_and_shared_ports_are_named() {
        let ports = read((TEXT, "a"), (TEXT, "b")).unwrap();
        assert_eq!((ports.one.port, ports.two.port), (8080, 8081));
        let (slot, problem) = read((TEXT, "a"), (TEXT, "web")).unwrap_err();
        let text = problem.to_string();
        assert_eq!(slot, Slot::Two);
        assert!(
            text.contains("`web`") && text.contains("a, b, db"),
            "{text}"
        );
        let (_, none) = read((TEXT, "a"), (TEXT, "db")).unwrap_err();
        assert_eq!(none, ComposeProblem::NoPort("db".into()));
    }

    #[test]
    fn two_files_may_call_their_service_alike() {
        let other = TEXT.replace("8080:8080", "8082:8080");
        let ports = read((TEXT, "a"), (&other, "a")).unwrap();
        assert_eq!((ports.one.port, ports.two.port), (8080, 8082));
        let (_, problem) = read((TEXT, "a"), (TEXT, "a")).unwrap_err();
        assert_eq!(
            problem,
            ComposeProblem::SamePort {
                one: "a".into(),
                two: "a".into(),
                port: 8080
            }
        );
    }

    #[test]
    fn who_takes_turns_is_seen_in_the_file_when_nobody_says_it() {
        let of = |services: &str, app: &str| {
            let file = ComposeFile::parse(&format!("services:\n{services}")).unwrap();
            let found = guessed(&file, &app.parse().unwrap())?;
            Some(format!("{},{}", found.one, found.two))
        };
        let is = |text: &str| Some(text.to_owned());
        let web = "  blue: {image: a, environment: {A: b}, ports: ['8081:80'], container_name: x}
  green: {image: a, environment: {A: b}, ports: ['8080:80']}
  db: {image: db, ports: ['3306:3306']}
";
        assert_eq!(of(web, "shop"), is("green,blue"));
        let by_name =
            "  shop-1: {image: a, ports: ['80:80']}\n  shop-2: {image: b, ports: ['81:80']}\n";
        assert_eq!(of(&format!("{web}{by_name}"), "shop"), is("shop-1,shop-2"));
        let of_old = by_name.replace("shop", "pct-backend");
        assert_eq!(
            of(&format!("{web}{of_old}"), "shop"),
            is("pct-backend-1,pct-backend-2")
        );
        for unclear in [
            web.replace("{A: b}, ports: ['8080", "{A: c}, ports: ['8080"),
            web.replace(
                "  db: {image: db, ports: ['3306:3306']}",
                "  red: {image: a, environment: {A: b}, ports: ['8082:80']}",
            ),
            web.replace("8081:80", "8080:80"),
            "  one: {image: a}\n  two: {image: a}\n".to_owned(),
        ] {
            assert_eq!(of(&unclear, "shop"), None, "{unclear}");
        }
    }
}

//! The compose project as it is written.

use serde_json::{Map, Value};

use super::{of, tell};
use crate::agent::homes::Homes;
use crate::agent::projects::Note;
use crate::host::Host;
use crate::host::compose::ComposeFile;
use crate::host::facts::ComposeTool;
use crate::host::nginx::NginxPlace;
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::ids::ServiceName;
use crate::protocol::plan::Site;
use crate::protocol::slot::Slot;

/// What belongs to a slot, whatever else the two share.
const OWN: [&str; 4] = ["ports", "container_name", "hostname", "profiles"];

/// `None` when compose does not read it.
pub(super) async fn look<H: Host>(
    host: &H,
    site: &Site,
    nginx: &NginxPlace,
    seen: &mut Examination,
) -> Option<Homes> {
    let homes = Homes::look(host, site, nginx).await;
    let homes = tell(seen, DoctorCheck::ProjectUnusable, homes)?;
    seen.fact(
        "compose",
        match homes.projects.one.tool {
            ComposeTool::V1 => "docker-compose (version 1)",
            ComposeTool::V2 => "docker compose (version 2)",
        },
    );
    seen.note(DoctorCheck::VariableUnset, homes.unset().map(of));
    let mut unlimited = Vec::new();
    let mut stays_down = Vec::new();
    let mut public = Vec::new();
    for slot in Slot::BOTH {
        let (file, slot) = (homes.files.get(slot), homes.slots.get(slot));
        let (name, service) = (slot.name().to_string(), service(file, &slot.service));
        if limit_of(file, &slot.service).is_none() {
            unlimited.push(name.clone());
        }
        if !restarts(&service) {
            stays_down.push(name.clone());
        }
        if is_public(&service, slot.port) {
            public.push(name);
        }
    }
    seen.note(
        DoctorCheck::SlotHasNoLimit,
        both(&unlimited, |slots| {
            [
                format!("no memory limit for {slots}: a release that leaks takes the whole server's memory, nginx and database included"),
                "write `mem_limit: 512m`, or what your app needs, for each slot in the compose file".to_owned(),
            ]
        }),
    );
    seen.note(
        DoctorCheck::SlotStaysDown,
        both(&stays_down, |slots| {
            [
                format!("no restart policy for {slots}: when the app ends, nobody starts it again"),
                "write `restart: unless-stopped` for each slot in the compose file".to_owned(),
            ]
        }),
    );
    seen.note(
        DoctorCheck::SlotIsPublic,
        both(&public, |slots| {
            [
                format!("everybody who reaches the server reaches the port of {slots} past nginx: Docker opens it in the firewall, too"),
                "write `127.0.0.1:` before the port in `ports` of each slot".to_owned(),
            ]
        }),
    );
    seen.note(DoctorCheck::SlotsDiffer, differ(&homes));
    let no_path = site.health.path.is_none().then(|| {
        [
            "no `health-path` is set: any answer below 500 to `/` counts as healthy".to_owned(),
            "write `health-path`, such as `/actuator/health`".to_owned(),
        ]
    });
    seen.note(DoctorCheck::NoHealthPath, no_path);
    Some(homes)
}

fn both(slots: &[String], note: impl Fn(String) -> Note) -> Option<Note> {
    (!slots.is_empty()).then(|| note(named(slots)))
}

fn named(slots: &[String]) -> String {
    let names: Vec<String> = slots.iter().map(|slot| format!("`{slot}`")).collect();
    names.join(" and ")
}

fn service(file: &ComposeFile, name: &ServiceName) -> Map<String, Value> {
    let services = file.services();
    let service = services.get(name.as_str()).and_then(Value::as_object);
    service.cloned().unwrap_or_default()
}

/// The memory that a service may take, in bytes.
pub(super) fn limit_of(file: &ComposeFile, name: &ServiceName) -> Option<u64> {
    let service = service(file, name);
    let of_deploy = service
        .get("deploy")
        .and_then(|deploy| deploy.pointer("/resources/limits/memory"));
    let said = service.get("mem_limit").or(of_deploy)?;
    let bytes = match said {
        Value::String(text) => bytes(text)?,
        other => other.as_u64()?,
    };
    (bytes > 0).then_some(bytes)
}

/// A size as compose writes it: `536870912`, `512m`, `1.5gb`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u32 = match text.get(digits.len()..)?.trim_end_matches('b') {
        "" => 1,
        "k" | "ki" => 1 << 10,
        "m" | "mi" => 1 << 20,
        "g" | "gi" => 1 << 30,
        _ => return None,
    };
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(factor.into());
    }
    let (whole, part) = digits.split_once('.')?;
    let tenths: u64 = part.get(..1)?.parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole
        .checked_mul(10)?
        .checked_add(tenths)?
        .checked_mul(factor.into())
        .map(|tenths| tenths / 10)
}

fn restarts(service: &Map<String, Value>) -> bool {
    let restart = service.get("restart").and_then(Value::as_str);
    let of_deploy = service
        .get("deploy")
        .is_some_and(|deploy| deploy.get("restart_policy").is_some());
    of_deploy || restart.is_some_and(|policy| policy != "no")
}

/// Whether a port of this host is open on every address.
fn is_public(service: &Map<String, Value>, port: u16) -> bool {
    let ports = service.get("ports").and_then(Value::as_array);
    ports.into_iter().flatten().any(|mapping| match mapping {
        Value::String(text) => {
            let text = text.split('/').next().unwrap_or_default();
            let mut parts = text.rsplitn(3, ':').skip(1);
            let published = parts.next().and_then(|text| text.parse().ok());
            published == Some(port) && parts.next().is_none_or(is_everywhere)
        }
        mapping => {
            let published = match mapping.get("published") {
                Some(Value::String(text)) => text.parse().ok(),
                Some(other) => other.as_u64(),
                None => None,
            };
            let address = mapping.get("host_ip").and_then(Value::as_str);
            published == Some(u64::from(port)) && address.is_none_or(is_everywhere)
        }
    })
}

fn is_everywhere(address: &str) -> bool {
    matches!(address.trim_matches(['[', ']']), "" | "0.0.0.0" | "::")
}

/// The keys in which the slots' services differ.
fn differ(homes: &Homes) -> Option<Note> {
    let of = |slot| service(homes.files.get(slot), &homes.slots.get(slot).service);
    let (one, two) = (of(Slot::One), of(Slot::Two));
    let keys = one
        .keys()
        .chain(two.keys().filter(|key| !one.contains_key(*key)));
    let differing: Vec<&str> = keys
        .filter(|key| !OWN.contains(&key.as_str()) && one.get(*key) != two.get(*key))
        .map(String::as_str)
        .collect();
    (!differing.is_empty()).then(|| {
        [
            format!(
                "the slots differ in `{}`: the app changes its settings with each deploy",
                differing.join("`, `")
            ),
            "write the same for both in the compose file, unless that is what you want".to_owned(),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_compose_writes_them() {
        for (text, bytes_) in [
            ("536870912", 536_870_912),
            ("512m", 512 << 20),
            ("64M", 64 << 20),
            ("1.5GB", 1536 << 20),
            ("20kb", 20 << 10),
        ] {
            assert_eq!(bytes(text), Some(bytes_), "{text}");
        }
        assert_eq!(bytes("much"), None);
    }

    #[test]
    fn a_port_is_public_in_every_spelling() {
        let public = |port: &str| {
            let text = format!("services: {{a: {{ports: [{port}]}}}}");
            let file = ComposeFile::parse(&text).unwrap();
            is_public(&service(&file, &"a".parse().unwrap()), 8080)
        };
        for port in [
            "'8080:80'",
            "'0.0.0.0:8080:80/tcp'",
            "{target: 80, published: '8080'}",
            "'[::]:8080:80'",
        ] {
            assert!(public(port), "{port}");
        }
        for port in [
            "'127.0.0.1:8080:80'",
            "{target: 80, published: 8080, host_ip: 127.0.0.1}",
            "'9090:80'",
        ] {
            assert!(!public(port), "{port}");
        }
    }
}

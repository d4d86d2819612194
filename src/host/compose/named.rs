//! The slots of an nginx in a container: it may ask them by their names, and then they publish nothing.

use std::collections::BTreeSet;

use yaml_serde::Value;

use super::{ComposeFile, ComposeProblem, ports, scalar_text};
use crate::host::nginx::Spelling;
use crate::protocol::ids::ServiceName;
use crate::protocol::slot::{PerSlot, Slot, SlotService};

/// The port that is asked where nobody says one.
const HTTP: u16 = 80;

/// What each slot may be called, each from its file: by service, container, host name and aliases, and by its ports on the
/// host. A name that both have says nothing.
pub fn spellings(
    files: &PerSlot<ComposeFile>,
    services: &PerSlot<ServiceName>,
) -> Result<PerSlot<Spelling>, (Slot, ComposeProblem)> {
    let PerSlot { mut one, mut two } = PerSlot::try_of(|slot| {
        let (file, service) = (files.get(slot), services.get(slot));
        let value = described(file, service).map_err(|problem| (slot, problem))?;
        let published = ports::published(service, value).unwrap_or_default();
        Ok(Spelling {
            names: called(file, service, value),
            published: published.iter().map(|port| port.host).collect(),
        })
    })?;
    let (of_one, of_two) = (one.names.clone(), two.names.clone());
    for (names, other) in [(&mut one.names, of_two), (&mut two.names, of_one)] {
        for name in names.iter_mut().filter(|name| other.contains(name)) {
            name.clear();
        }
    }
    Ok(PerSlot { one, two })
}

/// The slots as nginx asks them by name, at the port that its file says, or else the one that the service does.
pub fn slots_by_name(
    files: &PerSlot<ComposeFile>,
    services: &PerSlot<ServiceName>,
    said: Option<u16>,
    health: Option<u16>,
) -> Result<PerSlot<SlotService>, (Slot, ComposeProblem)> {
    let spellings = spellings(files, services)?;
    PerSlot::try_of(|slot| {
        let service = services.get(slot);
        let value = described(files.get(slot), service).map_err(|problem| (slot, problem))?;
        let port = said.or_else(|| only_port(service, value)).unwrap_or(HTTP);
        Ok(SlotService {
            health_port: health,
            hosts: spellings.get(slot).names.clone(),
            ..SlotService::new(service.clone(), port)
        })
    })
}

fn described<'a>(
    file: &'a ComposeFile,
    service: &ServiceName,
) -> Result<&'a Value, ComposeProblem> {
    file.service(service, "setting `slots`")
}

fn called(file: &ComposeFile, service: &ServiceName, value: &Value) -> Vec<String> {
    let text = |key: &str| value.get(key).and_then(scalar_text);
    let container = text("container_name").or_else(|| {
        let project = file.name()?;
        Some(format!("{project}-{service}-1"))
    });
    let mut all = vec![
        service.to_string(),
        container.unwrap_or_default(),
        text("hostname").unwrap_or_default(),
    ];
    let networks = value.get("networks").and_then(Value::as_mapping);
    for (_, network) in networks.into_iter().flatten() {
        let aliases = network.get("aliases").and_then(Value::as_sequence);
        all.extend(aliases.into_iter().flatten().filter_map(scalar_text));
    }
    all
}

/// The container's port, when the service publishes or exposes one alone.
fn only_port(service: &ServiceName, value: &Value) -> Option<u16> {
    let published = ports::published(service, value).unwrap_or_default();
    let exposed = value.get("expose").and_then(Value::as_sequence);
    let exposed = exposed.into_iter().flatten().filter_map(scalar_text);
    let exposed = exposed.filter_map(|port| port.trim_end_matches("/tcp").parse().ok());
    let all: BTreeSet<u16> = published
        .iter()
        .map(|port| port.target)
        .chain(exposed)
        .collect();
    all.first().copied().filter(|_| all.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
services:
  web-1: {image: x, expose: ['8080'], container_name: blue, networks: {a: {aliases: [app, app-1]}, b: null}}
  web-2: {image: x, ports: ['8081:8080'], container_name: green, networks: {a: {aliases: [app, app-2]}}}
  nginx: {image: nginx}
";

    fn both(one: &str, two: &str) -> PerSlot<ComposeFile> {
        PerSlot {
            one: ComposeFile::parse(one).unwrap(),
            two: ComposeFile::parse(two).unwrap(),
        }
    }

    fn services(one: &str, two: &str) -> PerSlot<ServiceName> {
        PerSlot {
            one: one.parse().unwrap(),
            two: two.parse().unwrap(),
        }
    }

    #[test]
    fn a_slot_is_known_by_every_name_that_is_its_own() {
        let names = services("web-1", "web-2");
        let found = spellings(&both(FILE, FILE), &names).unwrap();
        assert_eq!(found.one.names, ["web-1", "blue", "", "", "app-1"]);
        assert_eq!(found.two.names, ["web-2", "green", "", "", "app-2"]);
        assert!(found.one.published.is_empty());
        assert_eq!(found.two.published, [8081]);
        let (slot, _) = spellings(&both(FILE, FILE), &services("web-1", "web")).unwrap_err();
        assert_eq!(slot, Slot::Two);
    }

    #[test]
    fn one_service_in_two_projects_is_known_by_its_containers() {
        let file = |name: &str| format!("name: {name}\nservices: {{web: {{image: x}}}}\n");
        let files = both(&file("blue"), &file("green"));
        let found = spellings(&files, &services("web", "web")).unwrap();
        assert_eq!(found.one.names, ["", "blue-web-1", ""]);
        assert_eq!(found.two.names, ["", "green-web-1", ""]);
    }

    #[test]
    fn the_port_of_a_name_is_that_of_the_file_or_the_only_one() {
        let names = services("web-1", "web-2");
        let ports = |text: &str, said| {
            let slots = slots_by_name(&both(text, text), &names, said, Some(9090)).unwrap();
            assert_eq!(slots.one.health_port, Some(9090));
            (slots.one.port, slots.two.port)
        };
        assert_eq!(ports(FILE, None), (8080, 8080));
        assert_eq!(ports(FILE, Some(3000)), (3000, 3000));
        let bare = FILE.replace("expose: ['8080'], ", "");
        assert_eq!(ports(&bare, None), (80, 8080));
    }
}

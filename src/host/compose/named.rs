//! The slots of an nginx in a container: it may ask them by their names, and then they publish nothing.

use std::collections::BTreeSet;

use yaml_serde::Value;

use super::{ComposeFile, ComposeProblem, ports, scalar_text};
use crate::host::nginx::Spelling;
use crate::protocol::ids::ServiceName;
use crate::protocol::slot::{PerSlot, Slot, SlotService};

impl ComposeFile {
    /// What each slot may be called: by service, container, host name and aliases, and by its ports on the host. A name
    /// that both have says nothing.
    pub fn spellings(
        &self,
        names: &PerSlot<ServiceName>,
    ) -> Result<PerSlot<Spelling>, ComposeProblem> {
        let of = |slot: Slot| {
            let service = names.get(slot);
            let value = self.service(service, "setting `slots`")?;
            let published = ports::published(service, value).unwrap_or_default();
            Ok(Spelling {
                names: called(service, value),
                published: published.iter().map(|port| port.host).collect(),
            })
        };
        let mut both = PerSlot {
            one: of(Slot::One)?,
            two: of(Slot::Two)?,
        };
        let shared: BTreeSet<String> = {
            let two = &both.two.names;
            let one = both.one.names.iter();
            one.filter(|name| two.contains(name)).cloned().collect()
        };
        for slot in Slot::BOTH {
            for name in &mut both.get_mut(slot).names {
                if shared.contains(name) {
                    name.clear();
                }
            }
        }
        Ok(both)
    }

    /// The slots as nginx asks them by name, at the port that its file says, or else the one that the service does.
    pub fn slots_by_name(
        &self,
        names: &PerSlot<ServiceName>,
        said: Option<u16>,
        health: Option<u16>,
    ) -> Result<PerSlot<SlotService>, ComposeProblem> {
        const HTTP: u16 = 80;
        let spellings = self.spellings(names)?;
        let of = |slot: Slot| {
            let service = names.get(slot);
            let value = self.service(service, "setting `slots`")?;
            Ok(SlotService {
                service: service.clone(),
                port: said.or_else(|| only_port(service, value)).unwrap_or(HTTP),
                health_port: health,
                names: spellings.get(slot).names.clone(),
            })
        };
        Ok(PerSlot {
            one: of(Slot::One)?,
            two: of(Slot::Two)?,
        })
    }
}

fn called(service: &ServiceName, value: &Value) -> Vec<String> {
    let text = |key: &str| value.get(key).and_then(scalar_text).unwrap_or_default();
    let mut all = vec![
        service.to_string(),
        text("container_name"),
        text("hostname"),
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

    fn names() -> PerSlot<ServiceName> {
        PerSlot {
            one: "web-1".parse().unwrap(),
            two: "web-2".parse().unwrap(),
        }
    }

    #[test]
    fn a_slot_is_known_by_every_name_that_is_its_own() {
        let spellings = ComposeFile::parse(FILE)
            .unwrap()
            .spellings(&names())
            .unwrap();
        assert_eq!(spellings.one.names, ["web-1", "blue", "", "", "app-1"]);
        assert_eq!(spellings.two.names, ["web-2", "green", "", "", "app-2"]);
        assert!(spellings.one.published.is_empty());
        assert_eq!(spellings.two.published, [8081]);
    }

    #[test]
    fn the_port_of_a_name_is_that_of_the_file_or_the_only_one() {
        let file = ComposeFile::parse(FILE).unwrap();
        let ports = |said| {
            let slots = file.slots_by_name(&names(), said, Some(9090)).unwrap();
            assert_eq!(slots.one.health_port, Some(9090));
            (slots.one.port, slots.two.port)
        };
        assert_eq!(ports(None), (8080, 8080));
        assert_eq!(ports(Some(3000)), (3000, 3000));
        let bare = FILE.replace("expose: ['8080'], ", "");
        let slots = ComposeFile::parse(&bare).unwrap();
        assert_eq!(
            slots.slots_by_name(&names(), None, None).unwrap().one.port,
            80
        );
    }
}

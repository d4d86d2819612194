//! The slots as compose files describe them.

use super::{ComposeFile, ComposeProblem, ports};
use crate::protocol::ids::ServiceName;
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
}

//! Compose files, read and written without effects.
//!
//! The text comes from `docker compose config` (or `docker-compose config`), so anchors, variables
//! and `extends` are resolved. Format: the Compose specification.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use yaml_serde::Value;

mod named;
mod networks;
mod ports;
mod slots;

pub use named::{slots_by_name, spellings};
pub use networks::JoinedNetwork;
pub use slots::{guessed, slots};

use crate::protocol::ids::{ProjectName, ServiceName};

/// A compose file that cannot be used for a swap; the text says what and the setting to mend.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ComposeProblem {
    /// Not YAML, or without services.
    #[error("the compose file has no `services`: {0}")]
    NoServices(String),
    /// A service that a setting names is not there.
    #[error("service `{service}` ({setting}) is not in the compose file; it has: {present}")]
    NoSuchService {
        service: String,
        /// The setting that names it.
        setting: &'static str,
        /// What there is.
        present: String,
    },
    #[error("slot `{0}` publishes no TCP port on this host")]
    NoPort(String),
    /// Nothing is published on the host's own network, so that the file has to say what the slot listens on.
    #[error(
        "slot `{0}` is on the host's own network and names no port; write the one it listens on, such as `expose: [\"8080\"]`"
    )]
    NoExposedPort(String),
    /// A range of ports on this host, of which compose takes a free one.
    #[error(
        "slot `{service}` publishes one port of the range {range}; a slot needs a port that stays, such as `{first}:{target}`"
    )]
    Range {
        service: String,
        range: String,
        first: String,
        target: u16,
    },
    /// On an address where nginx does not ask.
    #[error(
        "slot `{service}` publishes port {port} on {address} alone; publish it on 127.0.0.1 as well, or on every address, where nginx and the health check reach it"
    )]
    Elsewhere {
        service: String,
        port: u16,
        address: String,
    },
    /// More than one port: which one serves?
    #[error(
        "slot `{service}` publishes {ports}, and nginx names none of them: which one serves is unclear"
    )]
    ManyPorts { service: String, ports: String },
    /// The other slot does not publish the container's port that nginx sends requests to.
    #[error(
        "nginx sends requests to the container's port {target}, which slot `{service}` does not publish"
    )]
    NotServing { service: String, target: u16 },
    #[error(
        "setting `health-port`: slot `{service}` does not publish its container's port {target}, such as `127.0.0.1:9091:{target}`"
    )]
    NoHealthPort { service: String, target: u16 },
    #[error("slots `{one}` and `{two}` both have port {port}")]
    SamePort { one: String, two: String, port: u16 },
}

/// What belongs to a slot whatever release is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotIdentity {
    /// The name of the compose project, where compose says it.
    pub project: Option<String>,
    /// Ports and names, as they stand in the service.
    pub slot: Vec<(String, serde_json::Value)>,
}

/// A service that runs to its end before a slot starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneShot {
    pub service: ServiceName,
    /// It has the slots' image, and so that of the release.
    pub of_release: bool,
}

/// A resolved compose file.
#[derive(Debug, Clone)]
pub struct ComposeFile {
    /// The `version` key, which compose v1 wants to agree in all files.
    pub version: Option<String>,
    services: BTreeMap<String, Value>,
    /// All of it, with keys that are sorted at every depth.
    root: serde_json::Map<String, serde_json::Value>,
}

impl ComposeFile {
    /// Reads what `config` printed.
    pub fn parse(yaml: &str) -> Result<Self, ComposeProblem> {
        let root: Value = yaml_serde::from_str(yaml)
            .map_err(|error| ComposeProblem::NoServices(error.to_string()))?;
        let services = root
            .get("services")
            .and_then(Value::as_mapping)
            .ok_or_else(|| ComposeProblem::NoServices("the key is missing".to_owned()))?
            .iter()
            .filter_map(|(name, service)| Some((name.as_str()?.to_owned(), service.clone())))
            .collect();
        let version = root.get("version").and_then(scalar_text);
        let root = match serde_json::to_value(&root) {
            Ok(serde_json::Value::Object(root)) => root,
            Ok(_) => serde_json::Map::new(),
            Err(error) => return Err(ComposeProblem::NoServices(error.to_string())),
        };
        Ok(Self {
            version,
            services,
            root,
        })
    }

    pub fn services(&self) -> serde_json::Map<String, serde_json::Value> {
        self.part("services")
    }

    /// One top-level part, such as `volumes`, by name; empty when it is not there.
    pub fn part(&self, name: &str) -> serde_json::Map<String, serde_json::Value> {
        let part = self.root.get(name).and_then(serde_json::Value::as_object);
        part.cloned().unwrap_or_default()
    }

    /// What a release gets from the slot that it goes to, when it is not started from this file: the project's name,
    /// and what [`super::release`] does not keep.
    pub fn place(&self, service: &ServiceName) -> SlotIdentity {
        let of_slot = |key: &str| {
            let value = self.root.get("services")?.get(service.as_str())?.get(key)?;
            Some((key.to_owned(), value.clone()))
        };
        let name = self.root.get("name").and_then(serde_json::Value::as_str);
        SlotIdentity {
            project: name.map(str::to_owned),
            slot: ["ports", "container_name", "hostname"]
                .into_iter()
                .filter_map(of_slot)
                .collect(),
        }
    }

    /// What compose calls the project of these files, where it says so.
    pub fn name(&self) -> Option<ProjectName> {
        self.root.get("name")?.as_str()?.parse().ok()
    }

    /// What must have run to its end before a slot starts (`service_completed_successfully`), by name: migrations, say.
    pub fn one_shots(&self, slots: &[ServiceName]) -> Vec<OneShot> {
        let image = |service: &ServiceName| self.services.get(service.as_str())?.get("image");
        let of_slots: Vec<_> = slots.iter().map(image).collect();
        let named = slots
            .iter()
            .filter_map(|slot| self.services.get(slot.as_str()));
        let needed = named.flat_map(depends_on).filter(|need| need.is_one_shot);
        let services: BTreeSet<ServiceName> = needed
            .filter_map(|need| need.service.parse().ok())
            .collect();
        let there = services
            .into_iter()
            .filter(|service| self.services.contains_key(service.as_str()));
        there
            .map(|service| {
                let own = image(&service);
                let of_release = own.is_none() || of_slots.contains(&own);
                OneShot {
                    service,
                    of_release,
                }
            })
            .collect()
    }

    /// What must run before a slot: the given services, or what the slots depend on, at any depth. One that runs to its end
    /// is none of them, but what it needs is; an optional one may be absent.
    pub fn dependencies(
        &self,
        slots: &[ServiceName],
        given: Option<&[ServiceName]>,
    ) -> Result<Vec<ServiceName>, ComposeProblem> {
        if let Some(given) = given {
            for service in given {
                self.service(service, "setting `dependencies`")?;
            }
            return Ok(given.to_vec());
        }
        let mut found: Vec<ServiceName> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = slots.to_vec();
        while let Some(service) = open.pop() {
            for need in depends_on(self.service(&service, "`depends_on`")?) {
                let Ok(name) = need.service.parse::<ServiceName>() else {
                    continue;
                };
                let is_absent = need.is_optional && !self.services.contains_key(name.as_str());
                let is_slot = slots.contains(&name);
                if !is_slot && !is_absent && seen.insert(name.clone()) {
                    if !need.is_one_shot {
                        found.push(name.clone());
                    }
                    open.push(name);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn service(&self, name: &ServiceName, setting: &'static str) -> Result<&Value, ComposeProblem> {
        self.services
            .get(name.as_str())
            .ok_or_else(|| ComposeProblem::NoSuchService {
                service: name.to_string(),
                setting,
                present: self.services.keys().cloned().collect::<Vec<_>>().join(", "),
            })
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One entry of `depends_on`.
struct Need {
    service: String,
    /// It must end with 0 (`condition: service_completed_successfully`).
    is_one_shot: bool,
    /// `required: false`.
    is_optional: bool,
}

fn depends_on(service: &Value) -> Vec<Need> {
    match service.get("depends_on") {
        Some(Value::Sequence(names)) => {
            let need = |service| Need {
                service,
                is_one_shot: false,
                is_optional: false,
            };
            names.iter().filter_map(scalar_text).map(need).collect()
        }
        Some(Value::Mapping(names)) => names
            .iter()
            .filter_map(|(name, how)| {
                let condition = how.get("condition").and_then(Value::as_str);
                Some(Need {
                    service: name.as_str()?.to_owned(),
                    is_one_shot: condition == Some("service_completed_successfully"),
                    is_optional: how.get("required").and_then(Value::as_bool) == Some(false),
                })
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = r#"
name: ec2-user
services:
  pct-backend-1:
    depends_on:
      pct-redis: {condition: service_started, required: true}
      pct-mysql: {condition: service_started, required: true}
    image: user/was
    ports: [{mode: ingress, target: 8080, published: "8080", protocol: tcp}]
    deploy: {resources: {limits: {memory: "536870912"}}}
  pct-backend-2:
    depends_on: {pct-redis: {condition: service_started}}
    image: user/was
    ports: [{mode: ingress, target: 8080, published: "8081", protocol: tcp}]
    deploy: {resources: {limits: {memory: "536870912"}}}
  pct-mysql: {image: db}
  pct-redis: {image: redis}
"#;

    const V1: &str = "
services:
  a: {image: x, ports: ['127.0.0.1:8080:8080/tcp', '53:53/udp'], depends_on: [db]}
  b: {image: x, ports: ['8081:8080/tcp'], depends_on: [db, a]}
  db: {image: db}
version: '3.8'
";

    #[test]
    fn both_generations_of_compose_are_read() {
        let names = |names: [&str; 2]| names.map(|name| name.parse().unwrap());
        let v2 = ComposeFile::parse(V2).unwrap();
        assert_eq!(v2.name(), "ec2-user".parse().ok());
        let needs: Vec<_> = v2
            .dependencies(&names(["pct-backend-1", "pct-backend-2"]), None)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(needs, ["pct-mysql", "pct-redis"]);
        let v1 = ComposeFile::parse(V1).unwrap();
        assert_eq!(v1.dependencies(&names(["a", "b"]), None).unwrap().len(), 1);
        assert_eq!((v1.version.as_deref(), v1.name()), (Some("3.8"), None));
        assert!(ComposeFile::parse("volumes: {}").is_err());
    }
}

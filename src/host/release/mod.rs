//! A release as it ran: what compose made of the file when it was deployed, kept beside its image, so that a rollback
//! starts that and not what the file says by then. Pure; the text holds what the environment holds.
//!
//! The text is one line of ours, then a compose file in JSON, which every YAML parser reads alike: the slots without
//! what belongs to the slot (ports, name) or to the run (image, dependencies), and the volumes, networks, secrets and
//! configs that they use. Slots that share no compose file are two texts of one release.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;

use hmac::{Hmac, Mac as _};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::compose::ComposeFile;
use crate::protocol::ids::{PinnedImage, ReleaseId, ServiceName};

const MARK: &str = "# pct-deploy release ";
const VERSION: &str = "1";

/// What belongs to the slot that a release goes to, or to the run.
const NOT_KEPT: [&str; 6] = [
    "ports",
    "image",
    "container_name",
    "hostname",
    "build",
    "depends_on",
];

/// The parts of a compose file that services name.
const PARTS: [&str; 4] = ["volumes", "networks", "secrets", "configs"];

/// The settings of both slots, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    root: Value,
}

/// A kept text that cannot be used.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum NotKept {
    /// Written by a version that this one does not know.
    #[error("it was written by another version of pct-deploy")]
    OtherVersion,
    /// It is not what was written.
    #[error("it is damaged")]
    Damaged,
}

impl Definition {
    /// What there is to keep of a compose file for the slots that it describes; `None` when one is not in it.
    pub fn of(file: &ComposeFile, slots: &[ServiceName]) -> Option<Self> {
        let all = file.services();
        let mut kept = Map::new();
        let mut open: Vec<String> = slots.iter().map(ToString::to_string).collect();
        while let Some(name) = open.pop() {
            if kept.contains_key(&name) {
                continue;
            }
            let mut service = all.get(&name)?.as_object()?.clone();
            let is_slot = slots.iter().any(|slot| slot.as_str() == name);
            service
                .retain(|key, _| !NOT_KEPT.contains(&key.as_str()) || (key == "image" && !is_slot));
            open.extend(shares_with(&service));
            kept.insert(name, Value::Object(service));
        }
        let mut root = Map::new();
        if let Some(version) = &file.version {
            root.insert("version".to_owned(), json!(version));
        }
        for part in PARTS {
            let used: BTreeSet<String> = kept
                .values()
                .flat_map(|service| names(service, part))
                .collect();
            let present = file.part(part);
            let found: Map<String, Value> = used
                .into_iter()
                .filter_map(|name| Some((name.clone(), present.get(&name)?.clone())))
                .collect();
            if !found.is_empty() {
                root.insert(part.to_owned(), Value::Object(found));
            }
        }
        root.insert("services".to_owned(), Value::Object(kept));
        Some(Self {
            root: Value::Object(root),
        })
    }

    /// The text to keep. Compose wants an image in every service, also in the slot that is not started.
    pub fn render(&self, image: &PinnedImage, release: &ReleaseId) -> String {
        let mut root = self.root.clone();
        let services = root.get_mut("services").and_then(Value::as_object_mut);
        let services = services
            .into_iter()
            .flat_map(|services| services.values_mut());
        for service in services.filter_map(Value::as_object_mut) {
            service
                .entry("image")
                .or_insert_with(|| json!(image.to_string()));
        }
        let body = format!("{root:#}\n");
        let sum = sum(image, release, &body);
        format!("{MARK}{VERSION} id={release} image={image} sum={sum}\n{body}")
    }

    /// Reads a kept text.
    pub fn read(text: &str) -> Result<(Self, PinnedImage, ReleaseId), NotKept> {
        let (image, release, sum, body) = head(text)?;
        if sum != self::sum(&image, &release, body) {
            return Err(NotKept::Damaged);
        }
        let root = serde_json::from_str(body).map_err(|_not_json| NotKept::Damaged)?;
        Ok((Self { root }, image, release))
    }

    /// The `version` key, which compose v1 wants to agree in all files.
    pub fn version(&self) -> Option<&str> {
        self.root.get("version")?.as_str()
    }

    /// What a service needs that the compose file no longer has, in words; empty when all is there.
    pub fn gone_from(&self, file: &ComposeFile, service: &ServiceName) -> Vec<String> {
        let Some(kept) = self.service(service) else {
            return vec![format!("service `{service}`, which it did not run as")];
        };
        let mut gone = Vec::new();
        for part in PARTS {
            let one = part.trim_end_matches('s');
            let present = file.part(part);
            for name in names(kept, part) {
                let Some(was) = self.root.get(part).and_then(|part| part.get(&name)) else {
                    // The file gave it no definition then either: compose makes it by its name.
                    continue;
                };
                match present.get(&name) {
                    None => gone.push(format!(
                        "{one} `{name}`, which the compose file no longer has"
                    )),
                    Some(is) if called(is) != called(was) => gone.push(format!(
                        "{one} `{name}`, which is `{}` now and was `{}`",
                        called(is).unwrap_or(&name),
                        called(was).unwrap_or(&name)
                    )),
                    Some(_) => {}
                }
            }
        }
        gone
    }

    /// The files and folders of the host that a service is given.
    pub fn sources(&self, service: &ServiceName) -> Vec<PathBuf> {
        let Some(kept) = self.service(service) else {
            return Vec::new();
        };
        let volumes = kept.get("volumes").and_then(Value::as_array);
        let binds = volumes.into_iter().flatten().filter_map(|volume| {
            let path = match volume {
                Value::String(short) => short.split(':').next()?,
                long => long.get("source")?.as_str()?,
            };
            path.starts_with('/').then(|| PathBuf::from(path))
        });
        let files = ["secrets", "configs"].into_iter().flat_map(|part| {
            names(kept, part).into_iter().filter_map(move |name| {
                let file = self.root.get(part)?.get(&name)?.get("file")?.as_str()?;
                file.starts_with('/').then(|| PathBuf::from(file))
            })
        });
        binds.chain(files).collect()
    }

    /// What is kept under a key of a service.
    #[cfg(test)]
    pub(crate) fn said(&self, service: &ServiceName, key: &str) -> Option<&Value> {
        self.service(service)?.get(key)
    }

    fn service(&self, service: &ServiceName) -> Option<&Value> {
        self.root.get("services")?.get(service.as_str())
    }
}

/// The name of an image with these settings. Only who has the key can check a guess of what is in them.
pub fn release_id(
    definitions: &[Definition],
    image: &PinnedImage,
    key: &[u8],
) -> Option<ReleaseId> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(image.to_string().as_bytes());
    for definition in definitions {
        mac.update(&[0]);
        // Keys are sorted at every depth.
        mac.update(definition.root.to_string().as_bytes());
    }
    let id = hex_digits(mac.finalize().into_bytes(), ReleaseId::KEYED);
    id.parse().ok()
}

/// The image of a kept text, without looking at the rest of it.
pub fn image_of(text: &str) -> Option<PinnedImage> {
    head(text).ok().map(|(image, ..)| image)
}

fn head(text: &str) -> Result<(PinnedImage, ReleaseId, &str, &str), NotKept> {
    let rest = text.strip_prefix(MARK).ok_or(NotKept::Damaged)?;
    let (line, body) = rest.split_once('\n').ok_or(NotKept::Damaged)?;
    let mut words = line.split(' ');
    if words.next() != Some(VERSION) {
        return Err(NotKept::OtherVersion);
    }
    let mut value = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
    let fields = (|| {
        let release = value("id")?.parse().ok()?;
        let image = value("image")?.parse().ok()?;
        Some((image, release, value("sum")?, body))
    })();
    fields.ok_or(NotKept::Damaged)
}

fn sum(image: &PinnedImage, release: &ReleaseId, body: &str) -> String {
    let mut hash = Sha256::new();
    for part in [image.to_string().as_str(), release.as_str(), body] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex_digits(hash.finalize(), 16)
}

fn hex_digits(bytes: impl AsRef<[u8]>, count: usize) -> String {
    let mut digits = hex::encode(bytes);
    digits.truncate(count);
    digits
}

/// What a volume or a network is called on the host, where that is said.
fn called(part: &Value) -> Option<&str> {
    part.get("name")?.as_str()
}

/// The services that this one cannot be described without.
fn shares_with(service: &Map<String, Value>) -> Vec<String> {
    let modes = ["network_mode", "ipc", "pid"]
        .into_iter()
        .filter_map(|key| {
            let mode = service.get(key)?.as_str()?;
            mode.strip_prefix("service:").map(str::to_owned)
        });
    let lists = ["links", "volumes_from"].into_iter().flat_map(|key| {
        let list = service.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|entry| {
            let name = entry.as_str()?.split(':').next()?;
            (name != "container").then(|| name.to_owned())
        })
    });
    modes.chain(lists).collect()
}

/// The volumes, networks, secrets or configs that a service names.
fn names(service: &Value, part: &str) -> Vec<String> {
    let entry = |entry: &Value| match entry {
        Value::String(text) if part == "volumes" => {
            let (name, _) = text.split_once(':')?;
            let is_path = name.starts_with(['/', '.', '~']);
            (!is_path).then(|| name.to_owned())
        }
        Value::String(text) => Some(text.clone()),
        long => {
            let is_volume =
                part != "volumes" || long.get("type").and_then(Value::as_str) == Some("volume");
            let source = long.get("source")?.as_str()?;
            is_volume.then(|| source.to_owned())
        }
    };
    match service.get(part) {
        Some(Value::Array(list)) => list.iter().filter_map(entry).collect(),
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        // Compose joins it to this one when nothing is said.
        None if part == "networks" && service.get("network_mode").is_none() => {
            vec!["default".to_owned()]
        }
        _ => Vec::new(),
    }
}

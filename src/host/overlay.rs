//! The override file that goes on top of the user's compose file, written and read without effects.

use yaml_serde::Value;

use super::compose::SlotIdentity;
use crate::protocol::ids::{PinnedImage, ReleaseId, ServiceName};

/// The override file that pins a slot to a release.
///
/// Compose v1 wants every file to name the same `version`; compose v2 can be told never to pull, which
/// keeps a `pull_policy: always` of the user's from asking the registry for what is already here. On top of a kept
/// release it gives the `place`, which that has not. Services of `beside` get the image, too.
pub fn render_override(
    dialect: Dialect<'_>,
    service: &ServiceName,
    image: &PinnedImage,
    release: &ReleaseId,
    place: Option<&SlotIdentity>,
    beside: &[&ServiceName],
) -> String {
    let (version, policy) = match dialect {
        Dialect::V1 {
            version: Some(version),
        } => (format!("version: \"{version}\"\n"), ""),
        Dialect::V1 { version: None } => (String::new(), ""),
        Dialect::V2 => (String::new(), "    pull_policy: never\n"),
    };
    let (mut project, mut slot) = (String::new(), String::new());
    if let Some(place) = place {
        // JSON is YAML that every parser reads alike.
        if let (Dialect::V2, Some(name)) = (dialect, &place.project) {
            project = format!("name: {}\n", serde_json::json!(name));
        }
        for (key, value) in &place.slot {
            slot.push_str(&format!("    {key}: {value}\n"));
        }
    }
    for other in beside {
        slot.push_str(&format!("  \"{other}\":\n    image: \"{image}\"\n{policy}"));
    }
    let below = match place {
        None => "your compose file",
        Some(_) => "the release as it was kept",
    };
    format!(
        "# Written by pct-deploy at every deploy; goes on top of {below}.\n\
         {version}{project}services:\n  \"{service}\":\n    image: \"{image}\"\n{policy}    labels:\n      \
         {RELEASE_LABEL}: \"{release}\"\n{slot}"
    )
}

/// Which compose reads an override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect<'a> {
    /// The Python program, and the `version` of the file below.
    V1 {
        /// As the user's file has it.
        version: Option<&'a str>,
    },
    /// The Docker plugin.
    V2,
}

/// The label that names the release a container runs.
pub const RELEASE_LABEL: &str = "pct-deploy.release";

/// The release that an override file pins, when it is one of ours.
pub fn read_override(text: &str) -> Option<(PinnedImage, ReleaseId)> {
    let root: Value = yaml_serde::from_str(text).ok()?;
    let (_, service) = root.get("services")?.as_mapping()?.iter().next()?;
    let image = service.get("image")?.as_str()?.parse().ok()?;
    let release = service
        .get("labels")?
        .get(RELEASE_LABEL)?
        .as_str()?
        .parse()
        .ok()?;
    Some((image, release))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> PinnedImage {
        format!("user/was@sha256:{}", "a".repeat(64))
            .parse()
            .unwrap()
    }

    #[test]
    fn an_override_reads_back() {
        let service = "pct-backend-2".parse().unwrap();
        let release: ReleaseId = "0123456789ab".parse().unwrap();
        for dialect in [
            Dialect::V2,
            Dialect::V1 { version: None },
            Dialect::V1 {
                version: Some("3.8"),
            },
        ] {
            let text = render_override(dialect, &service, &image(), &release, None, &[]);
            assert_eq!(
                read_override(&text),
                Some((image(), release.clone())),
                "{text}"
            );
            assert_eq!(text.contains("pull_policy: never"), dialect == Dialect::V2);
            assert_eq!(
                text.contains("version: \"3.8\"\n"),
                dialect
                    == Dialect::V1 {
                        version: Some("3.8")
                    }
            );
        }
        assert_eq!(read_override("services: {}"), None);
    }

    #[test]
    fn on_top_of_a_kept_release_the_slot_s_own_part_is_given() {
        let service = "web-2".parse().unwrap();
        let release: ReleaseId = "0123456789abcdef".parse().unwrap();
        let place = SlotIdentity {
            project: Some("shop".to_owned()),
            slot: vec![
                (
                    "ports".to_owned(),
                    serde_json::json!([{"target": 80, "published": "8081"}]),
                ),
                ("container_name".to_owned(), serde_json::json!("on")),
            ],
        };
        for (dialect, name) in [
            (Dialect::V2, Some("shop")),
            (Dialect::V1 { version: None }, None),
        ] {
            let text = render_override(dialect, &service, &image(), &release, Some(&place), &[]);
            assert_eq!(read_override(&text), Some((image(), release.clone())));
            let root: Value = yaml_serde::from_str(&text).unwrap();
            assert_eq!(root.get("name").and_then(Value::as_str), name);
            let service = &root["services"]["web-2"];
            assert_eq!(service["container_name"].as_str(), Some("on"));
            assert_eq!(service["ports"][0]["published"].as_str(), Some("8081"));
        }
    }
}

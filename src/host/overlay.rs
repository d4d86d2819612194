//! The override file that goes on top of the user's compose file, written and read without effects.

use yaml_serde::Value;

use crate::protocol::ids::{PinnedImage, ReleaseId, ServiceName};

/// The override file that pins a slot to a release.
///
/// Compose v1 wants every file to name the same `version`; compose v2 can be told never to pull, which
/// keeps a `pull_policy: always` of the user's from asking the registry for what is already here.
pub fn render_override(
    dialect: Dialect<'_>,
    service: &ServiceName,
    image: &PinnedImage,
    release: &ReleaseId,
) -> String {
    let (version, policy) = match dialect {
        Dialect::V1 {
            version: Some(version),
        } => (format!("version: \"{version}\"\n"), ""),
        Dialect::V1 { version: None } => (String::new(), ""),
        Dialect::V2 => (String::new(), "    pull_policy: never\n"),
    };
    format!(
        "# Written by pct-deploy at every deploy; goes on top of your compose file.\n\
         {version}services:\n  {service}:\n    image: \"{image}\"\n{policy}    labels:\n      \
         {RELEASE_LABEL}: \"{release}\"\n"
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
            let text = render_override(dialect, &service, &image(), &release);
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
}

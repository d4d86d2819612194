//! Names that were checked once and cannot be wrong afterwards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not a valid name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not {expected}")]
pub struct InvalidName {
    text: String,
    expected: &'static str,
}

macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidName { text: text.to_owned(), expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_name!(
    /// The content address of an image manifest: `sha256:` and 64 lower-case hex digits (OCI image spec).
    Digest,
    "a digest such as `sha256:` followed by 64 hex digits",
    |text| text.strip_prefix("sha256:").is_some_and(|hex| is_hex(hex, 64))
);

impl Digest {
    /// The first 12 hex digits, enough for a person.
    pub fn short(&self) -> &str {
        self.0.get(7..19).unwrap_or(&self.0)
    }
}

checked_name!(
    /// An image name without tag or digest: `user/app`, `ghcr.io/org/app`, `localhost:5000/user/app`.
    Repository,
    "an image name such as `user/app` (lower case, no tag)",
    is_repository
);

impl Repository {
    /// The registry's host as it stands in the name; `None` means Docker Hub.
    pub fn registry(&self) -> Option<&str> {
        let (first, _) = self.0.split_once('/')?;
        let is_host = first.contains(['.', ':']) || first == "localhost";
        is_host.then_some(first)
    }

    /// The last part of the name.
    pub fn last_part(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

checked_name!(
    /// An image tag (OCI distribution spec: at most 128 of `[A-Za-z0-9_.-]`).
    Tag,
    "an image tag (letters, digits, `_`, `.`, `-`)",
    |text| (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
);

checked_name!(
    /// The thing deployed; names its state folder.
    AppName,
    "an app name (letters, digits, `_`, `.`, `-`, at most 64; not `bin`, where the agents are)",
    is_app_name
);

checked_name!(
    /// A service of the compose file.
    ServiceName,
    "a compose service name (letters, digits, `_`, `.`, `-`, at most 64)",
    is_plain_name
);

checked_name!(
    /// A compose project, as `docker compose -p` takes it.
    ProjectName,
    "a compose project name (lower-case letters, digits, `_`, `-`)",
    |text| (1..=128).contains(&text.len())
        && !text.starts_with(['_', '-'])
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
);

impl ProjectName {
    /// What compose calls the project of a folder when nobody names it; `None` when nothing is left of the folder's name.
    pub fn of_folder(name: &str) -> Option<Self> {
        let kept: String = name
            .to_lowercase()
            .chars()
            .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
            .collect();
        kept.trim_start_matches(['_', '-']).parse().ok()
    }
}

checked_name!(
    /// What people call a slot; names its files on the host.
    SlotName,
    "a slot name (letters, digits, `_`, `.`, `-`, at most 128)",
    |text| (1..=128).contains(&text.len())
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
);

impl From<&ServiceName> for SlotName {
    fn from(service: &ServiceName) -> Self {
        Self(service.0.clone())
    }
}

impl From<&ProjectName> for SlotName {
    fn from(project: &ProjectName) -> Self {
        Self(project.0.clone())
    }
}

checked_name!(
    /// A name that a web server answers for, as in nginx's `server_name`.
    ServerName,
    "a server name such as `www.example.com`",
    |text| (1..=253).contains(&text.len())
        && !text.starts_with(['-', '.'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
);

checked_name!(
    /// A full git commit: 40 lower-case hex digits.
    Commit,
    "a full commit (40 hex digits)",
    |text| is_hex(text, 40)
);

impl Commit {
    /// The first 12 hex digits.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

checked_name!(
    /// One run of the swap. Sorts by time: `<UTC as yyyymmddThhmmssZ>-<6 hex digits>`.
    DeploymentId,
    "a deployment id such as `20260131T235959Z-0a1b2c`",
    |text| text.len() == 23 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
);

checked_name!(
    /// An image digest with the settings it runs with: 16 hex digits, or 12 from a version that kept no settings.
    ReleaseId,
    "a release (16 hex digits, or 12)",
    |text| is_hex(text, ReleaseId::KEYED) || is_hex(text, 12)
);

checked_name!(
    /// What a person calls a release: the beginning of its name, or of its commit.
    ReleasePrefix,
    "a release or a commit (4 to 40 hex digits)",
    |text| (4..=40).contains(&text.len()) && is_hex(text, text.len())
);

impl ReleaseId {
    /// The length of a name that only the host can make; its settings are kept there.
    pub const KEYED: usize = 16;

    /// Whether it is from a version that kept no settings.
    pub fn is_of_old(&self) -> bool {
        self.0.len() != Self::KEYED
    }
}

/// An image that cannot change: a name and a digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedImage {
    /// Where it is.
    pub repository: Repository,
    /// What it is.
    pub digest: Digest,
}

impl fmt::Display for PinnedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

impl FromStr for PinnedImage {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (name, digest) = text.split_once('@').ok_or_else(|| InvalidName {
            text: text.to_owned(),
            expected: "an image with a digest such as `user/app@sha256:…`",
        })?;
        Ok(Self {
            repository: name.parse()?,
            digest: digest.parse()?,
        })
    }
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_plain_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// Beside its apps the state folder holds the agents.
fn is_app_name(text: &str) -> bool {
    is_plain_name(text) && text != "bin"
}

fn is_repository(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
            && !part.starts_with(['.', '_', '-'])
            && !part.ends_with(['.', '_', '-'])
    };
    let (host, path) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("", text),
    };
    let (name, port) = host
        .split_once(':')
        .map_or((host, None), |(name, port)| (name, Some(port)));
    let host_is_fine = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
        && port.is_none_or(|port| port.parse::<u16>().is_ok());
    text.len() <= 255 && host_is_fine && path.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_of_every_kind_are_read() {
        for good in [
            "app",
            "user/pct-backend",
            "ghcr.io/org/app",
            "localhost:5000/pct/hello",
            "h:5000/a",
        ] {
            assert!(good.parse::<Repository>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "User/app",
            "user/app:latest",
            "user//app",
            "user/-app",
            "h:port/a",
            "a b",
        ] {
            assert!(bad.parse::<Repository>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_registry_is_told_from_a_user() {
        let registry = |text: &str| {
            text.parse::<Repository>()
                .unwrap()
                .registry()
                .map(str::to_owned)
        };
        assert_eq!(registry("user/app"), None);
        assert_eq!(
            registry("localhost:5000/user/app").as_deref(),
            Some("localhost:5000")
        );
        assert_eq!(registry("ghcr.io/org/app").as_deref(), Some("ghcr.io"));
    }

    #[test]
    fn a_digest_is_exact() {
        let hex = "0".repeat(64);
        assert!(format!("sha256:{hex}").parse::<Digest>().is_ok());
        assert!(
            format!("sha256:{}", hex.to_uppercase().replace('0', "A"))
                .parse::<Digest>()
                .is_err()
        );
        assert!("sha256:abc".parse::<Digest>().is_err());
        assert!(hex.parse::<Digest>().is_err());
    }

    #[test]
    fn names_that_could_leave_a_folder_are_refused() {
        for bad in ["..", ".", "/", "a/b", "", "-x", "bin"] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
    }
}

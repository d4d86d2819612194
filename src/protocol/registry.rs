//! Registries by name.

use std::fmt;
use std::str::FromStr;

use super::ids::Repository;

/// Docker Hub as engines, clients and people write it.
const HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// A registry's host, with its port if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryName(String);

impl RegistryName {
    /// The one that has this image.
    pub fn of(repository: &Repository) -> Self {
        repository.registry().map_or_else(
            || Self(HUB[0].to_owned()),
            |host| Self(one_spelling(host.to_ascii_lowercase())),
        )
    }

    /// The host, or `None` for Docker Hub.
    pub fn host(&self) -> Option<&str> {
        (self.0 != HUB[0]).then_some(self.0.as_str())
    }
}

impl FromStr for RegistryName {
    type Err = String;

    /// Also as a client keeps it, `https://index.docker.io/v1/`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .unwrap_or(text);
        let bare = bare.trim_end_matches('/').to_ascii_lowercase();
        let bare = bare.strip_suffix("/v1").unwrap_or(&bare);
        let is_host = |host: &str| {
            !host.is_empty()
                && host
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
        };
        if !is_host(bare) {
            return Err(format!("`{text}` is not a registry such as `ghcr.io`"));
        }
        Ok(Self(one_spelling(bare.to_owned())))
    }
}

/// Whether this host is Docker Hub.
pub fn is_docker_hub(host: &str) -> bool {
    HUB.contains(&host)
}

fn one_spelling(host: String) -> String {
    if is_docker_hub(&host) {
        HUB[0].to_owned()
    } else {
        host
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_hub_has_one_name_here() {
        let of = |image: &str| RegistryName::of(&image.parse().unwrap());
        for written in [
            "docker.io",
            "index.docker.io",
            "https://index.docker.io/v1/",
            "registry-1.docker.io",
        ] {
            let registry: RegistryName = written.parse().unwrap();
            assert_eq!(registry, of("user/app"), "{written}");
            assert_eq!(registry.host(), None);
        }
        assert_eq!("GHCR.io/".parse(), Ok(of("ghcr.io/org/app")));
        assert_eq!("localhost:5000".parse(), Ok(of("localhost:5000/app")));
        for wrong in ["", "ghcr.io/org", "a b", "https://"] {
            assert!(wrong.parse::<RegistryName>().is_err(), "{wrong}");
        }
    }
}

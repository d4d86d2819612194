//! Names of images as registries and engines spell them.

use crate::protocol::ids::{Digest, Repository};
use crate::protocol::registry::is_docker_hub;

/// The registry's host, or `None` for Docker Hub under any of its names.
pub(crate) fn registry_host(repository: &Repository) -> Option<&str> {
    repository.registry().filter(|host| !is_docker_hub(host))
}

/// The digest in a `name@digest` of this repository, however either is spelled.
pub(crate) fn digest_of(reference: &str, repository: &Repository) -> Option<Digest> {
    let (name, digest) = reference.split_once('@')?;
    (familiar(name) == familiar(repository.as_str())).then(|| digest.parse().ok())?
}

/// The short form of a Docker Hub name, which is what engines list.
fn familiar(name: &str) -> &str {
    let name = name
        .strip_prefix("docker.io/")
        .or_else(|| name.strip_prefix("index.docker.io/"))
        .unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str) -> Repository {
        name.parse().unwrap()
    }

    fn reference(name: &str, digit: char) -> String {
        format!("{name}@sha256:{}", digit.to_string().repeat(64))
    }

    #[test]
    fn docker_hub_has_several_spellings() {
        for name in ["user/app", "docker.io/user/app", "index.docker.io/user/app"] {
            assert!(
                digest_of(&reference("user/app", 'a'), &repository(name)).is_some(),
                "{name}"
            );
        }
        let redis = reference("redis", 'a');
        assert!(digest_of(&redis, &repository("docker.io/library/redis")).is_some());
        assert!(digest_of(&redis, &repository("user/redis")).is_none());
        assert!(digest_of(&reference("user/app2", 'a'), &repository("user/app")).is_none());
    }
}

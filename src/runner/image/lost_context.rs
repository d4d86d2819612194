//! An engine whose BuildKit does not find the build context that it was sent.
//!
//! Engines 23 to 27.4 hand a tar to BuildKit under a made-up host name, which with the containerd image store nobody
//! resolves, or a proxy refuses (moby#47717). The classic builder reads the same tar.

use bollard::Docker;
use tokio::time::timeout;

use crate::clients::docker::ANSWER;

/// What to do about it.
pub(super) const CURE: &str = "update Docker on this machine to 27.5 or newer, or turn `containerd-snapshotter` off under `features` in its daemon.json";

/// Whether a build may have failed for that.
pub(super) fn may_be_why(text: &str) -> bool {
    text.contains("http://build-context-") || text.contains("invalid response status 403")
}

/// The engine's version, if it is one of those.
pub(super) async fn affected(docker: &Docker) -> Option<String> {
    let info = timeout(ANSWER, docker.info()).await.ok()?.ok()?;
    let mut status = info.driver_status.iter().flatten().flatten();
    let has_store = status.any(|word| word.starts_with("io.containerd.snapshotter"));
    let version = info.server_version?;
    (has_store && is_between(&version)).then_some(version)
}

fn is_between(version: &str) -> bool {
    let mut numbers = version
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next(), numbers.next().or(Some(0)));
    (Some(23), Some(0)) <= version && version < (Some(27), Some(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_words_and_those_of_a_proxy_are_known() {
        for text in [
            "failed to read downloaded context: failed to load cache key: Get \"http://build-context-pg7jd39e9z5\": dial tcp: lookup build-context-pg7jd39e9z5 on 127.0.0.11:53: no such host",
            "failed to load cache key: invalid response status 403",
        ] {
            assert!(may_be_why(text), "{text}");
        }
        assert!(!may_be_why("failed to compute cache key: not found"));
    }

    #[test]
    fn versions_are_told_apart() {
        for version in [
            "23.0.0",
            "24.0.7",
            "26.1.5+dfsg1",
            "27",
            "27.4.1",
            "27.0.0-rc.1",
        ] {
            assert!(is_between(version), "{version}");
        }
        for version in [
            "20.10.24+dfsg1",
            "27.5.0",
            "28.5.2+dfsg4",
            "29.0.0",
            "dev",
            "",
        ] {
            assert!(!is_between(version), "{version}");
        }
    }
}

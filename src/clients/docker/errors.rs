//! What the words of engines and registries mean. The engine has a status for few things; its text says more.

use std::io::ErrorKind;

use bollard::errors::Error;

use crate::error::causes;

/// What went wrong. The first of those that fit a text is meant, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DockerFailure {
    DiskFull,
    /// The registry wants fewer requests. A busy one may say so to a client that it would refuse later.
    Busy,
    /// The registry does not accept who we are, or what we may do.
    Unauthorized,
    /// A daemon or registry fails or is too slow at the moment.
    Down,
    /// No way leads to the registry by this name.
    Unreachable,
    Missing,
    Other,
}

const WORDS: [(DockerFailure, &[&str]); 6] = [
    (
        DockerFailure::DiskFull,
        &["no space left on device", "disk quota exceeded"],
    ),
    (
        DockerFailure::Busy,
        &["toomanyrequests", "too many requests"],
    ),
    (
        DockerFailure::Unauthorized,
        &[
            "unauthorized",
            "no basic auth credentials",
            "access denied",
            "access to the resource is denied",
            "authentication required",
            "incorrect username or password",
            "insufficient_scope",
            "403 forbidden",
        ],
    ),
    (
        DockerFailure::Down,
        &[
            "connection refused",
            "connection reset",
            "broken pipe",
            "timeout",
            "timed out",
            "gateway time",
            "deadline exceeded",
            "server misbehaving",
            "temporary failure",
            "service unavailable",
            "bad gateway",
            "unexpected eof",
            ": eof",
        ],
    ),
    (
        DockerFailure::Unreachable,
        &["no such host", "network is unreachable", "no route to host"],
    ),
    (
        DockerFailure::Missing,
        &[
            "manifest unknown",
            "not found",
            "no such image",
            "no such container",
        ],
    ),
];

impl DockerFailure {
    /// What a text of the engine means, which may be about anything.
    pub(crate) fn of_engine(text: &str) -> Self {
        let text = text.to_lowercase();
        let fits = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let by_words = WORDS.iter().find(|(_, words)| fits(words));
        let by_words = by_words.map_or(Self::Other, |(refusal, _)| *refusal);
        if has_denied(&text) {
            by_words.min(Self::Unauthorized)
        } else {
            by_words
        }
    }

    /// What a text means that is about a registry alone: any number in it that is a status is one.
    pub(crate) fn of_registry(text: &str) -> Self {
        // Whole words: a digest may contain any three digits.
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let by_status = words.map(|word| match word {
            "429" => Self::Busy,
            "401" | "403" => Self::Unauthorized,
            "500" | "502" | "503" | "504" => Self::Down,
            eof if eof.eq_ignore_ascii_case("eof") => Self::Down,
            _ => Self::Other,
        });
        by_status
            .min()
            .unwrap_or(Self::Other)
            .min(Self::of_engine(text))
    }
}

/// Whether a registry gave the error code `DENIED`, which the engine prints before its message, or alone when there is
/// none. What the kernel forbids ends with `permission denied`, and what an engine does not mount begins with `mounts
/// denied`: neither is about a login.
fn has_denied(text: &str) -> bool {
    text.split(": ").any(|part| part.trim() == "denied")
}

/// The HTTP status of an answer that is an error.
pub(crate) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// What the operating system said about a connection to the engine.
pub(crate) fn io_kind(error: &Error) -> Option<ErrorKind> {
    causes(error)
        .find_map(|error| error.downcast_ref::<std::io::Error>())
        .map(std::io::Error::kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_denies_is_not_a_kernel_that_does() {
        for text in [
            "denied",
            "denied: permission_denied: write_package",
            "denied: Your authorization token has expired. Reauthenticate and try again.",
            "denied: access forbidden",
            "failed to resolve reference \"ghcr.io/u/a:1\": denied",
            "pull access denied for user/app, repository does not exist or may require 'docker login'",
            "error parsing HTTP 403 response body: <TITLE>Access Denied</TITLE>",
        ] {
            assert_eq!(
                DockerFailure::of_engine(text),
                DockerFailure::Unauthorized,
                "{text}"
            );
            assert_eq!(
                DockerFailure::of_registry(text),
                DockerFailure::Unauthorized,
                "{text}"
            );
        }
        for text in [
            "open /var/lib/docker/tmp/x: permission denied",
            "Mounts denied: the path /x is not shared",
        ] {
            assert_eq!(
                DockerFailure::of_engine(text),
                DockerFailure::Other,
                "{text}"
            );
            assert_eq!(
                DockerFailure::of_registry(text),
                DockerFailure::Other,
                "{text}"
            );
        }
    }

    #[test]
    fn a_number_is_a_status_only_when_the_text_is_a_registrys() {
        let text = "Bind for 0.0.0.0:503 failed: port is already allocated";
        assert_eq!(DockerFailure::of_engine(text), DockerFailure::Other);
        let text = "received unexpected HTTP status: 503";
        assert_eq!(DockerFailure::of_registry(text), DockerFailure::Down);
    }
}

//! What an error of the engine means.

use std::error::Error as StdError;

use bollard::errors::Error;

use super::super::super::error::{HostError, Trouble};

/// The HTTP status of an answer that is an error.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Says what kind of trouble an error of the engine is.
pub(super) fn host_error(doing: impl Into<String>, error: Error) -> HostError {
    let (trouble, hint) = match &error {
        Error::DockerResponseServerError { message, .. }
        | Error::DockerStreamError { error: message } => (trouble_of_message(message), None),
        Error::RequestTimeoutError => (Trouble::TimedOut, None),
        Error::SocketNotFoundError(_) => (
            Trouble::Missing,
            Some("Docker is not installed or does not run"),
        ),
        other => trouble_of_connection(other),
    };
    let host_error = HostError::new(trouble, doing);
    match hint {
        Some(hint) => host_error.because(hint),
        None => host_error.because(error),
    }
}

fn trouble_of_connection(error: &Error) -> (Trouble, Option<&'static str>) {
    let first: Option<&(dyn StdError + 'static)> = Some(error);
    let io = std::iter::successors(first, |error| (*error).source())
        .find_map(|error| error.downcast_ref::<std::io::Error>());
    match io.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::PermissionDenied) => (
            Trouble::Denied,
            Some("this user may not use Docker; add it with `sudo usermod -aG docker \"$USER\"`"),
        ),
        Some(std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused) => {
            (Trouble::Unavailable, Some("Docker does not run"))
        }
        Some(_) => (Trouble::Unavailable, None),
        None => (Trouble::Other, None),
    }
}

/// The engine has a status for few things; the words of registries and of the kernel say more.
fn trouble_of_message(message: &str) -> Trouble {
    const WORDS: [(&[&str], Trouble); 4] = [
        (
            &["no space left on device", "disk quota exceeded"],
            Trouble::DiskFull,
        ),
        (
            &[
                "unauthorized",
                "no basic auth credentials",
                "access denied",
                "access to the resource is denied",
                "authentication required",
                "incorrect username or password",
                "403 forbidden",
            ],
            Trouble::Unauthorized,
        ),
        (
            &[
                "manifest unknown",
                "not found",
                "no such image",
                "no such container",
            ],
            Trouble::Missing,
        ),
        (
            &[
                "connection refused",
                "no such host",
                "i/o timeout",
                "timeout exceeded",
                "deadline exceeded",
                "tls handshake timeout",
                "connection reset",
                "network is unreachable",
                "no route to host",
                "server misbehaving",
                "temporary failure in name resolution",
                "toomanyrequests",
                "too many requests",
                "service unavailable",
                "bad gateway",
                "unexpected eof",
                ": eof",
            ],
            Trouble::Unavailable,
        ),
    ];
    let message = message.to_ascii_lowercase();
    WORDS
        .iter()
        .find(|(words, _)| words.iter().any(|word| message.contains(word)))
        .map_or(Trouble::Refused, |(_, trouble)| *trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_messages_of_engines_and_registries_are_told_apart() {
        for (message, trouble) in [
            (
                "Get \"http://localhost:5000/v2/a/manifests/sha256:0\": no basic auth credentials",
                Trouble::Unauthorized,
            ),
            (
                "Head \"https://registry-1.docker.io/v2/u/a/manifests/x\": unauthorized: incorrect username or password",
                Trouble::Unauthorized,
            ),
            (
                "pull access denied for user/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
                Trouble::Unauthorized,
            ),
            (
                "manifest for localhost:5000/a@sha256:0 not found: manifest unknown: manifest unknown",
                Trouble::Missing,
            ),
            (
                "Get \"http://localhost:5999/v2/\": dial tcp 127.0.0.1:5999: connect: connection refused",
                Trouble::Unavailable,
            ),
            (
                "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
                Trouble::Unavailable,
            ),
            (
                "toomanyrequests: You have reached your pull rate limit.",
                Trouble::Unavailable,
            ),
            (
                "failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device",
                Trouble::DiskFull,
            ),
            (
                "conflict: unable to remove repository reference",
                Trouble::Refused,
            ),
        ] {
            assert_eq!(trouble_of_message(message), trouble, "{message}");
        }
    }
}

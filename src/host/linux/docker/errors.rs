//! What an error of the engine means.

use std::io::ErrorKind;

use bollard::errors::Error;

use super::super::super::error::{HostError, Trouble};
use crate::clients::docker::errors::{DockerFailure, io_kind};

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
    match io_kind(error) {
        Some(ErrorKind::PermissionDenied) => (
            Trouble::Denied,
            Some("this user may not use Docker; add it with `sudo usermod -aG docker \"$USER\"`"),
        ),
        Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            (Trouble::Unavailable, Some("Docker does not run"))
        }
        Some(_) => (Trouble::Unavailable, None),
        None => (Trouble::Other, None),
    }
}

fn trouble_of_message(message: &str) -> Trouble {
    match DockerFailure::of_engine(message) {
        DockerFailure::DiskFull => Trouble::DiskFull,
        DockerFailure::Unauthorized => Trouble::Unauthorized,
        DockerFailure::Missing => Trouble::Missing,
        DockerFailure::Busy | DockerFailure::Down | DockerFailure::Unreachable => {
            Trouble::Unavailable
        }
        DockerFailure::Other => Trouble::Refused,
    }
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

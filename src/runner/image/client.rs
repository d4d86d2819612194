//! Finds the Docker daemon.

use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::time::timeout;

use crate::error::{Error, Reason, Result};

const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";
/// For questions that the daemon answers from memory.
pub(super) const ANSWER: Duration = Duration::from_secs(30);
/// The client's own limit covers sending the whole build context.
const LONGEST_REQUEST: u64 = 60 * 60;

/// Connects to the daemon of `docker_host` (the value of `DOCKER_HOST`), or to the usual socket.
pub async fn connect(docker_host: Option<&str>) -> Result<Docker> {
    let address = docker_host
        .filter(|address| !address.is_empty())
        .unwrap_or(DEFAULT_SOCKET);
    let docker = if address.starts_with("unix://") || address.starts_with('/') {
        Docker::connect_with_unix(address, LONGEST_REQUEST, API_DEFAULT_VERSION)
    } else if address.starts_with("tcp://") || address.starts_with("http://") {
        Docker::connect_with_http(address, LONGEST_REQUEST, API_DEFAULT_VERSION)
    } else {
        return Err(unavailable(address).hint(
            "set `DOCKER_HOST` to `unix:///path/to/docker.sock` or `tcp://host:2375`, or unset it",
        ));
    };
    let failed = |error: bollard::errors::Error| {
        let hint = cure(&error, address);
        unavailable(address).because(error).hint(hint)
    };
    let docker = with_url_safe_credentials(docker.map_err(failed)?);
    match timeout(ANSWER, docker.negotiate_version()).await {
        Ok(docker) => docker.map_err(failed),
        Err(_elapsed) => Err(unavailable(address)
            .because(format!("no answer within {} s", ANSWER.as_secs()))
            .hint("restart it: `sudo systemctl restart docker`")),
    }
}

fn unavailable(address: &str) -> Error {
    Error::untouched(
        Reason::DockerUnavailable,
        format!("cannot use the Docker daemon at `{address}`"),
    )
}

fn cure(error: &bollard::errors::Error, address: &str) -> String {
    let text = chain_text(error);
    if text.contains("Permission denied") {
        "let this user use Docker: `sudo usermod -aG docker \"$USER\"`, then log in again"
            .to_owned()
    } else if address.starts_with("unix://") || address.starts_with('/') {
        "start Docker: `sudo systemctl start docker`; a workflow needs a Linux runner with Docker such as `runs-on: ubuntu-latest`".to_owned()
    } else {
        "check `DOCKER_HOST` and that the daemon listens there".to_owned()
    }
}

/// An error with all its causes, for matching.
pub(super) fn chain_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// The daemon reads credential headers as URL-safe base64 and takes what it cannot read for no
/// credentials at all, but the client writes the standard alphabet: a password with a `?`, `>` or
/// `~` in an unlucky place would be refused.
fn with_url_safe_credentials(docker: Docker) -> Docker {
    docker.with_request_modifier(|mut request| {
        for name in ["X-Registry-Auth", "X-Registry-Config"] {
            if let Some(value) = request.headers_mut().get_mut(name) {
                let text = String::from_utf8_lossy(value.as_bytes());
                let url_safe = text.replace('+', "-").replace('/', "_");
                if let Ok(url_safe) = url_safe.parse() {
                    *value = url_safe;
                    value.set_sensitive(true);
                }
            }
        }
        request
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;

    #[tokio::test]
    async fn a_missing_socket_says_what_to_start() {
        let error = connect(Some("unix:///nowhere/docker.sock"))
            .await
            .unwrap_err();
        assert_eq!(error.reason(), Reason::DockerUnavailable);
        assert_eq!(error.code(), ExitCode::HostUntouched);
        assert!(error.to_string().contains("/nowhere/docker.sock"));
        assert!(error.hints()[0].contains("systemctl start docker"));
    }

    #[tokio::test]
    async fn a_closed_port_and_a_foreign_scheme_name_the_variable() {
        for address in ["tcp://127.0.0.1:1", "ssh://somewhere"] {
            let error = connect(Some(address)).await.unwrap_err();
            assert_eq!(error.reason(), Reason::DockerUnavailable);
            assert!(error.hints()[0].contains("DOCKER_HOST"), "{address}");
        }
    }
}

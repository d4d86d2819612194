//! Finds the Docker daemon.

use std::io::ErrorKind;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::query_parameters::TagImageOptionsBuilder;
use tokio::time::timeout;

use crate::clients::docker::errors::io_kind;
use crate::clients::docker::{self, ANSWER, DEFAULT_SOCKET, EngineAddress};
use crate::error::{Error, Reason, Result, causes};
use crate::protocol::ids::{Repository, Tag};

/// The client's own limit covers sending the whole build context.
const LONGEST_REQUEST: Duration = Duration::from_secs(60 * 60);

/// Connects to the daemon of `docker_host` (the value of `DOCKER_HOST`), or to the usual socket.
pub async fn connect(docker_host: Option<&str>) -> Result<Docker> {
    let address = docker_host
        .filter(|address| !address.is_empty())
        .unwrap_or(DEFAULT_SOCKET);
    if docker::place(address) == EngineAddress::Foreign {
        return Err(unavailable(address).hint(
            "set `DOCKER_HOST` to `unix:///path/to/docker.sock` or `tcp://host:2375`, or unset it",
        ));
    }
    let failed = |error: DockerError| {
        let hint = cure(&error, address);
        unavailable(address).because(error).hint(hint)
    };
    let docker = docker::client(address, LONGEST_REQUEST).map_err(failed)?;
    match timeout(ANSWER, docker.negotiate_version()).await {
        Ok(docker) => docker.map_err(failed),
        Err(_elapsed) => Err(unavailable(address)
            .because(format!("no answer within {} s", ANSWER.as_secs()))
            .hint("restart it: `sudo systemctl restart docker`")),
    }
}

/// What the daemon answers to a short call, or the error that it failed with.
pub(super) async fn answer<T>(
    call: impl Future<Output = Result<T, DockerError>>,
    failed: impl Fn() -> Error,
) -> Result<T> {
    match timeout(ANSWER, call).await {
        Ok(answer) => answer.map_err(|error| failed().because(error)),
        Err(elapsed) => Err(failed().because(elapsed)),
    }
}

/// Gives the image `image` one more name.
pub(super) async fn tag_image(
    docker: &Docker,
    image: &str,
    repository: &Repository,
    tag: &Tag,
    failed: impl Fn() -> Error,
) -> Result<()> {
    let options = TagImageOptionsBuilder::default()
        .repo(repository.as_str())
        .tag(tag.as_str())
        .build();
    answer(docker.tag_image(image, Some(options)), failed).await
}

fn unavailable(address: &str) -> Error {
    Error::untouched(
        Reason::DockerUnavailable,
        format!("cannot use the Docker daemon at `{address}`"),
    )
}

fn cure(error: &DockerError, address: &str) -> String {
    if io_kind(error) == Some(ErrorKind::PermissionDenied) {
        "let this user use Docker: `sudo usermod -aG docker \"$USER\"`, then log in again"
            .to_owned()
    } else if docker::place(address) == EngineAddress::Socket {
        "start Docker: `sudo systemctl start docker`; a workflow needs a Linux runner with Docker such as `runs-on: ubuntu-latest`".to_owned()
    } else {
        "check `DOCKER_HOST` and that the daemon listens there".to_owned()
    }
}

/// An error with all its causes, for matching.
pub(super) fn chain_text(error: &(dyn std::error::Error + 'static)) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
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

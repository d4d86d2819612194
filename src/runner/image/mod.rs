//! The image: from a folder to a digest in a registry, through the runner's Docker daemon.
//!
//! [`client`] finds the daemon, `ignore` (with `pattern`) and `context` turn a folder into a tar stream,
//! [`mod@build`] builds it and shows what the builder prints (`output`; `progress` is BuildKit's, and `open_line` puts lines
//! together), [`mod@push`] uploads it and learns its digest. All output of a build is untrusted.

mod archive;
pub mod build;
pub mod client;
mod context;
mod ignore;
mod no_answer;
mod open_line;
mod output;
mod pattern;
mod progress;
pub mod push;

pub use bollard::Docker;
pub use build::{BuiltImage, build};
pub use client::connect;
pub use push::push;

use bollard::auth::DockerCredentials;

use crate::protocol::ids::Repository;
use crate::protocol::wire::RegistryLogin;

/// The name by which Docker Hub's credentials go.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

fn credentials(login: &RegistryLogin, server: &str) -> DockerCredentials {
    DockerCredentials {
        username: Some(login.username.clone()),
        password: Some(login.password.expose().to_owned()),
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    }
}

/// The registry's host, or `None` for Docker Hub under any of its names.
fn registry_host(repository: &Repository) -> Option<&str> {
    repository.registry().filter(|host| {
        !matches!(
            *host,
            "docker.io" | "index.docker.io" | "registry-1.docker.io"
        )
    })
}

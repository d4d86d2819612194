//! The Docker engine's API: what is the same for whoever talks to it. [`errors`] sorts what it says, `login` and `names`
//! are how registries are spelled, `layers` adds up transfers.

pub(crate) mod errors;
mod layers;
mod login;
mod names;

pub(crate) use layers::{Layers, Transfer};
pub(crate) use login::{HUB, credentials, server};
pub(crate) use names::{digest_of, registry_host};

use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};

/// The socket of an engine that was not set up otherwise.
pub(crate) const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";
/// For a question that the engine answers from memory.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);

/// Where an engine listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineAddress {
    /// A socket of this machine.
    Socket,
    /// Plain HTTP.
    Network,
    /// Anything else, which we do not speak.
    Foreign,
}

/// What kind of address the value of `DOCKER_HOST` is.
pub(crate) fn place(address: &str) -> EngineAddress {
    if address.starts_with("unix://") || address.starts_with('/') {
        EngineAddress::Socket
    } else if address.starts_with("tcp://") || address.starts_with("http://") {
        EngineAddress::Network
    } else {
        EngineAddress::Foreign
    }
}

/// A client of the engine at this address, whose requests may take `longest`; nothing is sent yet.
pub(crate) fn client(address: &str, longest: Duration) -> Result<Docker, Error> {
    let seconds = longest.as_secs();
    let docker = match place(address) {
        EngineAddress::Socket => Docker::connect_with_unix(address, seconds, API_DEFAULT_VERSION),
        EngineAddress::Network => Docker::connect_with_http(address, seconds, API_DEFAULT_VERSION),
        EngineAddress::Foreign => Err(Error::UnsupportedURISchemeError {
            uri: address.to_owned(),
        }),
    };
    docker.map(|docker| docker.with_request_modifier(login::url_safe))
}

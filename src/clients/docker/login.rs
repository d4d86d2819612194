//! A registry's login on its way to the engine.

use bollard::BollardRequest;
use bollard::auth::DockerCredentials;

use super::names::registry_host;
use crate::protocol::ids::Repository;
use crate::protocol::wire::RegistryLogin;

/// The name by which Docker Hub's credentials go.
pub(crate) const HUB: &str = "https://index.docker.io/v1/";

/// The registry that a login for this repository is meant for.
pub(crate) fn server(repository: &Repository) -> &str {
    registry_host(repository).unwrap_or(HUB)
}

/// The login as the engine takes it.
pub(crate) fn credentials(login: &RegistryLogin, server: &str) -> DockerCredentials {
    DockerCredentials {
        username: Some(login.username.clone()),
        password: Some(login.password.expose().to_owned()),
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    }
}

/// The engine reads credential headers as URL-safe base64 and takes what it cannot read for no credentials at all, but
/// the client writes the standard alphabet: a password with a `?`, `>` or `~` in an unlucky place would be refused.
pub(super) fn url_safe(mut request: BollardRequest) -> BollardRequest {
    for name in ["x-registry-auth", "x-registry-config"] {
        if let Some(value) = request.headers_mut().get_mut(name)
            && let Ok(text) = value.to_str()
            && let Ok(mut safe) = text.replace('+', "-").replace('/', "_").parse()
        {
            hyper::header::HeaderValue::set_sensitive(&mut safe, true);
            *value = safe;
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use bollard::body_full;
    use hyper::body::Bytes;

    use super::*;

    #[test]
    fn a_login_is_sent_as_the_engine_reads_it() {
        let request = hyper::Request::post("/images/create")
            .header("X-Registry-Auth", "eyJ+a/b=")
            .header("X-Registry-Config", "a/b+")
            .body(body_full(Bytes::new()))
            .unwrap();
        let request = url_safe(request);
        assert_eq!(request.headers()["x-registry-auth"], "eyJ-a_b=");
        assert_eq!(request.headers()["x-registry-config"], "a_b-");
    }
}

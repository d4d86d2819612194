//! Where the sandbox is: `target/sandbox/env`, written by `scripts/sandbox`.

use std::collections::HashMap;
use std::path::PathBuf;

use super::{Host, root};

/// One host of the sandbox and what goes with it. `PCT_E2E_HOST=2` to `5` take those that are as the first one, so that five
/// parts of the tests can run at once.
#[derive(Debug, Clone)]
pub(crate) struct SandboxEnv {
    pub(crate) container: String,
    pub(crate) ssh_port: u16,
    pub(crate) http_port: u16,
    pub(crate) key: PathBuf,
    pub(crate) known_hosts: PathBuf,
    pub(crate) fingerprints: Vec<String>,
    pub(crate) registry_user: String,
    pub(crate) registry_password: String,
    pub(crate) act: PathBuf,
}

impl SandboxEnv {
    /// Reads the file; without it nothing can be tested, loudly.
    pub(crate) fn read(host: Host) -> Self {
        let path = root().join("target/sandbox/env");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| {
            panic!("the sandbox is not up: run `scripts/sandbox up --v1 --v3`")
        });
        let values: HashMap<&str, &str> = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        let get = |key: &str| {
            values
                .get(key)
                .unwrap_or_else(|| panic!("{key} is not in {}", path.display()))
                .to_owned()
        };
        let suffix = match (host, std::env::var("PCT_E2E_HOST").as_deref()) {
            (Host::V1, _) => "_V1".to_owned(),
            (Host::V3, _) => "_V3".to_owned(),
            (Host::V2, Err(_) | Ok("" | "1")) => String::new(),
            (Host::V2, Ok(lane)) => format!("_{lane}"),
        };
        let of_host = |key: &str| get(&format!("{key}{suffix}")).to_owned();
        Self {
            container: of_host("SANDBOX_HOST_CONTAINER"),
            ssh_port: of_host("SANDBOX_SSH_PORT").parse().unwrap(),
            http_port: of_host("SANDBOX_HTTP_PORT").parse().unwrap(),
            key: root().join(get("SANDBOX_SSH_KEY")),
            known_hosts: root().join(get("SANDBOX_KNOWN_HOSTS")),
            fingerprints: of_host("SANDBOX_FINGERPRINTS")
                .split(',')
                .map(str::to_owned)
                .collect(),
            registry_user: get("SANDBOX_REGISTRY_USER").to_owned(),
            registry_password: get("SANDBOX_REGISTRY_PASSWORD").to_owned(),
            act: root().join(get("SANDBOX_ACT")),
        }
    }
}

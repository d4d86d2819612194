//! Asks a host for its keys without logging in and without believing them.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::endpoint::Endpoint;
use super::exec::KEPT_LINES;
use super::hostkey::{Misfit, OfferedKey};
use super::refusal::{ConnectionFailure, Silence};
use super::workdir::Workdir;
use crate::clients::environment::Environment;
use crate::clients::lines::Tail;
use crate::clients::process::{NoEnd, StandardOutput, run};
use crate::config::types::Fingerprint;

/// One family a try: a host shows a single key per connection.
const FAMILIES: [&str; 3] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
    "rsa-sha2-512,rsa-sha2-256",
];

pub(super) struct Prober<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) workdir: &'a Workdir,
    pub(super) config_file: &'a Path,
    pub(super) environment: Environment,
    pub(super) limit: Duration,
}

impl Prober<'_> {
    /// The first key of the host that has one of the fingerprints. `jump` is the key of the host in between, which
    /// could show it for this one.
    pub(super) async fn find(
        &self,
        fingerprints: &[Fingerprint],
        jump: Option<&OfferedKey>,
    ) -> Result<OfferedKey, ConnectionFailure> {
        let mut offered = Vec::new();
        for family in FAMILIES {
            match self.ask(Some(family)).await? {
                Some(key) if jump == Some(&key) => {
                    return Err(ConnectionFailure::HostKey(Misfit::OfJumpHost, vec![key]));
                }
                Some(key) if key.is_one_of(fingerprints) => return Ok(key),
                Some(key) => offered.push(key),
                None => {}
            }
        }
        Err(ConnectionFailure::HostKey(Misfit::NotListed, offered))
    }

    /// The key that the host prefers to show.
    pub(super) async fn offered(&self) -> Option<OfferedKey> {
        self.ask(None).await.ok().flatten()
    }

    /// The key of one family, or `None` when the host has none.
    async fn ask(&self, algorithms: Option<&str>) -> Result<Option<OfferedKey>, ConnectionFailure> {
        // `ssh` writes the key into an empty `known_hosts` file before it authenticates; with no
        // method of authentication left it then hangs up.
        let file = self
            .workdir
            .write("offered", "")
            .map_err(ConnectionFailure::Ours)?;
        let mut command = Command::new("ssh");
        command.args(probe_arguments(self.config_file, &file));
        let seconds = self.limit.as_secs().max(1);
        command.arg("-o").arg(format!("ConnectTimeout={seconds}"));
        if let Some(algorithms) = algorithms {
            command
                .arg("-o")
                .arg(format!("HostKeyAlgorithms={algorithms}"));
        }
        command
            .args(self.endpoint.arguments())
            .arg("true")
            .kill_on_drop(true);
        self.environment.apply(&mut command);
        let mut log = Tail::new(KEPT_LINES);
        let mut hear = |line: &str| log.push(line);
        let limit = self.limit + Duration::from_secs(1);
        match run(command, &[], StandardOutput::Streamed, limit, &mut hear).await {
            Ok(_status) => {}
            Err(NoEnd::Io(error)) => return Err(ConnectionFailure::NoSsh(error.to_string())),
            Err(NoEnd::TimedOut) => {
                let text = format!("no host key within {seconds} s");
                return Err(ConnectionFailure::Unreachable(Silence::TimedOut, text));
            }
        }
        let recorded = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some(key) = recorded.lines().find_map(OfferedKey::parse) {
            return Ok(Some(key));
        }
        let log = log.text();
        if log.contains("no matching host key type") {
            Ok(None)
        } else {
            Err(ConnectionFailure::read(&log))
        }
    }
}

/// What a probe needs on its command line.
fn probe_arguments(config: &Path, known_hosts: &Path) -> Vec<String> {
    let mut words = vec![
        "-F".to_owned(),
        config.display().to_string(),
        "-T".to_owned(),
    ];
    for option in [
        "IgnoreUnknown=*",
        "StrictHostKeyChecking=accept-new",
        "GlobalKnownHostsFile=/dev/null",
        "KnownHostsCommand=none",
        "PreferredAuthentications=none",
        "ControlPath=none",
        &format!("UserKnownHostsFile={}", known_hosts.display()),
    ] {
        words.extend(["-o".to_owned(), option.to_owned()]);
    }
    words
}

//! One verified SSH connection, if need be through a jump host.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::endpoint::Endpoint;
use super::hostkey::OfferedKey;
use super::master::{Launch, Master};
use super::meaning::Meaning;
use super::probe;
use super::refusal::ConnectionFailure;
use super::workdir::{Workdir, render_config};
use crate::clients::environment::Environment;
use crate::clients::retry::retry;
use crate::config::types::{HostTrust, SshConfig, SshFiles};
use crate::error::{Error, Result};
use crate::protocol::step::Phase;
use crate::report::Reporter;

/// Between the tries of one connection.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// The connection. Dropping it closes it too; [`Connection::close`] says when that fails.
#[derive(Debug)]
pub struct Connection {
    // Dropped in this order: the inner connection, the one it goes through, the key.
    master: Master,
    jump: Option<Master>,
    workdir: Workdir,
}

impl Connection {
    /// Connects and verifies the host key. Each try is bounded by `connect-timeout`.
    pub async fn open(config: &SshConfig, reporter: &Reporter) -> Result<Self> {
        let workdir = Workdir::create(config.key.as_ref())?;
        let mut opener = Opener {
            config,
            workdir: &workdir,
            reporter,
            jump_key: None,
        };
        let user = config.user.as_deref();
        let target = Endpoint::direct(&config.host, config.port, user, "ssh-host");
        let target = opener.understand(target).await?;
        let Some(jump) = &config.jump else {
            let (master, _key) = opener.open(&target).await?;
            return Ok(Self {
                master,
                jump: None,
                workdir,
            });
        };
        let user = jump.user.as_deref().or(user);
        let via = Endpoint::direct(&jump.host, jump.port, user, "ssh-jump-host");
        let via = opener.understand(via).await?;
        let (outer, key) = opener.open(&via).await?;
        opener.jump_key = key;
        let port = outer.forward(&target).await?;
        let (master, _key) = opener.open(&target.forwarded(port, &via)).await?;
        Ok(Self {
            master,
            jump: Some(outer),
            workdir,
        })
    }

    /// Ends the connections, inner first, and removes the key from this machine.
    pub async fn close(self) -> Result<()> {
        let Self {
            master,
            jump,
            workdir,
        } = self;
        master.close().await;
        if let Some(jump) = jump {
            jump.close().await;
        }
        workdir.close()
    }

    /// The socket through which every command goes; it lies in the folder that also holds the key.
    pub fn control_socket(&self) -> &Path {
        self.master.socket()
    }

    /// A process that runs a line of the remote user's shell. Its exit code is the line's, or 255
    /// when the connection broke.
    pub(super) fn command(&self, line: &str) -> Command {
        // Port 9 makes sure that a dead connection is not replaced by a new one.
        let mut command = Command::new("ssh");
        command
            .args(["-F", "none", "-S"])
            .arg(self.master.socket())
            .args(["-o", "BatchMode=yes", "-T", "-p", "9", "none", "--", line]);
        command
    }
}

struct Opener<'a> {
    config: &'a SshConfig,
    workdir: &'a Workdir,
    reporter: &'a Reporter,
    /// The key that the jump host showed; only fingerprints, which name no host, need it.
    jump_key: Option<OfferedKey>,
}

struct Refused {
    may_pass: bool,
    error: Error,
}

impl Opener<'_> {
    /// What ssh makes of the name, where the user's own configuration counts.
    async fn understand(&self, endpoint: Endpoint) -> Result<Endpoint> {
        match self.config.files {
            SshFiles::Unread => Ok(endpoint),
            SshFiles::Users => {
                endpoint.check()?;
                let file = self.write_config(&endpoint)?;
                let meaning = Meaning::of(&endpoint, &file).await?;
                Ok(endpoint.meaning(meaning))
            }
        }
    }

    /// The connection, and the key that its fingerprint was found by.
    async fn open(&self, endpoint: &Endpoint) -> Result<(Master, Option<OfferedKey>)> {
        endpoint.check()?;
        let text = format!("connecting to {}", endpoint.display());
        self.reporter.progress(Phase::Connect, &text);
        let may_pass = |refused: &Refused, pause: Duration| {
            if refused.may_pass {
                self.reporter.note(&format!(
                    "{}; trying again in {} s",
                    refused.error.summary(),
                    pause.as_secs()
                ));
            }
            refused.may_pass
        };
        let call = async || {
            let opened = self.try_open(endpoint).await;
            opened.map_err(|refusal| Refused {
                may_pass: refusal.may_pass(),
                error: refusal.into_error(endpoint, self.config),
            })
        };
        let opened = retry(&PAUSES, may_pass, call).await;
        opened.map_err(|refused| refused.error)
    }

    async fn try_open(
        &self,
        endpoint: &Endpoint,
    ) -> Result<(Master, Option<OfferedKey>), ConnectionFailure> {
        let prober = probe::Prober {
            endpoint,
            workdir: self.workdir,
            config_file: &self.config_file(endpoint)?,
            environment: self.environment(endpoint),
            limit: self.limit(),
        };
        let (known_hosts, found) = match &self.config.trust {
            HostTrust::KnownHosts(lines) => {
                let lines: String = lines.lines().map(|line| format!("{line}\n")).collect();
                (Some(lines), None)
            }
            HostTrust::Users => (None, None),
            HostTrust::Fingerprints(fingerprints) => {
                let key = prober.find(fingerprints, self.jump_key.as_ref()).await?;
                let line = key.known_hosts_line(&endpoint.known_hosts_name());
                (Some(format!("{line}\n")), Some(key))
            }
        };
        match self.connect(endpoint, known_hosts.as_deref()).await {
            Err(ConnectionFailure::HostKey(misfit, _)) => {
                let offered = prober.offered().await.map(|key| vec![key]);
                Err(ConnectionFailure::HostKey(
                    misfit,
                    offered.unwrap_or_default(),
                ))
            }
            Ok(master) => Ok((master, found)),
            Err(refusal) => Err(refusal),
        }
    }

    async fn connect(
        &self,
        endpoint: &Endpoint,
        known_hosts: Option<&str>,
    ) -> Result<Master, ConnectionFailure> {
        let known_hosts = known_hosts
            .map(|lines| self.workdir.write("known_hosts", lines))
            .transpose()
            .map_err(ConnectionFailure::Ours)?;
        Launch {
            endpoint,
            workdir: self.workdir,
            config_file: &self.config_file(endpoint)?,
            environment: self.environment(endpoint),
            known_hosts: known_hosts.as_deref(),
            limit: self.limit(),
        }
        .start()
        .await
    }

    fn config_file(&self, endpoint: &Endpoint) -> Result<PathBuf, ConnectionFailure> {
        self.write_config(endpoint).map_err(ConnectionFailure::Ours)
    }

    fn write_config(&self, endpoint: &Endpoint) -> Result<PathBuf> {
        let text = render_config(endpoint, self.config);
        self.workdir.write("config", &text)
    }

    /// A key of the settings needs no agent; a jump host of the user's own does.
    fn environment(&self, endpoint: &Endpoint) -> Environment {
        if self.config.key.is_none() || endpoint.via().is_some() {
            Environment::SshOfUser
        } else {
            Environment::Ssh
        }
    }

    fn limit(&self) -> Duration {
        self.config.connect_timeout.duration()
    }
}

//! One verified SSH connection, if need be through a jump host.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use openssh::{ForwardType, KnownHosts, Session, SessionBuilder, Socket};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::endpoint::{Endpoint, bracketed};
use super::probe;
use super::refusal::{Refusal, Silence};
use super::workdir::{KeySource, Workdir, render_config};
use crate::config::types::{HostTrust, SshConfig};
use crate::error::{Error, Reason, Result};
use crate::protocol::step::Phase;
use crate::report::Reporter;

/// Tries of one connection; the pauses between them are 1 s and 2 s.
const TRIES: u32 = 3;
/// For an `ssh` on this machine to answer another one.
const HANDOVER: Duration = Duration::from_secs(5);

/// The connection. Dropping it closes it too; [`Connection::close`] says when that fails.
#[derive(Debug)]
pub struct Connection {
    // Dropped in this order: the inner session, the one it goes through, the key.
    session: Session,
    jump: Option<Session>,
    workdir: Workdir,
}

impl Connection {
    /// Connects and verifies the host key. Each try is bounded by `connect-timeout`.
    pub async fn open(config: &SshConfig, reporter: &Reporter) -> Result<Self> {
        let workdir = Workdir::create(config.key.as_ref())?;
        let opener = Opener {
            config,
            workdir: &workdir,
            reporter,
        };
        let user = config.user.as_deref();
        let target = Endpoint::direct(&config.host, config.port, user, "ssh-host");
        let Some(jump) = &config.jump else {
            let session = opener.open(&target).await?;
            return Ok(Self {
                session,
                jump: None,
                workdir,
            });
        };
        let user = jump.user.as_deref().or(user);
        let via = Endpoint::direct(&jump.host, jump.port, user, "ssh-jump-host");
        let outer = opener.open(&via).await?;
        let port = forward(&outer, &target).await?;
        let session = opener.open(&target.forwarded(port)).await?;
        Ok(Self {
            session,
            jump: Some(outer),
            workdir,
        })
    }

    /// Closes the sessions, inner first, and removes the key from this machine.
    pub async fn close(self) -> Result<()> {
        let Self {
            session,
            jump,
            workdir,
        } = self;
        // A connection that is gone already is closed.
        drop(timeout(HANDOVER, session.close()).await);
        if let Some(jump) = jump {
            drop(timeout(HANDOVER, jump.close()).await);
        }
        workdir.close()
    }

    /// The socket through which every command goes; it lies in the folder that also holds the key.
    pub fn control_socket(&self) -> &Path {
        self.session.control_socket()
    }

    /// A process that runs a line of the remote user's shell. Its exit code is the line's, or 255
    /// when the connection broke.
    pub(super) fn command(&self, line: &str) -> Command {
        // Not `Session::command`: its `ssh` reads the user's configuration, inherits our
        // environment and sits in our process group, where a Ctrl-C would end it. Port 9 makes sure
        // that a dead session is not replaced by a new connection.
        let mut command = Command::new("ssh");
        command
            .args(["-F", "none", "-S"])
            .arg(self.session.control_socket())
            .args(["-o", "BatchMode=yes", "-T", "-p", "9", "none", "--", line]);
        command
    }
}

struct Opener<'a> {
    config: &'a SshConfig,
    workdir: &'a Workdir,
    reporter: &'a Reporter,
}

impl Opener<'_> {
    async fn open(&self, endpoint: &Endpoint) -> Result<Session> {
        endpoint.check()?;
        let text = format!("connecting to {}", endpoint.display());
        self.reporter.progress(Phase::Connect, &text);
        let mut attempt = 1;
        loop {
            match self.try_open(endpoint).await {
                Ok(session) => return Ok(session),
                Err(refusal) if refusal.may_pass() && attempt < TRIES => {
                    let pause = Duration::from_secs(1 << (attempt - 1));
                    let why = refusal.into_error(endpoint, &self.config.trust);
                    self.reporter.note(&format!(
                        "{}; trying again in {} s",
                        why.chain().join(": "),
                        pause.as_secs()
                    ));
                    sleep(pause).await;
                    attempt += 1;
                }
                Err(refusal) => return Err(refusal.into_error(endpoint, &self.config.trust)),
            }
        }
    }

    async fn try_open(&self, endpoint: &Endpoint) -> Result<Session, Refusal> {
        let prober = probe::Prober {
            endpoint,
            workdir: self.workdir,
            config_file: &self.write_config(endpoint)?,
            limit: self.limit(),
        };
        let known_hosts = match &self.config.trust {
            HostTrust::KnownHosts(lines) => lines.lines().map(|line| format!("{line}\n")).collect(),
            HostTrust::Fingerprints(fingerprints) => {
                let key = prober.find(fingerprints).await?;
                format!("{}\n", key.known_hosts_line(&endpoint.known_hosts_name()))
            }
        };
        match self.connect(endpoint, &known_hosts).await {
            Err(Refusal::HostKey(misfit, _)) => {
                let offered = prober.offered().await.map(|key| vec![key]);
                Err(Refusal::HostKey(misfit, offered.unwrap_or_default()))
            }
            outcome => outcome,
        }
    }

    async fn connect(&self, endpoint: &Endpoint, known_hosts: &str) -> Result<Session, Refusal> {
        let known_hosts = self
            .workdir
            .write("known_hosts", known_hosts)
            .map_err(Refusal::Ours)?;
        let mut builder = SessionBuilder::default();
        builder
            .port(endpoint.connect_port())
            .known_hosts_check(KnownHosts::Strict)
            .user_known_hosts_file(known_hosts)
            .config_file(self.write_config(endpoint)?)
            .control_directory(self.workdir.path())
            .connect_timeout(self.limit().max(Duration::from_secs(1)))
            .server_alive_interval(Duration::from_secs(5));
        if let Some(user) = endpoint.user() {
            builder.user(user.to_owned());
        }
        if let Some(key) = self.workdir.key() {
            builder.keyfile(key);
        }
        // `ssh` notices most timeouts itself and says more about them.
        let limit = self.limit() + Duration::from_secs(1);
        match timeout(limit, builder.connect(endpoint.connect_host())).await {
            Ok(outcome) => outcome.map_err(refused),
            Err(_elapsed) => Err(Refusal::Unreachable(
                Silence::TimedOut,
                format!("no connection within {}", self.config.connect_timeout),
            )),
        }
    }

    fn write_config(&self, endpoint: &Endpoint) -> Result<PathBuf, Refusal> {
        let key = match self.workdir.key() {
            Some(_) => KeySource::Settings,
            None => KeySource::User,
        };
        self.workdir
            .write("config", &render_config(endpoint, key))
            .map_err(Refusal::Ours)
    }

    fn limit(&self) -> Duration {
        self.config.connect_timeout.duration()
    }
}

fn refused(error: openssh::Error) -> Refusal {
    match error {
        openssh::Error::Connect(error) if error.kind() == io::ErrorKind::NotFound => {
            Refusal::NoSsh(error.to_string())
        }
        openssh::Error::Connect(error) => Refusal::read(&error.to_string()),
        error => Refusal::Other(
            Error::bug(error.to_string())
                .because(error)
                .chain()
                .join(": "),
        ),
    }
}

/// Listens on a free port of this machine for connections to the target; returns the port.
async fn forward(outer: &Session, target: &Endpoint) -> Result<u16> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::untouched(
            Reason::HostUnreachable,
            format!(
                "cannot reach `{}` through `ssh-jump-host`",
                target.display()
            ),
        )
        .because(error)
        .hint("sshd on the jump host must allow it: `AllowTcpForwarding yes`")
    };
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| failed(error.into()))?;
    let far_host = bracketed(target.host());
    let far = Socket::new(far_host, target.port());
    let request = outer.request_port_forward(ForwardType::Local, free, far);
    match timeout(HANDOVER, request).await {
        Ok(Ok(())) => Ok(free.port()),
        Ok(Err(error)) => Err(failed(error.into())),
        Err(elapsed) => Err(failed(elapsed.into())),
    }
}

//! The `ssh` process that holds one connection for the commands that go through it.
//!
//! It is a child of ours, started with a cleared environment, and ends with [`Master`]: the
//! `openssh` crate would give its processes all of our variables. What it does for us here goes
//! over the control socket instead.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use openssh::{ForwardType, Session, Socket};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::endpoint::Endpoint;
use super::leftovers::Running;
use super::refusal::{ConnectionFailure, Silence};
use super::workdir::Workdir;
use crate::clients::environment::Environment;
use crate::error::{Error, Reason, Result};

/// For the master to answer a request, and to end after the last one.
const HANDOVER: Duration = Duration::from_secs(5);
/// For the connection to say goodbye; a channel that the host keeps open would delay it for ever.
const GOODBYE: Duration = Duration::from_secs(1);
/// Between two looks for the control socket.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A connection that is logged in. Dropping it ends it at once.
#[derive(Debug)]
pub(super) struct Master {
    session: Session,
    child: Child,
    socket: PathBuf,
    running: Running,
}

/// What a master needs to know.
pub(super) struct Launch<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) workdir: &'a Workdir,
    pub(super) config_file: &'a Path,
    pub(super) environment: Environment,
    /// The only keys that count; `None` means the user's own `known_hosts`.
    pub(super) known_hosts: Option<&'a Path>,
    /// For the whole way from nothing to logged in.
    pub(super) limit: Duration,
}

impl Launch<'_> {
    /// Connects and logs in. No process is left when that fails.
    pub(super) async fn start(&self) -> Result<Master, ConnectionFailure> {
        let socket = self.file("sock")?;
        let log = self.file("log")?;
        let beside = self.file("err")?;
        // A jump host of the user's own is reached by another `ssh`, which has no log of its own.
        let words_of_others = fs::File::create(&beside)
            .map_err(|error| ConnectionFailure::Other(error.to_string()))?;
        let mut command = Command::new("ssh");
        command
            .args(self.arguments(&socket, &log))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(words_of_others)
            // A Ctrl-C in a terminal is ours to understand.
            .process_group(0)
            .kill_on_drop(true);
        self.environment.apply(&mut command);
        let mut child = command
            .spawn()
            .map_err(|error| ConnectionFailure::NoSsh(error.to_string()))?;
        let running = Running::mark(child.id());
        // `ssh` notices most timeouts itself and says more about them.
        let limit = self.limit + Duration::from_secs(1);
        match timeout(limit, logged_in(&mut child, &socket)).await {
            Ok(Ok(Login::Done)) => Ok(Master {
                session: Session::resume_mux(socket.clone().into_boxed_path(), None),
                child,
                socket,
                running,
            }),
            Ok(Ok(Login::Ended(_status))) => {
                let failure = ConnectionFailure::read(&said(&log));
                Err(match self.endpoint.via() {
                    Some(_) => failure.on_the_way(&said(&beside)),
                    None => failure,
                })
            }
            Ok(Err(error)) => Err(ConnectionFailure::Other(error.to_string())),
            Err(_elapsed) => {
                // Waits for the end too, which a drop would not.
                drop(child.kill().await);
                let text = format!("no connection within {} s", self.limit.as_secs_f32());
                Err(ConnectionFailure::Unreachable(Silence::TimedOut, text))
            }
        }
    }

    /// A file of this end of the connection, gone if an earlier try left it.
    fn file(&self, extension: &str) -> Result<PathBuf, ConnectionFailure> {
        let name = format!("{}.{extension}", self.endpoint.setting());
        self.workdir.vacate(&name).map_err(ConnectionFailure::Ours)
    }

    fn arguments(&self, socket: &Path, log: &Path) -> Vec<OsString> {
        let seconds = self.limit.as_secs().max(1);
        let mut words: Vec<OsString> = ["-M", "-N", "-T", "-S"].map(OsString::from).into();
        words.extend([socket.into(), "-E".into(), log.into()]);
        words.extend(["-F".into(), self.config_file.into()]);
        if let Some(key) = self.workdir.key() {
            words.extend(["-i".into(), key.into(), "-o".into()]);
            words.push("IdentitiesOnly=yes".into());
            words.extend(["-o".into(), "IdentityAgent=none".into()]);
        }
        for option in [
            "BatchMode=yes",
            "ControlPersist=no",
            "StrictHostKeyChecking=yes",
            "ServerAliveInterval=5",
            &format!("ConnectTimeout={seconds}"),
        ] {
            words.extend(["-o".into(), option.into()]);
        }
        if let Some(file) = self.known_hosts {
            let mut known_hosts = OsString::from("UserKnownHostsFile=");
            known_hosts.push(file);
            words.extend(["-o".into(), known_hosts]);
        }
        words.extend(self.endpoint.arguments().into_iter().map(OsString::from));
        words
    }
}

/// How a try to log in ended.
enum Login {
    Done,
    Ended(ExitStatus),
}

/// Waits for the control socket, which a master makes once it is logged in.
async fn logged_in(child: &mut Child, socket: &Path) -> io::Result<Login> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Login::Ended(status));
        }
        if socket.exists() {
            return Ok(Login::Done);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// What `ssh` wrote into its log.
fn said(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let text = text.trim();
    text.strip_prefix("ssh: ").unwrap_or(text).to_owned()
}

impl Master {
    /// The socket through which every command goes.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Listens on a free port of this machine for connections to the target; returns the port.
    pub(super) async fn forward(&self, target: &Endpoint) -> Result<u16> {
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
        // Over the socket an IPv6 address stands without brackets, unlike in `ssh -L`.
        let far = Socket::new(target.host(), target.port());
        let request = self
            .session
            .request_port_forward(ForwardType::Local, free, far);
        match timeout(HANDOVER, request).await {
            Ok(Ok(())) => Ok(free.port()),
            Ok(Err(error)) => Err(failed(error.into())),
            Err(elapsed) => Err(failed(elapsed.into())),
        }
    }

    /// Ends the connection, and the process with it.
    pub(super) async fn close(self) {
        let Self {
            session,
            mut child,
            socket: _,
            running,
        } = self;
        // A connection that is gone already is closed.
        drop(timeout(HANDOVER, session.close()).await);
        if timeout(GOODBYE, child.wait()).await.is_err() {
            drop(child.kill().await);
        }
        drop(running);
    }
}

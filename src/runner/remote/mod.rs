//! The way to the host: connect, put the agent there, talk to it.
//!
//! [`ssh`] opens one connection with a verified host key, if need be through a jump host, and
//! `master` is the process that holds it. `exec` runs commands over it, `install` uploads this
//! binary when the host does not have it yet, and [`agent`] frames the lines of a call. With
//! `--host local` the same calls start processes here. Everything that comes back is untrusted, and
//! no process that is started gets our environment.

pub mod agent;
mod endpoint;
mod exec;
pub mod hostkey;
mod install;
pub(super) mod leftovers;
mod master;
mod meaning;
mod probe;
mod refusal;
pub mod ssh;
mod workdir;

pub use agent::{AgentCall, AgentEnd};
pub use install::InstalledAgent;

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::clients::environment::Environment;
use crate::config::types::Place;
use crate::error::{Error, Reason, Result};
use crate::protocol::wire::Request;
use crate::report::Reporter;

/// The place where the agent runs.
#[derive(Debug)]
pub enum Remote {
    Local,
    /// Another one, over one SSH connection.
    Ssh(Box<ssh::Connection>),
}

/// What a command reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// What we are given.
    Ours,
    Nothing,
}

impl Remote {
    /// Opens the way to the host. A refused or silent host is tried three times.
    pub async fn connect(place: &Place, reporter: &Reporter) -> Result<Self> {
        match place {
            Place::Local => Ok(Self::Local),
            Place::Ssh(config) => {
                let connection = ssh::Connection::open(config, reporter).await?;
                Ok(Self::Ssh(Box::new(connection)))
            }
        }
    }

    /// Makes the state folder and puts this binary there, unless both are in place.
    pub async fn install_agent(&self, reporter: &Reporter) -> Result<InstalledAgent> {
        match self {
            Self::Local => install::on_this_machine(self).await,
            Self::Ssh(_) => install::binary(self, Path::new("/proc/self/exe"), reporter).await,
        }
    }

    /// [`Self::install_agent`] with another binary than the running one.
    pub async fn install_binary(
        &self,
        binary: &Path,
        reporter: &Reporter,
    ) -> Result<InstalledAgent> {
        install::binary(self, binary, reporter).await
    }

    /// Starts the agent and sends it its first line.
    pub async fn start(&self, agent: &InstalledAgent, request: &Request) -> Result<AgentCall> {
        AgentCall::start(self.command(&[&agent.path, "agent", "serve"]), request).await
    }

    /// Runs `argv` at the place with our own standard streams, and returns its exit code.
    pub async fn attach(&self, argv: &[&str], input: Input) -> Result<u8> {
        let mut command = match self {
            Self::Local => {
                let mut words = argv.iter();
                let mut command = Command::new(words.next().map_or("", |program| program));
                command.args(words);
                Environment::Bare.apply(&mut command);
                command
            }
            Self::Ssh(connection) => {
                let line = exec::shell_words(argv);
                let mut command = connection.command(&line);
                Environment::Ssh.apply(&mut command);
                command
            }
        };
        match input {
            Input::Ours => {}
            Input::Nothing => {
                command.stdin(Stdio::null());
            }
        }
        // It stays in our group, to which a Ctrl-C goes.
        let status = command.kill_on_drop(true).status().await.map_err(|error| {
            Error::untouched(Reason::SshFailed, "cannot run the command at the host").because(error)
        })?;
        let of_signal = || status.signal().map(|signal| 128 + signal);
        let code = status.code().or_else(of_signal);
        Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255))
    }

    /// Closes the connection and removes the key from this machine.
    pub async fn close(self) -> Result<()> {
        match self {
            Self::Local => Ok(()),
            Self::Ssh(connection) => connection.close().await,
        }
    }

    /// A process that runs `argv` at the place; each item arrives there as it is.
    fn command(&self, argv: &[&str]) -> Command {
        let mut command = match self {
            Self::Local => {
                let mut words = argv.iter();
                let mut command = Command::new(words.next().map_or("", |program| program));
                command.args(words);
                command
            }
            Self::Ssh(connection) => connection.command(&exec::shell_words(argv)),
        };
        // Over ssh it uses the connection that is there and needs no key.
        Environment::Ssh.apply(&mut command);
        // A Ctrl-C in a terminal reaches the whole foreground group; ours alone decides what it means.
        command.process_group(0).kill_on_drop(true);
        command
    }
}

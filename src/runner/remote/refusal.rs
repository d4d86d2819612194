//! Why `ssh` did not connect, read from what it printed.

use std::fmt;

use super::endpoint::Endpoint;
use super::hostkey::{Misfit, OfferedKey, mismatch};
use crate::config::types::SshConfig;
use crate::error::{Error, Reason};
use crate::secret::cut::whole_words;

/// Why a connection was not made.
#[derive(Debug)]
pub(super) enum ConnectionFailure {
    /// Nothing answers there.
    Unreachable(Silence, String),
    /// The host's key is not the expected one; the keys are filled in by a probe.
    HostKey(Misfit, Vec<OfferedKey>),
    /// The host does not want this user or this key.
    Unauthorized(String),
    UnreadableKey(String),
    /// The jump host of the user's own ssh configuration was not reached; what the `ssh` that tried said.
    OnTheWay(String),
    NoSsh(String),
    Other(String),
    /// Something of ours failed; it is complete.
    Ours(Error),
}

/// How a host fails to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    Refused,
    TimedOut,
    Unresolved,
    NoRoute,
    /// It hung up before it said who it is.
    HungUp,
}

impl ConnectionFailure {
    /// Reads the log of an `ssh` that ended without a connection.
    pub(super) fn read(log: &str) -> Self {
        let has = |needle: &str| log.contains(needle);
        let silence = |kind| Self::Unreachable(kind, log.to_owned());
        if has("REMOTE HOST IDENTIFICATION HAS CHANGED") || has("REVOKED HOST KEY") {
            Self::HostKey(Misfit::Changed, Vec::new())
        } else if has("Host key verification failed") || has("host key is known for") {
            Self::HostKey(Misfit::NotListed, Vec::new())
        } else if has("Could not resolve hostname") {
            silence(Silence::Unresolved)
        } else if has("No route to host") || has("Network is unreachable") {
            silence(Silence::NoRoute)
        } else if has("timed out") {
            silence(Silence::TimedOut)
        } else if has("Load key") {
            Self::UnreadableKey(log.to_owned())
        } else if has("Permission denied (") || has("Too many authentication failures") {
            Self::Unauthorized(log.to_owned())
        } else if has("Connection refused") {
            silence(Silence::Refused)
        } else if has("kex_exchange_identification") || has("Connection reset by peer") {
            silence(Silence::HungUp)
        } else {
            Self::Other(log.to_owned())
        }
    }

    /// The same for a connection through a jump host of the user's own: a line that broke before the host said a word
    /// broke there.
    pub(super) fn on_the_way(self, said_there: &str) -> Self {
        match self {
            Self::Unreachable(Silence::HungUp, _) | Self::Other(_) if !said_there.is_empty() => {
                Self::OnTheWay(said_there.to_owned())
            }
            other => other,
        }
    }

    /// Whether the same try may work a moment later.
    pub(super) fn may_pass(&self) -> bool {
        // sshd hangs up on a random share of clients when many connect (`MaxStartups`).
        matches!(
            self,
            Self::Unreachable(Silence::Refused | Silence::TimedOut | Silence::HungUp, _)
        )
    }

    pub(super) fn into_error(self, endpoint: &Endpoint, config: &SshConfig) -> Error {
        let host = endpoint.display();
        let setting = endpoint.setting();
        match self {
            Self::Unreachable(silence, log) => explained(unreachable(silence, endpoint), &log),
            Self::HostKey(misfit, offered) => mismatch(endpoint, &config.trust, misfit, &offered),
            Self::Unauthorized(log) if config.key.is_none() => {
                let user = endpoint.user().unwrap_or("the default user");
                let error = Error::untouched(
                    Reason::SshUnauthorized,
                    format!("`{host}` refused the login of `{user}` (`ssh-user`, `ssh-key`)"),
                )
                .hint(format!(
                    "`{}` must log in without a question; a key with a passphrase has to be in your agent: `ssh-add`",
                    endpoint.by_hand()
                ))
                .hint("or name another user in `ssh-user`, or a key file in `ssh-key`");
                explained(error, &log)
            }
            Self::OnTheWay(log) => explained(on_the_way(endpoint, &log), &log),
            Self::Unauthorized(log) => {
                let user = endpoint.user().unwrap_or("the default user");
                let error = Error::untouched(
                    Reason::SshUnauthorized,
                    format!("`{host}` refused the login of `{user}` (`ssh-user`, `ssh-key`)"),
                )
                .hint(format!(
                    "add the public half of `ssh-key` to `~/.ssh/authorized_keys` of `{user}` on the host"
                ))
                .hint("check `ssh-user`: Amazon Linux uses `ec2-user`, Ubuntu `ubuntu`, Debian `admin`");
                explained(error, &log)
            }
            Self::UnreadableKey(log) => {
                let error = Error::untouched(
                    Reason::SshUnauthorized,
                    "ssh cannot read the private key in `ssh-key`",
                )
                .hint("give the whole private key, without a passphrase: `ssh-keygen -t ed25519 -N '' -f deploy` makes one");
                explained(error, &log)
            }
            Self::NoSsh(why) => Error::untouched(Reason::SshFailed, "cannot run the program `ssh`")
                .because(why)
                .hint("install it: `apt-get install openssh-client`"),
            Self::Other(log) => explained(
                Error::untouched(
                    Reason::SshFailed,
                    format!("cannot open an ssh connection to `{host}` (`{setting}`)"),
                )
                .hint(format!(
                    "try it by hand: `{}`",
                    endpoint.by_hand().replacen("ssh", "ssh -v", 1)
                )),
                &log,
            ),
            Self::Ours(error) => error,
        }
    }
}

fn on_the_way(endpoint: &Endpoint, log: &str) -> Error {
    let via = endpoint.via().unwrap_or_default();
    let host = endpoint.display();
    let is_key = log.contains("Host key verification failed");
    let (reason, hint) = if is_key {
        let hint = "its host key is not in your `known_hosts`: connect to it once by hand, compare the fingerprint that ssh shows with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on it, and answer `yes`";
        (Reason::HostKeyMismatch, hint.to_owned())
    } else {
        let by_hand = endpoint.by_hand();
        let hint = format!("`{by_hand}` must log in without a question: try it by hand");
        (Reason::HostUnreachable, hint)
    };
    let what = format!("cannot reach `{host}` through `{via}`, which your ssh configuration names");
    Error::untouched(reason, what).hint(hint)
}

fn unreachable(silence: Silence, endpoint: &Endpoint) -> Error {
    let (setting, port) = (endpoint.setting(), endpoint.port());
    let port_setting = endpoint.port_setting();
    let hint = match silence {
        Silence::Refused => format!(
            "nothing listens on port {port} there: check `{port_setting}`, and that sshd runs"
        ),
        Silence::TimedOut => format!(
            "check `{setting}`, that the host is up, and that its firewall or security group lets port {port} in"
        ),
        Silence::Unresolved => {
            format!("check the spelling of `{setting}`: the name does not resolve")
        }
        Silence::NoRoute => {
            format!("check `{setting}` and the network: there is no way to this address")
        }
        Silence::HungUp => format!(
            "check that port {port} is sshd's (`{port_setting}`) and that the host does not block this address"
        ),
    };
    let error = Error::untouched(
        Reason::HostUnreachable,
        format!(
            "cannot reach `{}` (`{setting}`, `{port_setting}`)",
            endpoint.display()
        ),
    )
    .hint(hint);
    if endpoint.is_forwarded() {
        error.hint("check that the host of `ssh-jump-host` can reach it")
    } else {
        error
    }
}

/// Adds what `ssh` said: its last line as the cause, all of it as the log.
fn explained(error: Error, log: &str) -> Error {
    let lines = log_lines(log);
    let error = match lines.last() {
        Some(line) => error.because(SshSaid(line.clone())),
        None => error,
    };
    error.log_tail(lines)
}

/// The longest line of a log that is kept, in bytes.
const LONGEST: usize = 2000;

/// The last lines of a log, without control characters: the far side chose some of them.
pub(super) fn log_lines(log: &str) -> Vec<String> {
    let clean = |line: &str| -> String {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        whole_words(&line, LONGEST)
    };
    let lines: Vec<String> = log
        .lines()
        .map(clean)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let skip = lines.len().saturating_sub(20);
    lines.into_iter().skip(skip).collect()
}

#[derive(Debug)]
pub(super) struct SshSaid(pub(super) String);

impl fmt::Display for SshSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ssh said: {}", self.0)
    }
}

impl std::error::Error for SshSaid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_prints_is_understood() {
        let silence = |log: &str| match ConnectionFailure::read(log) {
            ConnectionFailure::Unreachable(silence, _) => Some(silence),
            ConnectionFailure::HostKey(..)
            | ConnectionFailure::Unauthorized(_)
            | ConnectionFailure::UnreadableKey(_)
            | ConnectionFailure::OnTheWay(_)
            | ConnectionFailure::NoSsh(_)
            | ConnectionFailure::Other(_)
            | ConnectionFailure::Ours(_) => None,
        };
        assert_eq!(
            silence("connect to host 127.0.0.1 port 1: Connection refused"),
            Some(Silence::Refused)
        );
        assert_eq!(
            silence("Could not resolve hostname nope: Name or service not known"),
            Some(Silence::Unresolved)
        );
        assert_eq!(
            silence("Connection timed out during banner exchange"),
            Some(Silence::TimedOut)
        );
        assert!(matches!(
            ConnectionFailure::read("u@h: Permission denied (publickey)."),
            ConnectionFailure::Unauthorized(_)
        ));
        assert!(matches!(
            ConnectionFailure::read(
                "No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed."
            ),
            ConnectionFailure::HostKey(Misfit::NotListed, _)
        ));
        assert!(matches!(
            ConnectionFailure::read(
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed."
            ),
            ConnectionFailure::HostKey(Misfit::Changed, _)
        ));
    }

    #[test]
    fn a_line_that_is_cut_ends_with_a_whole_word() {
        let secret = "s3cr3t".repeat(40);
        for before in [1900, 1990, 2000, 2500] {
            let line = format!("{} {secret}", "x".repeat(before));
            let kept = log_lines(&line).remove(0);
            assert!(!kept.contains("s3cr3t"), "{before}");
        }
        assert_eq!(log_lines(&format!("a {secret}")), [format!("a {secret}")]);
    }

    #[test]
    fn a_log_cannot_smuggle_control_characters() {
        assert_eq!(log_lines("a\u{1b}[31mb\r\n\n"), ["a[31mb"]);
    }
}

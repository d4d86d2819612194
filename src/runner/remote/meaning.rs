//! What a host's name means to ssh: aliases, ports, users and jump hosts of the user's configuration.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::endpoint::Endpoint;
use super::exec::KEPT_LINES;
use super::refusal::{SshSaid, log_lines};
use crate::clients::environment::Environment;
use crate::clients::lines::Tail;
use crate::clients::process::{NoEnd, StandardOutput, run};
use crate::error::{Error, Reason, Result};

/// More than any configuration has.
const MOST_OUTPUT: usize = 256 * 1024;

/// A configuration may ask the name service, or run programs (`Match exec`).
const LIMIT: Duration = Duration::from_secs(15);

/// What ssh makes of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    /// The name under which its key is known, when that is another one.
    pub(super) key_alias: Option<String>,
    /// The hosts or the command that the way leads through.
    pub(super) via: Option<String>,
}

impl Meaning {
    /// Asks ssh itself, which knows every keyword and every file.
    pub(super) async fn of(endpoint: &Endpoint, config_file: &Path) -> Result<Self> {
        let mut command = Command::new("ssh");
        command
            .args(["-G", "-F"])
            .arg(config_file)
            .args(endpoint.arguments())
            .kill_on_drop(true);
        Environment::Ssh.apply(&mut command);
        let (mut stdout, mut stderr) = (Vec::new(), Tail::new(KEPT_LINES));
        let output = StandardOutput::Captured(&mut stdout, MOST_OUTPUT);
        let mut hear = |line: &str| stderr.push(line);
        let ended = run(command, &[], output, LIMIT, &mut hear).await;
        let log = log_lines(&stderr.text());
        match ended {
            Ok(status) if status.success() => {}
            Ok(_) => {
                let error = Error::untouched(Reason::SshFailed, unread(endpoint))
                    .hint("mend what it names in `~/.ssh/config`");
                return Err(match log.first() {
                    Some(line) => error.because(SshSaid(line.clone())).log_tail(log),
                    None => error,
                });
            }
            Err(NoEnd::Io(error)) => {
                let what = "cannot run the program `ssh`";
                return Err(Error::untouched(Reason::SshFailed, what)
                    .because(error)
                    .hint("install it: `apt-get install openssh-client`"));
            }
            Err(NoEnd::TimedOut) => {
                let what = format!("{} within {} s", unread(endpoint), LIMIT.as_secs());
                return Err(Error::untouched(Reason::SshFailed, what)
                    .hint("look for a `Match exec` in `~/.ssh/config` that does not end"));
            }
        }
        let text = String::from_utf8_lossy(&stdout);
        Self::parse(&text).ok_or_else(|| Error::untouched(Reason::SshFailed, unread(endpoint)))
    }

    /// Reads what `ssh -G` prints: a keyword and its value a line.
    fn parse(text: &str) -> Option<Self> {
        let value = |keyword: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            lines
                .find(|(word, _)| *word == keyword)
                .map(|(_, value)| value.trim().to_owned())
        };
        let some = |keyword: &str| value(keyword).filter(|text| text != "none");
        Some(Self {
            host: value("hostname")?,
            port: value("port")?.parse().ok()?,
            user: value("user"),
            key_alias: some("hostkeyalias"),
            via: some("proxyjump").or_else(|| some("proxycommand")),
        })
    }
}

fn unread(endpoint: &Endpoint) -> String {
    format!(
        "ssh cannot read its configuration for `{}`",
        endpoint.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn meaning(config: &str, endpoint: Endpoint) -> Result<Meaning> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), config).unwrap();
        Meaning::of(&endpoint, file.path()).await
    }

    #[tokio::test]
    async fn an_alias_is_what_ssh_says_and_what_is_given_wins() {
        let config =
            "Host prod\n HostName 203.0.113.7\n Port 2205\n User ec2-user\n ProxyJump bastion\n";
        let given = |port, user| Endpoint::direct("prod", port, user, "ssh-host");
        let found = meaning(config, given(None, None)).await.unwrap();
        assert_eq!(
            found,
            Meaning {
                host: "203.0.113.7".to_owned(),
                port: 2205,
                user: Some("ec2-user".to_owned()),
                key_alias: None,
                via: Some("bastion".to_owned()),
            }
        );
        let found = meaning(config, given(Some(22), Some("root")))
            .await
            .unwrap();
        assert_eq!((found.port, found.user.as_deref()), (22, Some("root")));
        let config = "HostKeyAlias web\nProxyCommand none\n";
        let found = meaning(config, given(None, None)).await.unwrap();
        assert_eq!(found.host, "prod");
        assert_eq!((found.key_alias.as_deref(), found.via), (Some("web"), None));
    }

    #[tokio::test]
    async fn a_configuration_that_ssh_refuses_is_quoted() {
        let endpoint = Endpoint::direct("prod", None, None, "ssh-host");
        let error = meaning("Host *\n Prot 22\n", endpoint).await.unwrap_err();
        let said = error.chain().join("\n");
        assert!(said.contains("`prod:22`"), "{said}");
        assert!(said.to_lowercase().contains("prot"), "{error:?}");
    }
}

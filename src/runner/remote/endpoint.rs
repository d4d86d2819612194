//! One end of a connection: what it is called and how to get there.

use std::borrow::Cow;

use super::meaning::Meaning;
use crate::error::{Error, Result};

/// An IPv6 address as it stands before a port.
fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') {
        Cow::Owned(format!("[{host}]"))
    } else {
        Cow::Borrowed(host)
    }
}

/// One end of a connection, and how to get there.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// As it was written, which may be an alias of the user's ssh configuration.
    given: String,
    given_port: Option<u16>,
    given_user: Option<String>,
    setting: &'static str,
    /// What ssh makes of it.
    meaning: Meaning,
    /// A port of this machine that leads there, and how people name the host that it leads through.
    forwarded: Option<(u16, String)>,
}

impl Endpoint {
    pub(super) fn direct(
        host: &str,
        port: Option<u16>,
        user: Option<&str>,
        setting: &'static str,
    ) -> Self {
        Self {
            given: host.to_owned(),
            given_port: port,
            given_user: user.map(str::to_owned),
            setting,
            meaning: Meaning {
                host: host.to_owned(),
                port: port.unwrap_or(22),
                user: user.map(str::to_owned),
                key_alias: None,
                via: None,
            },
            forwarded: None,
        }
    }

    /// The same as ssh understands it with the user's configuration.
    pub(super) fn meaning(self, meaning: Meaning) -> Self {
        Self { meaning, ..self }
    }

    /// The same through a port of this machine, which `via` forwards.
    pub(super) fn forwarded(&self, port: u16, via: &Self) -> Self {
        Self {
            forwarded: Some((port, via.by_name())),
            ..self.clone()
        }
    }

    /// Refuses names that `ssh` would read as an option, a user or a line of its configuration.
    pub(super) fn check(&self) -> Result<()> {
        let is_name = |text: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._:%-".contains(c))
        };
        let host = &self.meaning.host;
        let alias = self.meaning.key_alias.as_deref().unwrap_or(host);
        if let Some(wrong) = [&self.given, host, alias]
            .into_iter()
            .find(|text| !is_name(text))
        {
            return Err(Error::usage(format!(
                "`{}` is not a host name or address: `{}`",
                self.setting,
                wrong.escape_debug()
            ))
            .hint("write it as `203.0.113.7` or `server.example.com`, without user or port"));
        }
        match &self.given_user {
            Some(user) if !is_name(user) => Err(Error::usage(format!(
                "`ssh-user` is not a user name: `{}`",
                user.escape_debug()
            ))
            .hint("write it as `ec2-user`")),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.meaning.host
    }

    pub(super) fn port(&self) -> u16 {
        self.meaning.port
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.meaning.user.as_deref()
    }

    /// What the user's ssh configuration says to go through.
    pub(super) fn via(&self) -> Option<&str> {
        match self.forwarded {
            Some(_) => None,
            None => self.meaning.via.as_deref(),
        }
    }

    pub(super) fn setting(&self) -> &'static str {
        self.setting
    }

    pub(super) fn port_setting(&self) -> &'static str {
        if self.setting == "ssh-host" {
            "ssh-port"
        } else {
            self.setting
        }
    }

    /// What `ssh` is given to find it, the name as it was written last: the user's configuration may know it.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        let port = match &self.forwarded {
            Some((port, _)) => {
                words.extend(["-o".to_owned(), "HostName=127.0.0.1".to_owned()]);
                Some(*port)
            }
            None => self.given_port,
        };
        if let Some(port) = port {
            words.extend(["-p".to_owned(), port.to_string()]);
        }
        if let Some(user) = &self.given_user {
            words.extend(["-l".to_owned(), user.clone()]);
        }
        words.push(self.given.clone());
        words
    }

    /// Whether a connection goes through a jump host of the settings.
    pub(super) fn is_forwarded(&self) -> bool {
        self.forwarded.is_some()
    }

    /// As people write it.
    pub(super) fn display(&self) -> String {
        let Meaning { host, port, .. } = &self.meaning;
        let address = format!("{}:{port}", bracketed(host));
        if *host == self.given {
            address
        } else {
            format!("{} ({address})", self.given)
        }
    }

    /// The command that goes there by hand.
    pub(super) fn by_hand(&self) -> String {
        let mut words = vec!["ssh".to_owned()];
        if let Some((_, via)) = &self.forwarded {
            words.extend(["-J".to_owned(), via.clone()]);
        }
        if let Some(port) = self.given_port {
            words.extend(["-p".to_owned(), port.to_string()]);
        }
        words.push(match &self.given_user {
            Some(user) => format!("{user}@{}", self.given),
            None => self.given.clone(),
        });
        words.join(" ")
    }

    /// `[user@]host[:port]`, as it was given.
    fn by_name(&self) -> String {
        let user = self.given_user.as_ref().map(|user| format!("{user}@"));
        let port = self.given_port.map(|port| format!(":{port}"));
        format!(
            "{}{}{}",
            user.unwrap_or_default(),
            bracketed(&self.given),
            port.unwrap_or_default()
        )
    }

    /// The name under which `known_hosts` lists it.
    pub(super) fn known_hosts_name(&self) -> String {
        if let Some(alias) = &self.meaning.key_alias {
            return alias.clone();
        }
        match self.meaning.port {
            22 => self.meaning.host.clone(),
            port => format!("[{}]:{port}", self.meaning.host),
        }
    }

    /// The name to look up instead of the address we connect to; `ssh` takes it as it is.
    pub(super) fn key_alias(&self) -> Option<String> {
        self.is_forwarded().then(|| self.known_hosts_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_other_than_22_is_part_of_the_name() {
        let name = |port| Endpoint::direct("h", Some(port), None, "ssh-host").known_hosts_name();
        assert_eq!(name(22), "h");
        assert_eq!(name(2222), "[h]:2222");
    }

    #[test]
    fn names_that_ssh_would_read_as_something_else_are_refused() {
        for bad in ["-oProxyCommand=x", "u@h", "h\nUser x", "", "a b"] {
            let endpoint = Endpoint::direct(bad, None, None, "ssh-host");
            let error = endpoint.check().unwrap_err();
            assert!(error.to_string().contains("`ssh-host`"), "{bad}");
            let endpoint = Endpoint::direct("h", None, Some(bad), "ssh-host");
            assert!(endpoint.check().is_err(), "{bad}");
        }
        for good in ["203.0.113.7", "server.example.com", "fe80::1%eth0"] {
            assert!(
                Endpoint::direct(good, None, Some("ec2-user"), "ssh-host")
                    .check()
                    .is_ok()
            );
        }
    }

    #[test]
    fn an_alias_is_shown_with_what_it_means_and_given_to_ssh_as_it_is() {
        let alias = Endpoint::direct("prod", None, None, "ssh-host").meaning(Meaning {
            host: "203.0.113.7".to_owned(),
            port: 2205,
            user: Some("ec2-user".to_owned()),
            key_alias: None,
            via: None,
        });
        assert_eq!(alias.display(), "prod (203.0.113.7:2205)");
        assert_eq!(alias.known_hosts_name(), "[203.0.113.7]:2205");
        assert_eq!(alias.arguments(), ["prod"]);
        assert_eq!(alias.by_hand(), "ssh prod");
        let jump = Endpoint::direct("bastion", Some(23), Some("u"), "ssh-jump-host");
        let behind = alias.forwarded(4000, &jump);
        assert_eq!(
            behind.arguments(),
            ["-o", "HostName=127.0.0.1", "-p", "4000", "prod"]
        );
        assert_eq!(behind.by_hand(), "ssh -J u@bastion:23 prod");
        assert_eq!(behind.key_alias().as_deref(), Some("[203.0.113.7]:2205"));
    }
}

//! One end of a connection: what it is called and how to get there.

use std::borrow::Cow;

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
    host: String,
    port: u16,
    user: Option<String>,
    setting: &'static str,
    /// A port of this machine that leads there.
    forwarded: Option<u16>,
}

impl Endpoint {
    pub(super) fn direct(host: &str, port: u16, user: Option<&str>, setting: &'static str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            user: user.map(str::to_owned),
            setting,
            forwarded: None,
        }
    }

    pub(super) fn forwarded(&self, port: u16) -> Self {
        Self {
            forwarded: Some(port),
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
        if !is_name(&self.host) {
            return Err(Error::usage(format!(
                "`{}` is not a host name or address: `{}`",
                self.setting,
                self.host.escape_debug()
            ))
            .hint("write it as `203.0.113.7` or `server.example.com`, without user or port"));
        }
        match &self.user {
            Some(user) if !is_name(user) => Err(Error::usage(format!(
                "`ssh-user` is not a user name: `{}`",
                user.escape_debug()
            ))
            .hint("write it as `ec2-user`")),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
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

    pub(super) fn connect_host(&self) -> &str {
        match self.forwarded {
            Some(_) => "127.0.0.1",
            None => &self.host,
        }
    }

    pub(super) fn connect_port(&self) -> u16 {
        self.forwarded.unwrap_or(self.port)
    }

    /// Whether a connection goes through a jump host.
    pub(super) fn is_forwarded(&self) -> bool {
        self.forwarded.is_some()
    }

    /// As people write it.
    pub(super) fn display(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }

    /// The name under which `known_hosts` lists it.
    pub(super) fn known_hosts_name(&self) -> String {
        match self.port {
            22 => self.host.clone(),
            port => format!("[{}]:{port}", self.host),
        }
    }

    /// The name to look up instead of the address we connect to; `ssh` takes it as it is.
    pub(super) fn key_alias(&self) -> Option<String> {
        self.forwarded.map(|_port| self.known_hosts_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_other_than_22_is_part_of_the_name() {
        let name = |port| Endpoint::direct("h", port, None, "ssh-host").known_hosts_name();
        assert_eq!(name(22), "h");
        assert_eq!(name(2222), "[h]:2222");
    }

    #[test]
    fn names_that_ssh_would_read_as_something_else_are_refused() {
        for bad in ["-oProxyCommand=x", "u@h", "h\nUser x", "", "a b"] {
            let endpoint = Endpoint::direct(bad, 22, None, "ssh-host");
            let error = endpoint.check().unwrap_err();
            assert!(error.to_string().contains("`ssh-host`"), "{bad}");
            let endpoint = Endpoint::direct("h", 22, Some(bad), "ssh-host");
            assert!(endpoint.check().is_err(), "{bad}");
        }
        for good in ["203.0.113.7", "server.example.com", "fe80::1%eth0"] {
            assert!(
                Endpoint::direct(good, 22, Some("ec2-user"), "ssh-host")
                    .check()
                    .is_ok()
            );
        }
    }
}

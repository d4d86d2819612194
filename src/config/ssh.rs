//! How to reach the host.

use super::fields::Fields;
use super::host_keys;
use super::parse::Caller;
use super::raw::{Given, Source};
use super::secrets;
use super::ssh_key;
use super::types::{HostTrust, JumpHost, SshConfig, SshFiles, SshKey};
use crate::protocol::span::Span;
use crate::secret::Secret;

/// Reads the group; every problem is noted before `None` is returned.
pub(super) fn ssh(fields: &mut Fields<'_>, caller: Caller) -> Option<SshConfig> {
    let host = host(fields);
    let port = port(fields);
    let user = user(fields);
    let key = key(fields, caller);
    let trust = host_keys::trust(fields, caller);
    let jump = jump(fields);
    if let (Some(HostTrust::Fingerprints(list)), Some(Some(_))) = (&trust, &jump)
        && list.len() != 2
    {
        // With more, the jump host could show one of its own for the host behind it.
        let what = format!(
            "it holds {} fingerprints, and with `ssh-jump-host` there must be two: one of each host",
            list.len()
        );
        let cure = "keep one fingerprint of each host, or write `ssh-known-hosts`, which binds keys to names";
        fields.wrong("ssh-fingerprint", what, cure);
    }
    let connect_timeout = fields.span("connect-timeout", Span::from_millis(1000));
    Some(SshConfig {
        host: host?,
        port: port?,
        user: user?,
        files: files(fields, caller, key.as_ref()?.as_ref()),
        key: key?,
        trust: trust?,
        jump: jump?,
        connect_timeout: connect_timeout?,
    })
}

/// The inner `None` means that the port is left to ssh.
fn port(fields: &mut Fields<'_>) -> Option<Option<u16>> {
    if fields.text("ssh-port").is_none() {
        return Some(None);
    }
    let cure = "write the port of the SSH server, such as `22`";
    fields.int("ssh-port", 1, cure).map(Some)
}

/// Whether ssh obeys the user's own configuration.
fn files(fields: &Fields<'_>, caller: Caller, key: Option<&SshKey>) -> SshFiles {
    let at_home = caller == Caller::Terminal && !fields.raw.in_workflow;
    if at_home || key.is_none() {
        SshFiles::Users
    } else {
        SshFiles::Unread
    }
}

/// No blank, no control character, and no `-` in front, which ssh would take for an option.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || ".-_:%$+".contains(c))
}

fn host(fields: &mut Fields<'_>) -> Option<String> {
    let cure = "write the name or address of the host, such as `203.0.113.7`";
    let text = fields.required("ssh-host", cure)?;
    if let Some((scheme, rest)) = text.split_once("://") {
        let rest = rest.split('/').next().unwrap_or_default();
        let name = rest.rsplit_once('@').map_or(rest, |(_, name)| name);
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        let cure =
            format!("write `{name}` alone; a user goes into `ssh-user`, a port into `ssh-port`");
        fields.wrong("ssh-host", format!("it begins with `{scheme}://`"), cure);
        return None;
    }
    if let Some((_, rest)) = text.split_once('@') {
        let cure = format!("write `{rest}` here and the user in `ssh-user`");
        fields.wrong("ssh-host", "it holds a user", cure);
        return None;
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Some((name, port)) = bare.split_once(':')
        && !port.contains(':')
    {
        let cure = format!("write `{name}` here and the port in `ssh-port`");
        fields.wrong("ssh-host", "it holds a port", cure);
        return None;
    }
    if !is_plain(bare) {
        fields.wrong("ssh-host", format!("`{text}` is not a host"), cure);
        return None;
    }
    Some(bare.to_owned())
}

/// The inner `None` means that the user is left to ssh.
fn user(fields: &mut Fields<'_>) -> Option<Option<String>> {
    match fields.text("ssh-user") {
        None => Some(None),
        Some(user) if is_plain(user) => Some(Some(user.to_owned())),
        Some(user) => {
            fields.wrong(
                "ssh-user",
                format!("`{user}` is not a user name"),
                "write the user to log in as, such as `ubuntu`",
            );
            None
        }
    }
}

/// The inner `None` means that the key is left to ssh.
fn key(fields: &mut Fields<'_>, caller: Caller) -> Option<Option<SshKey>> {
    let Some(given) = fields.raw.given("ssh-key") else {
        return match caller {
            Caller::Terminal => Some(None),
            Caller::Action => {
                fields.problems.add(
                    "`ssh-key` is missing",
                    "pass the private key as a secret of the repository: `ssh-key: ${{ secrets.EC2_PRIVATE_KEY }}`",
                );
                None
            }
        };
    };
    let text = key_text(fields, given)?;
    match ssh_key::normalise(&text) {
        Ok(key) => Some(Some(SshKey(Secret::new(key)))),
        Err(problem) => {
            fields.wrong("ssh-key", problem.what, problem.cure);
            None
        }
    }
}

fn key_text(fields: &mut Fields<'_>, given: &Given) -> Option<String> {
    let text = given.text.as_str();
    let is_key = ssh_key::is_key_text(text);
    match given.source {
        Source::Stdin => Some(text.to_owned()),
        Source::Input | Source::Environment | Source::Default if is_key => Some(text.to_owned()),
        Source::Flag if is_key => {
            secrets::literal(fields, "ssh-key");
            None
        }
        Source::File if is_key => secrets::read(fields, "ssh-key"),
        Source::Flag => {
            let path = text.strip_prefix('@').unwrap_or(text);
            secrets::read_file(fields, "ssh-key", path)
        }
        Source::File => {
            let path = text.strip_prefix('@').unwrap_or(text);
            secrets::read_file(fields, "ssh-key", path)
        }
        Source::Input | Source::Environment | Source::Default => {
            // It may be a key that lost its first line: the text must not be shown.
            let path = fields.raw.path("ssh-key", text);
            if !path.is_file() {
                fields.wrong(
                    "ssh-key",
                    "it is neither a private key nor the path of one",
                    "paste the whole key file, from `-----BEGIN` to the last `-----`",
                );
                return None;
            }
            secrets::read_file(fields, "ssh-key", text)
        }
    }
}

/// The inner `None` means that there is none.
fn jump(fields: &mut Fields<'_>) -> Option<Option<JumpHost>> {
    let Some(text) = fields.text("ssh-jump-host") else {
        return Some(None);
    };
    let parsed = parse_jump(text);
    if parsed.is_none() {
        fields.wrong(
            "ssh-jump-host",
            format!("`{text}` is not a host to go through"),
            "write `[user@]host[:port]`",
        );
    }
    parsed.map(Some)
}

fn parse_jump(text: &str) -> Option<JumpHost> {
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, text),
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']')?;
            match after {
                "" => (host, None),
                after => (host, Some(after.strip_prefix(':')?)),
            }
        }
        None if rest.matches(':').count() == 1 => {
            let (host, port) = rest.split_once(':')?;
            (host, Some(port))
        }
        None => (rest, None),
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port: &u16| *port > 0)?),
        None => None,
    };
    (is_plain(host) && user.is_none_or(is_plain)).then(|| JumpHost {
        user: user.map(str::to_owned),
        host: host.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problems::Problems;
    use crate::config::raw::Raw;

    #[test]
    fn an_address_is_told_from_a_name_with_a_port() {
        for text in [
            "ssh://h.example.com",
            "ssh://u@h.example.com:2222/",
            "https://h.example.com",
        ] {
            let mut raw = Raw::default();
            raw.offer("ssh-host", text, Source::Input);
            let mut fields = Fields::new(&raw, Problems::default());
            assert_eq!(host(&mut fields), None);
            let [problem] = fields.problems.list() else {
                panic!("{text}")
            };
            assert!(problem.what.contains("it begins with `"), "{problem:?}");
            assert!(
                problem.cure.contains("write `h.example.com` alone"),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn with_a_jump_host_there_is_one_fingerprint_of_each() {
        let one = format!("SHA256:{}", "A".repeat(43));
        let problems = |count: usize, jump: &str| {
            let mut raw = Raw::default();
            let list = vec![one.as_str(); count].join("\n");
            raw.offer("ssh-host", "h", Source::Input);
            raw.offer("ssh-jump-host", jump, Source::Input);
            raw.offer("ssh-fingerprint", &list, Source::Input);
            let mut fields = Fields::new(&raw, Problems::default());
            ssh(&mut fields, Caller::Terminal);
            fields.problems.list().len()
        };
        assert_eq!(problems(1, ""), 0);
        assert_eq!(problems(3, ""), 0);
        assert_eq!(problems(2, "bastion"), 0);
        assert_eq!(problems(1, "bastion"), 1);
        assert_eq!(problems(3, "bastion"), 1);
    }

    #[test]
    fn jump_hosts_of_every_shape_are_read() {
        let read = |text| parse_jump(text).map(|jump| (jump.user, jump.host, jump.port));
        let is = |user: Option<&str>, host: &str, port| {
            Some((user.map(str::to_owned), host.to_owned(), port))
        };
        assert_eq!(read("bastion"), is(None, "bastion", None));
        assert_eq!(
            read("ec2-user@bastion:2222"),
            is(Some("ec2-user"), "bastion", Some(2222))
        );
        assert_eq!(read("u@[::1]:23"), is(Some("u"), "::1", Some(23)));
        assert_eq!(read("fe80::1"), is(None, "fe80::1", None));
        for bad in [
            "",
            "@h",
            "h:",
            "h:0",
            "h:x",
            "-oProxyCommand=x",
            "a b",
            "[::1",
            "[::1]x",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

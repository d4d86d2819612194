//! How the host proves who it is.

use super::fields::Fields;
use super::parse::Caller;
use super::raw::Raw;
use super::secrets;
use super::types::{Fingerprint, HostTrust};

const LINES: &str = "write the lines that `ssh-keyscan HOST` prints, the host's name first";

pub(super) fn trust(fields: &mut Fields<'_>, caller: Caller) -> Option<HostTrust> {
    match stronger(fields.raw) {
        GivenTrust::Nothing if caller == Caller::Terminal && !fields.raw.in_workflow => {
            Some(HostTrust::Users)
        }
        GivenTrust::Nothing => {
            fields.problems.add(
                "`ssh-known-hosts` or `ssh-fingerprint` is missing",
                "write what `ssh-keyscan HOST` prints into `ssh-known-hosts`, after comparing it with the host",
            );
            None
        }
        GivenTrust::Both => {
            fields.problems.add(
                "`ssh-known-hosts` and `ssh-fingerprint` are both given",
                "keep one of them",
            );
            None
        }
        GivenTrust::Fingerprint => {
            let cure = "write what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on the host after the size";
            let list: Vec<Fingerprint> = fields.parsed_list("ssh-fingerprint", cure)?;
            Some(HostTrust::Fingerprints(list))
        }
        GivenTrust::KnownHosts => known_hosts(fields, caller),
    }
}

/// Which of the two settings says what to trust.
enum GivenTrust {
    Nothing,
    KnownHosts,
    Fingerprint,
    /// Both, by one source.
    Both,
}

/// The two are a pair: a flag of the one wins over a line of the settings file for the other.
fn stronger(raw: &Raw) -> GivenTrust {
    let source = |key| raw.given(key).map(|given| given.source);
    match (source("ssh-known-hosts"), source("ssh-fingerprint")) {
        (None, None) => GivenTrust::Nothing,
        (Some(_), None) => GivenTrust::KnownHosts,
        (None, Some(_)) => GivenTrust::Fingerprint,
        (Some(one), Some(other)) if one < other => GivenTrust::KnownHosts,
        (Some(one), Some(other)) if one > other => GivenTrust::Fingerprint,
        (Some(_), Some(_)) => GivenTrust::Both,
    }
}

fn known_hosts(fields: &mut Fields<'_>, caller: Caller) -> Option<HostTrust> {
    let text = fields.text("ssh-known-hosts")?;
    // A file of the workspace is part of the commit that asks, so the action takes lines alone.
    let lines = match file_named(text) {
        Some(path) if caller == Caller::Terminal => {
            secrets::read_file(fields, "ssh-known-hosts", path)?
        }
        Some(_) | None => text.to_owned(),
    };
    checked(fields, &lines).map(HostTrust::KnownHosts)
}

/// `@FILE`, or one word alone; a line has three, and `@` in front of a marker.
fn file_named(text: &str) -> Option<&str> {
    let is_line = ["@cert-authority", "@revoked"]
        .iter()
        .any(|marker| text.starts_with(marker));
    match text.strip_prefix('@') {
        Some(path) if !is_line && !path.contains('\n') => Some(path),
        Some(_) => None,
        None if text.starts_with("SHA256:") => None,
        None => (!text.contains(char::is_whitespace)).then_some(text),
    }
}

/// The lines without comments, or what is wrong with one.
fn checked(fields: &mut Fields<'_>, text: &str) -> Option<String> {
    let key_type = |word: &str| {
        ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"]
            .iter()
            .any(|start| word.starts_with(start))
    };
    let mut kept = String::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let fine = match words.as_slice() {
            [marker, _hosts, kind, _key, ..] if marker.starts_with('@') => key_type(kind),
            [hosts, kind, _key, ..] => !key_type(hosts) && key_type(kind),
            _ => false,
        };
        if !fine {
            let (what, cure) = if line.starts_with("SHA256:") {
                ("it holds a fingerprint", "put it into `ssh-fingerprint`")
            } else {
                ("a line is not `HOST TYPE KEY`", LINES)
            };
            fields.wrong("ssh-known-hosts", what, cure);
            return None;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    if kept.is_empty() {
        fields.wrong("ssh-known-hosts", "it holds comments only", LINES);
        return None;
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problems::Problems;
    use crate::config::raw::Source;

    fn read(raw: &Raw, caller: Caller) -> Result<HostTrust, String> {
        let mut fields = Fields::new(raw, Problems::default());
        trust(&mut fields, caller).ok_or_else(|| fields.problems.list()[0].what.clone())
    }

    #[test]
    fn at_home_nothing_given_means_the_users_own() {
        let mut raw = Raw::default();
        assert!(matches!(read(&raw, Caller::Terminal), Ok(HostTrust::Users)));
        assert!(read(&raw, Caller::Action).is_err());
        raw.in_workflow = true;
        assert!(read(&raw, Caller::Terminal).is_err());
    }

    #[test]
    fn the_stronger_source_wins_for_the_pair() {
        let print = format!("SHA256:{}", "A".repeat(43));
        let of = |known_hosts, fingerprint| {
            let mut raw = Raw::default();
            raw.offer("ssh-known-hosts", "h ssh-ed25519 AAAA", known_hosts);
            raw.offer("ssh-fingerprint", &print, fingerprint);
            read(&raw, Caller::Terminal)
        };
        assert!(matches!(
            of(Source::File, Source::Flag),
            Ok(HostTrust::Fingerprints(_))
        ));
        assert!(matches!(
            of(Source::Environment, Source::File),
            Ok(HostTrust::KnownHosts(_))
        ));
        assert!(of(Source::Flag, Source::Flag).unwrap_err().contains("both"));
    }

    #[test]
    fn known_hosts_are_lines_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        std::fs::write(&path, "# mine\n[h]:22 ssh-ed25519 AAAA\n").unwrap();
        let path = path.to_str().unwrap();
        let of = |text: &str, caller| {
            let mut raw = Raw::default();
            raw.offer("ssh-known-hosts", text, Source::Flag);
            read(&raw, caller)
        };
        for text in [path, &format!("@{path}"), "[h]:22 ssh-ed25519 AAAA"] {
            let Ok(HostTrust::KnownHosts(lines)) = of(text, Caller::Terminal) else {
                panic!("{text}")
            };
            assert_eq!(lines, "[h]:22 ssh-ed25519 AAAA\n");
        }
        assert!(of("@cert-authority *.h ssh-ed25519 AAAA", Caller::Terminal).is_ok());
        let gone = of("@/gone", Caller::Terminal).unwrap_err();
        assert!(gone.contains("the file `/gone` cannot be read"), "{gone}");
        for text in [path, &format!("@{path}")] {
            let refused = of(text, Caller::Action).unwrap_err();
            assert!(refused.contains("a line is not"), "{refused}");
        }
    }

    #[test]
    fn known_hosts_are_checked_and_kept_without_comments() {
        let only = |text: &str| {
            let mut raw = Raw::default();
            raw.offer("ssh-known-hosts", text, Source::Input);
            read(&raw, Caller::Action)
        };
        let lines = "# host\r\n[h]:22,h ssh-ed25519 AAAA c\r\n\n|1|a=|b= ssh-rsa BBBB\n";
        let Ok(HostTrust::KnownHosts(lines)) = only(lines) else {
            panic!("not lines")
        };
        assert_eq!(
            lines,
            "[h]:22,h ssh-ed25519 AAAA c\n|1|a=|b= ssh-rsa BBBB\n"
        );
        for (text, what) in [
            (
                "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "it holds a fingerprint",
            ),
            ("ssh-ed25519 AAAA comment", "a line is not `HOST TYPE KEY`"),
            ("h AAAA", "a line is not `HOST TYPE KEY`"),
            ("# nothing", "it holds comments only"),
        ] {
            let text = only(text).unwrap_err();
            assert!(text.contains(what), "{text}");
        }
    }
}

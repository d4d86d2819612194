//! Host keys: their fingerprints, and what to tell a person when one does not fit.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::endpoint::Endpoint;
use crate::config::types::{Fingerprint, HostTrust};
use crate::error::{Error, Reason};

/// A public key that a host offered. Untrusted until compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedKey {
    kind: String,
    base64: String,
    fingerprint: String,
}

impl OfferedKey {
    /// Reads the key of a `known_hosts` line; markers, comments and damaged lines are `None`.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (_names, kind, base64) = (words.next()?, words.next()?, words.next()?);
        let blob = STANDARD.decode(base64).ok()?;
        Some(Self {
            kind: kind.to_owned(),
            base64: base64.to_owned(),
            fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob))),
        })
    }

    /// The fingerprint as `ssh-keygen -lf` prints it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether one of the fingerprints is this key's.
    pub fn is_one_of(&self, fingerprints: &[Fingerprint]) -> bool {
        fingerprints
            .iter()
            .any(|fingerprint| fingerprint.as_str() == self.fingerprint)
    }

    /// The line that makes `ssh` accept this key for `name`.
    pub fn known_hosts_line(&self, name: &str) -> String {
        format!("{name} {} {}", self.kind, self.base64)
    }

    /// The type as people call it, and the file that holds the key on the host.
    fn family(&self) -> (&str, &str) {
        match self.kind.as_str() {
            "ssh-ed25519" => ("ED25519", "ssh_host_ed25519_key.pub"),
            "ssh-rsa" => ("RSA", "ssh_host_rsa_key.pub"),
            kind if kind.starts_with("ecdsa-sha2-") => ("ECDSA", "ssh_host_ecdsa_key.pub"),
            kind => (kind, "ssh_host_*_key.pub"),
        }
    }
}

/// How a host key fails to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// Nothing is known about this host.
    NotListed,
    /// Another key is known for this host.
    Changed,
    /// It is the key of the jump host.
    OfJumpHost,
}

/// The error for a host whose key does not fit, with the line that would accept it.
pub(super) fn mismatch(
    endpoint: &Endpoint,
    trust: &HostTrust,
    misfit: Misfit,
    offered: &[OfferedKey],
) -> Error {
    let host = endpoint.display();
    let what = match (trust, misfit) {
        (_, Misfit::OfJumpHost) => {
            format!("`{host}` shows the host key of `ssh-jump-host`, which may be posing as it")
        }
        (HostTrust::Fingerprints(_), Misfit::NotListed | Misfit::Changed) => {
            format!("no host key of `{host}` has a fingerprint listed in `ssh-fingerprint`")
        }
        (HostTrust::KnownHosts(_), Misfit::NotListed) => {
            format!("the host key of `{host}` is not listed in `ssh-known-hosts`")
        }
        (HostTrust::Users, Misfit::NotListed) => {
            format!("the host key of `{host}` is not in your `known_hosts`")
        }
        (HostTrust::Users, Misfit::Changed) => format!(
            "the host key of `{host}` has CHANGED: it is not the one in your `known_hosts` (possible attack)"
        ),
        (HostTrust::KnownHosts(_), Misfit::Changed) => format!(
            "the host key of `{host}` has CHANGED: it is not the one listed in `ssh-known-hosts` (possible attack)"
        ),
    };
    let mut error = Error::untouched(Reason::HostKeyMismatch, what);
    match misfit {
        Misfit::Changed => {
            error = error.hint(
                "someone may be between you and the host; accept the new key only if you know why it changed",
            );
        }
        Misfit::OfJumpHost => {
            return error.hint(
                "if both really have one key, bind it to each name with `ssh-known-hosts`; better give each host a key of its own",
            );
        }
        Misfit::NotListed => {}
    }
    for key in offered {
        let (family, file) = key.family();
        error = error.hint(format!(
            "the host offered the {family} key {}; compare it with `ssh-keygen -lf /etc/ssh/{file}` on the host",
            key.fingerprint
        ));
    }
    match (trust, offered.first()) {
        (HostTrust::Users, _) => error.hint(by_hand(endpoint, misfit)),
        (_, None) => error,
        (_, Some(key)) => error.hint(format!(
            "if it is the same, put this line into `ssh-known-hosts`: {}",
            key.known_hosts_line(&endpoint.known_hosts_name())
        )),
    }
}

/// How to make ssh know the host: by its own question, which a person answers.
fn by_hand(endpoint: &Endpoint, misfit: Misfit) -> String {
    let forget = match misfit {
        Misfit::Changed => format!("`ssh-keygen -R '{}'`, then ", endpoint.known_hosts_name()),
        Misfit::NotListed | Misfit::OfJumpHost => String::new(),
    };
    format!(
        "if it is the same, {forget}connect once by hand and answer `yes`: `{}`",
        endpoint.by_hand()
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        let folder = tempfile::tempdir().unwrap();
        for kind in ["ed25519", "ecdsa", "rsa"] {
            let path = folder.path().join(kind);
            let run = |args: &[&str]| {
                let output = Command::new("ssh-keygen")
                    .args(args)
                    .arg(&path)
                    .output()
                    .unwrap();
                assert!(output.status.success());
                String::from_utf8(output.stdout).unwrap()
            };
            run(&["-q", "-t", kind, "-N", "", "-f"]);
            let listed = run(&["-lf"]);
            let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
            let key = OfferedKey::parse(&format!("[h]:2222 {public}")).unwrap();
            assert_eq!(listed.split(' ').nth(1), Some(key.fingerprint()), "{kind}");
            assert!(listed.contains(key.family().0), "{listed}");
            assert!(key.is_one_of(&[key.fingerprint().parse().unwrap()]));
        }
    }

    #[test]
    fn a_changed_key_is_told_from_an_unknown_one() {
        let key = OfferedKey::parse("h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA").unwrap();
        let endpoint = Endpoint::direct("h.example", Some(2222), None, "ssh-host");
        let trust = HostTrust::KnownHosts(String::new());
        let error = mismatch(
            &endpoint,
            &trust,
            Misfit::NotListed,
            std::slice::from_ref(&key),
        );
        assert!(error.to_string().contains("not listed"));
        assert!(error.hints().iter().any(|hint| hint.ends_with(
            "`ssh-known-hosts`: [h.example]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"
        )));
        let error = mismatch(
            &endpoint,
            &trust,
            Misfit::Changed,
            std::slice::from_ref(&key),
        );
        assert!(error.to_string().contains("CHANGED") && error.to_string().contains("attack"));
        let last = |misfit| {
            let keys = std::slice::from_ref(&key);
            let error = mismatch(&endpoint, &HostTrust::Users, misfit, keys);
            error.hints().last().unwrap().clone()
        };
        let hint = last(Misfit::NotListed);
        assert!(
            hint.ends_with("answer `yes`: `ssh -p 2222 h.example`"),
            "{hint}"
        );
        let hint = last(Misfit::Changed);
        assert!(
            hint.contains("`ssh-keygen -R '[h.example]:2222'`, then"),
            "{hint}"
        );
    }
}

//! Keys as people paste them, made by the real `ssh-keygen`.

use std::path::Path;
use std::process::Command;

use crate::{Ended, action, labeled};

pub(crate) const FINGERPRINT: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(crate) fn keygen(folder: &Path, arguments: &[&str]) -> (String, String) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-f", "key"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("ssh-keygen of OpenSSH is installed");
    assert!(made.status.success(), "{made:?}");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (read("key"), read("key.pub"))
}

/// Everything but the key is right, and the language is wrong so that nothing is deployed.
fn with_key(key: &str) -> Ended {
    action("pull_request", &labeled("🎅🏼deploy", "main"))
        .env("INPUT_IMAGE", "u/a")
        .env("INPUT_SSH-HOST", "127.0.0.1")
        .env("INPUT_SSH-KEY", key)
        .env("INPUT_SSH-FINGERPRINT", FINGERPRINT)
        .env("INPUT_GITHUB-TOKEN", "ghs_x")
        .env("INPUT_REQUIRE-WRITE", "maybe")
        .end()
}

#[test]
fn every_bad_key_is_one_error_that_names_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let (good, public) = keygen(folder.path(), &["-t", "ed25519", "-N", ""]);
    let locked = tempfile::tempdir().unwrap();
    let (locked, _) = keygen(locked.path(), &["-t", "ed25519", "-N", "passphrase"]);
    let half = good.lines().take(3).collect::<Vec<_>>().join("\n");
    for (key, what) in [
        ("", "`ssh-key` is missing"),
        (locked.as_str(), "`ssh-key`: the key has a passphrase"),
        (public.as_str(), "`ssh-key`: this is a public key"),
        (half.as_str(), "`ssh-key`: the key is cut off"),
        (
            "hunter2 is no key",
            "`ssh-key`: it is neither a private key nor the path of one",
        ),
        (
            "/nowhere/key",
            "`ssh-key`: it is neither a private key nor the path of one",
        ),
        (
            "PuTTY-User-Key-File-3: ssh-ed25519",
            "`ssh-key`: this is a key in PuTTY",
        ),
    ] {
        let ended = with_key(key);
        ended
            .ends(2)
            .says("2 settings need attention")
            .says(what)
            .hides("hunter2");
        let secret = key.lines().nth(1).unwrap_or("hunter2");
        ended.hides(secret);
    }
}

#[test]
fn a_key_with_foreign_line_ends_is_silently_cured() {
    let folder = tempfile::tempdir().unwrap();
    let (good, _) = keygen(folder.path(), &["-t", "ed25519", "-N", ""]);
    for key in [
        good.clone(),
        good.replace('\n', "\r\n"),
        good.trim_end().to_owned(),
    ] {
        let ended = with_key(&key);
        ended
            .ends(2)
            .says("`require-write`: `maybe`")
            .hides("ssh-key");
    }
}

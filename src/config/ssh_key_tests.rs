use std::path::Path;
use std::process::Command;

use super::*;

/// A key made by the real tool, in a folder that goes with it.
fn key(arguments: &[&str]) -> (String, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-f"])
        .arg(&path)
        .args(arguments)
        .output()
        .expect("ssh-keygen of OpenSSH is installed");
    assert!(made.status.success(), "{made:?}");
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let public = read(&path.with_extension("pub"));
    (read(&path), public, folder)
}

/// Asks the real tool whether it reads the key.
fn is_read_by_openssh(text: &str) -> bool {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let read = Command::new("ssh-keygen")
        .args(["-y", "-P", "", "-f"])
        .arg(file.path())
        .output()
        .unwrap();
    read.status.success()
}

#[test]
fn every_kind_of_key_survives_every_kind_of_paste() {
    for arguments in [
        &["-t", "ed25519", "-N", ""][..],
        &["-t", "rsa", "-b", "2048", "-N", ""],
        &["-t", "ecdsa", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""],
        &["-t", "ecdsa", "-m", "PEM", "-N", ""],
    ] {
        let (private, _, _folder) = key(arguments);
        for pasted in [
            private.clone(),
            private.trim_end().to_owned(),
            private.replace('\n', "\r\n"),
            private.replace('\n', "\r\n").trim_end().to_owned(),
            private.replace('\n', "\r"),
            format!("\u{feff}{private}"),
            format!("\n\n  {}", private.replace('\n', "\n  ")),
        ] {
            assert!(is_key_text(pasted.trim_start_matches('\u{feff}').trim()));
            let normal = normalise(&pasted).unwrap();
            assert_eq!(normal, private, "{arguments:?}");
            assert!(is_read_by_openssh(&normal), "{arguments:?}");
        }
    }
}

#[test]
fn openssh_itself_refuses_what_we_cure() {
    let (private, _, _folder) = key(&["-t", "ed25519", "-N", ""]);
    assert!(!is_read_by_openssh(private.trim_end()));
}

fn refusal(text: &str) -> &'static str {
    normalise(text).unwrap_err().what
}

#[test]
fn a_passphrase_is_seen_in_every_format() {
    for format in [
        &["-t", "ed25519"][..],
        &["-t", "rsa", "-m", "PEM"],
        &["-t", "rsa", "-m", "PKCS8"],
    ] {
        let arguments = [format, &["-N", "correct horse"]].concat();
        let (private, _, _folder) = key(&arguments);
        let what = "the key has a passphrase, and nobody is there to type it";
        assert_eq!(refusal(&private), what, "{format:?}");
        assert_eq!(refusal(&private.replace('\n', "\r\n")), what, "{format:?}");
    }
}

#[test]
fn another_kind_of_text_is_named() {
    let (private, public, _folder) = key(&["-t", "ed25519", "-N", ""]);
    assert_eq!(refusal(&public), "this is a public key");
    assert_eq!(
        refusal("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----"),
        "this is a public key"
    );
    assert_eq!(
        refusal("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none"),
        "this is a key in PuTTY's format"
    );
    assert_eq!(
        refusal("-----BEGIN CERTIFICATE-----\nMCow\n-----END CERTIFICATE-----"),
        "this is not a private key"
    );
    let one_line = "the line breaks of the key are lost";
    assert_eq!(refusal(&private.replace('\n', " ")), one_line);
    assert_eq!(refusal(&private.trim_end().replace('\n', "\\n")), one_line);
}

/// Whether neither we nor ssh itself see anything wrong.
fn passes(text: &str) -> bool {
    normalise(text).is_ok_and(|text| is_read_by_openssh(&text))
}

#[test]
fn no_piece_of_a_key_passes() {
    for arguments in [
        &["-t", "ed25519", "-N", ""][..],
        &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""],
    ] {
        let (private, _, _folder) = key(arguments);
        let lines: Vec<&str> = private.lines().collect();
        for missing in 0..lines.len() {
            let mut rest = lines.clone();
            rest.remove(missing);
            assert!(!passes(&rest.join("\n")), "without line {missing}");
        }
        let last = lines[lines.len() - 2];
        for cut in 1..last.len() {
            let text = private.replace(last, &last[..last.len() - cut]);
            assert!(!passes(&text), "last line cut by {cut}");
        }
        assert!(normalise(&private.replacen('b', "*", 2)).is_err());
        assert!(normalise(&format!("{private}{private}")).is_err());
        assert!(normalise(&format!("{private}trailing words")).is_err());
    }
    for text in ["", "\n", "-----BEGIN", "garbage", "a\nb\nc"] {
        assert!(normalise(text).is_err(), "{text}");
    }
}

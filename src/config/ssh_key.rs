//! A private key as people paste it, made into one that OpenSSH reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What is wrong with a key. Holds no part of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyProblem {
    pub(super) what: &'static str,
    pub(super) cure: &'static str,
}

const WHOLE: &str = "paste the whole file with both of its `-----` lines, one line per line";
const WITHOUT_PASSPHRASE: &str = "make a key for deploys alone with `ssh-keygen -t ed25519 -N '' -f deploy_key`, or take the passphrase off a copy with `ssh-keygen -p -N '' -f COPY`";
const PRIVATE_ONE: &str =
    "paste the private key: the file without `.pub`, which begins with `-----BEGIN`";

fn problem(what: &'static str, cure: &'static str) -> KeyProblem {
    KeyProblem { what, cure }
}

/// Whether the text claims to be a key rather than the path of one.
pub(super) fn is_key_text(text: &str) -> bool {
    text.starts_with("-----BEGIN") || not_private(text).is_some() || text.contains('\n')
}

/// Checks a key and gives it LF line ends and a final newline, which OpenSSH insists on.
pub(super) fn normalise(text: &str) -> Result<String, KeyProblem> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(problem) = not_private(&text) {
        return Err(problem);
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Err(problem("the key is empty", WHOLE));
    };
    let Some(label) = first
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.strip_suffix("-----"))
    else {
        let what = "the text is not a private key, or its line breaks are lost";
        return Err(problem(what, WHOLE));
    };
    if label.contains('-') {
        return Err(problem("the line breaks of the key are lost", WHOLE));
    }
    if lines.len() < 3 || *last != format!("-----END {label}-----") {
        return Err(problem(
            "the key is cut off: its last line is missing",
            WHOLE,
        ));
    }
    let inner = lines.get(1..lines.len() - 1).unwrap_or_default();
    let (headers, body): (Vec<&str>, Vec<&str>) = inner.iter().partition(|line| line.contains(':'));
    let decoded = STANDARD.decode(body.concat());
    let broken = |_| {
        problem(
            "the key is damaged: it is not base64 between its two lines",
            WHOLE,
        )
    };
    match label {
        "ENCRYPTED PRIVATE KEY" => return Err(encrypted()),
        _ if headers.iter().any(|line| line.contains("ENCRYPTED")) => return Err(encrypted()),
        "OPENSSH PRIVATE KEY" => openssh(&decoded.map_err(broken)?)?,
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" | "PRIVATE KEY" => {
            decoded.map_err(broken)?;
        }
        _ => return Err(problem("this is not a private key", PRIVATE_ONE)),
    }
    Ok(lines.join("\n") + "\n")
}

fn encrypted() -> KeyProblem {
    problem(
        "the key has a passphrase, and nobody is there to type it",
        WITHOUT_PASSPHRASE,
    )
}

fn not_private(text: &str) -> Option<KeyProblem> {
    let public = [
        "ssh-",
        "ecdsa-sha2-",
        "sk-ssh-",
        "sk-ecdsa-",
        "---- BEGIN SSH2 PUBLIC KEY",
        "-----BEGIN PUBLIC KEY",
        "-----BEGIN RSA PUBLIC KEY",
        "-----BEGIN SSH2 PUBLIC KEY",
    ];
    let spaced = text.starts_with("----") || text.contains(' ');
    if spaced && public.iter().any(|start| text.starts_with(start)) {
        return Some(problem("this is a public key", PRIVATE_ONE));
    }
    text.starts_with("PuTTY-User-Key-File").then(|| {
        problem(
            "this is a key in PuTTY's format",
            "convert it with `puttygen KEY.ppk -O private-openssh -o KEY` and paste the result",
        )
    })
}

/// The start of an OpenSSH container (PROTOCOL.key): magic, then the cipher as a text with its length before it.
/// What is wrong further on, ssh says itself.
fn openssh(bytes: &[u8]) -> Result<(), KeyProblem> {
    let rest = bytes
        .strip_prefix(b"openssh-key-v1\0")
        .ok_or_else(|| problem("the key is damaged: it does not hold an OpenSSH key", WHOLE))?;
    match rest.get(..8) {
        Some(b"\0\0\0\x04none") => Ok(()),
        Some(_) => Err(encrypted()),
        None => Err(problem("the key is damaged: its data is cut off", WHOLE)),
    }
}

#[cfg(test)]
#[path = "ssh_key_tests.rs"]
mod tests;

//! Puts this binary on the host: `/var/lib/pct-deploy/bin/<sha256>`, once per version.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::Remote;
use super::exec::{Ran, Script};
use super::refusal::log_lines;
use crate::error::{Error, Reason, Result};
use crate::protocol::place::STATE_ROOT;
use crate::protocol::step::Phase;
use crate::report::Reporter;

/// One round trip, with time for a slow disk.
const CHECK_LIMIT: Duration = Duration::from_secs(60);
/// 8 MiB at 30 kB/s.
const UPLOAD_LIMIT: Duration = Duration::from_secs(300);

/// The agent, where it can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledAgent {
    /// Its path at the place.
    pub path: String,
    /// Bytes sent to put it there.
    pub uploaded: u64,
}

/// What the check script found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    Present,
    Absent,
    /// The folder cannot be made by this user.
    NeedsSudo(String),
    /// The folder belongs to someone else.
    NotWritable(String),
    /// Another processor or system than ours.
    OtherSystem(String),
}

/// Without SSH there is nothing to upload: the running binary is the agent.
pub(super) async fn on_this_machine(remote: &Remote) -> Result<InstalledAgent> {
    let own = std::env::current_exe()
        .map_err(|error| Error::bug("cannot find our own binary").because(error))?;
    let Some(path) = own.to_str() else {
        return Err(Error::bug("the path of our own binary is not UTF-8"));
    };
    let finding = check(remote, "none").await?;
    match finding {
        Finding::Present | Finding::Absent => Ok(InstalledAgent {
            path: path.to_owned(),
            uploaded: 0,
        }),
        _ => Err(refused(finding)),
    }
}

/// Uploads a binary unless the host has it.
pub(super) async fn binary(
    remote: &Remote,
    binary: &Path,
    reporter: &Reporter,
) -> Result<InstalledAgent> {
    let (hash, size) = hash_of(binary).await?;
    let path = format!("{STATE_ROOT}/bin/{hash}");
    let finding = check(remote, &hash).await?;
    let uploaded = match finding {
        Finding::Present => {
            reporter.progress(Phase::InstallAgent, "the host has this agent already");
            0
        }
        Finding::Absent => {
            let text = format!("uploading the agent, {:.1} MB", mega(size));
            reporter.progress(Phase::InstallAgent, &text);
            upload(remote, binary, &hash).await?;
            size
        }
        _ => return Err(refused(finding)),
    };
    Ok(InstalledAgent { path, uploaded })
}

async fn check(remote: &Remote, hash: &str) -> Result<Finding> {
    let script = Script {
        text: include_str!("install_check.sh"),
        args: &[hash, &own_system()],
        input: None,
        limit: CHECK_LIMIT,
    };
    let ran = remote.run(&script).await?;
    read_finding(&ran.stdout).ok_or_else(|| failed(&ran, "cannot prepare the host for the agent"))
}

async fn upload(remote: &Remote, binary: &Path, hash: &str) -> Result<()> {
    let script = Script {
        text: include_str!("install_upload.sh"),
        args: &[hash],
        input: Some(binary),
        limit: UPLOAD_LIMIT,
    };
    let ran = remote.run(&script).await?;
    if ran.stdout.lines().any(|line| line == "pct: agent uploaded") {
        Ok(())
    } else if ran.stdout.lines().any(|line| line == "pct: agent damaged") {
        Err(failed(&ran, "the agent arrived damaged at the host").hint("run it again"))
    } else {
        Err(failed(&ran, "cannot upload the agent to the host"))
    }
}

/// What `uname -sm` says on a machine that can run us.
fn own_system() -> String {
    format!("Linux {}", std::env::consts::ARCH)
}

/// The script's last fact decides; a login script may print anything before.
fn read_finding(stdout: &str) -> Option<Finding> {
    let mut facts = stdout.lines().filter_map(|line| line.strip_prefix("pct: "));
    let (name, value) = facts.next_back()?.split_once(' ')?;
    let value: String = value.chars().filter(|c| !c.is_control()).take(80).collect();
    match (name, value.as_str()) {
        ("agent", "present") => Some(Finding::Present),
        ("agent", "absent") => Some(Finding::Absent),
        ("needs_sudo", _) => Some(Finding::NeedsSudo(value)),
        ("not_writable", _) => Some(Finding::NotWritable(value)),
        // The right system is never the last fact, unless the script broke off.
        ("system", system) if system != own_system() => Some(Finding::OtherSystem(value)),
        _ => None,
    }
}

fn refused(finding: Finding) -> Error {
    match finding {
        Finding::NeedsSudo(user) => Error::untouched(
            Reason::AgentUnavailable,
            format!("`{user}` cannot create `{STATE_ROOT}` on the host: sudo asks for a password"),
        )
        .hint(format!(
            "make it once by hand on the host: `sudo install -d -m 0755 -o {user} {STATE_ROOT}`"
        )),
        Finding::NotWritable(user) => Error::untouched(
            Reason::AgentUnavailable,
            format!("`{STATE_ROOT}` on the host does not belong to `{user}` (`ssh-user`)"),
        )
        .hint(format!(
            "give it to the user that deploys: `sudo chown -R {user} {STATE_ROOT}`"
        )),
        Finding::OtherSystem(system) => Error::untouched(
            Reason::PlatformMismatch,
            format!(
                "the host is `{system}`, this binary is for `{}`",
                own_system()
            ),
        )
        .hint(same_architecture(&system)),
        Finding::Present | Finding::Absent => Error::bug("an agent that is fine was refused"),
    }
}

/// Where this would have to run for such a host.
fn same_architecture(system: &str) -> &'static str {
    match system.rsplit(' ').next() {
        Some("aarch64") => {
            "run it on a machine with such a processor; in a workflow that is `runs-on: ubuntu-24.04-arm`, with `platform: linux/arm64`"
        }
        Some("x86_64") => {
            "run it on a machine with such a processor; in a workflow that is `runs-on: ubuntu-latest`, with `platform: linux/amd64`"
        }
        _ => "hosts with Linux on x86_64 or aarch64 can be deployed to",
    }
}

fn failed(ran: &Ran, what: &str) -> Error {
    let lines = log_lines(&ran.stderr);
    let error = if ran.stderr.contains("No space left on device")
        || ran.stderr.contains("Disk quota exceeded")
    {
        Error::untouched(
            Reason::DiskFull,
            format!("{what}: no space left for `{STATE_ROOT}`"),
        )
        .hint("make room on the host: `docker system prune`, and see what is full with `df -h` and `df -i`")
    } else {
        Error::untouched(Reason::AgentUnavailable, what).hint(format!(
            "look at `{STATE_ROOT}` on the host: `ls -la {STATE_ROOT}`"
        ))
    };
    match lines.last() {
        Some(line) => error.because(line.clone()).log_tail(lines),
        None => error,
    }
}

async fn hash_of(path: &Path) -> Result<(String, u64)> {
    let path = path.to_owned();
    let hashing = tokio::task::spawn_blocking(move || -> io::Result<(String, u64)> {
        let mut hasher = Sha256::new();
        let size = io::copy(&mut File::open(path)?, &mut hasher)?;
        Ok((hex::encode(hasher.finalize()), size))
    });
    hashing
        .await
        .map_err(io::Error::other)
        .flatten()
        .map_err(|error| {
            Error::untouched(Reason::AgentUnavailable, "cannot read our own binary").because(error)
        })
}

#[expect(clippy::cast_precision_loss, reason = "for one decimal of a size")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_read_past_whatever_a_login_script_prints() {
        let system = own_system();
        let read = |last: &str| read_finding(&format!("hi\npct: system {system}\n{last}\n"));
        assert_eq!(read("pct: agent present"), Some(Finding::Present));
        assert_eq!(read("pct: agent absent"), Some(Finding::Absent));
        assert_eq!(
            read("pct: needs_sudo u"),
            Some(Finding::NeedsSudo("u".to_owned()))
        );
        assert_eq!(read(""), None);
        assert_eq!(
            read_finding("pct: system Linux mips64\n"),
            Some(Finding::OtherSystem("Linux mips64".to_owned()))
        );
    }

    #[test]
    fn another_processor_is_told_with_the_runner_that_has_it() {
        for (system, wanted) in [
            ("Linux aarch64", "`runs-on: ubuntu-24.04-arm`"),
            ("Linux x86_64", "`runs-on: ubuntu-latest`"),
        ] {
            assert!(same_architecture(system).contains(wanted));
        }
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let ran = |stderr: &str| Ran {
            code: Some(1),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        };
        let error = failed(&ran("cat: write error: No space left on device\n"), "x");
        assert_eq!(error.reason(), Reason::DiskFull);
        assert!(error.to_string().contains(STATE_ROOT));
        assert_eq!(
            failed(&ran("mv: no"), "x").reason(),
            Reason::AgentUnavailable
        );
    }

    #[tokio::test]
    async fn a_file_is_hashed_as_sha256sum_does() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        let (hash, size) = hash_of(file.path()).await.unwrap();
        assert_eq!(size, 3);
        assert_eq!(
            hash,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}

//! The folder with the key, the `ssh` configuration and the control sockets, for one run.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::endpoint::Endpoint;
use super::leftovers::{InUse, PREFIX, sweep};
use crate::config::types::{HostTrust, SshConfig, SshFiles, SshKey};
use crate::error::{Error, Reason, Result};

/// A folder of mode 0700 that is gone after [`Workdir::close`] or at the latest when dropped.
#[derive(Debug)]
pub(super) struct Workdir {
    folder: TempDir,
    key: Option<PathBuf>,
    in_use: InUse,
}

/// Memory first, so that a key does not reach a disk. All are short: a control socket's path is
/// limited to about 100 bytes, and a runner's temporary folder is often longer than that.
const PARENTS: [&str; 3] = ["/dev/shm", "/tmp", "/var/tmp"];

impl Workdir {
    /// Makes the folder and writes the key into it.
    pub(super) fn create(key: Option<&SshKey>) -> Result<Self> {
        let failed = |error: io::Error| {
            Error::untouched(
                Reason::SshFailed,
                "cannot make a private folder for the ssh connection",
            )
            .because(error)
            .hint("make `/tmp` writable")
        };
        let folder = private_folder().map_err(failed)?;
        let in_use = InUse::mark(folder.path()).map_err(failed)?;
        let key = key
            .map(|SshKey(secret)| {
                write_private(&folder.path().join("key"), secret.expose().as_bytes())
            })
            .transpose()
            .map_err(failed)?;
        Ok(Self {
            folder,
            key,
            in_use,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The private key's file, when the settings hold a key.
    pub(super) fn key(&self) -> Option<&Path> {
        self.key.as_deref()
    }

    /// The path of a file that is not there.
    pub(super) fn vacate(&self, name: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        match remove(&path) {
            Ok(()) => Ok(path),
            Err(error) => Err(Error::untouched(
                Reason::SshFailed,
                "cannot remove a file of an earlier ssh connection",
            )
            .because(error)),
        }
    }

    /// Writes a file that only we may read, replacing an earlier one.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        write_private(&path, text.as_bytes()).map_err(|error| {
            Error::untouched(
                Reason::SshFailed,
                "cannot write a file for the ssh connection",
            )
            .because(error)
        })
    }

    /// Removes everything and says so when that fails.
    pub(super) fn close(self) -> Result<()> {
        let path = self.path().to_owned();
        let Self {
            folder,
            key: _,
            in_use,
        } = self;
        let closed = folder.close();
        drop(in_use);
        closed.map_err(|error| {
            Error::untouched(
                Reason::SshFailed,
                format!(
                    "cannot remove the folder with the ssh key, `{}`",
                    path.display()
                ),
            )
            .because(error)
        })
    }
}

fn private_folder() -> io::Result<TempDir> {
    let mut last = None;
    for parent in PARENTS
        .iter()
        .map(PathBuf::from)
        .chain([std::env::temp_dir()])
    {
        sweep(&parent);
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(parent);
        match folder {
            Ok(folder) => return Ok(folder),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    remove(path)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(bytes)?;
    Ok(path.to_owned())
}

/// The text of an `ssh_config` that leaves nothing about trust or forwarding to other files.
pub(super) fn render_config(endpoint: &Endpoint, config: &SshConfig) -> String {
    // The first value of an option wins, so the user's file can only add what is not said here. What a jump host of the
    // user's own is connected with comes from here, too.
    let mut lines = vec![
        "BatchMode yes",
        "StrictHostKeyChecking yes",
        "NoHostAuthenticationForLocalhost no",
        "HashKnownHosts no",
        "UpdateHostKeys no",
        "CheckHostIP no",
        "VerifyHostKeyDNS no",
        "PreferredAuthentications publickey",
        "NumberOfPasswordPrompts 0",
        "ServerAliveCountMax 3",
        "ControlMaster no",
        "ClearAllForwardings yes",
        "Tunnel no",
        "ForwardAgent no",
        "ForwardX11 no",
        "AddKeysToAgent no",
        "PermitLocalCommand no",
        "RemoteCommand none",
        "ForkAfterAuthentication no",
        "RequestTTY no",
        "LogLevel INFO",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    match config.trust {
        HostTrust::KnownHosts(_) | HostTrust::Fingerprints(_) => lines.extend([
            "GlobalKnownHostsFile /dev/null".to_owned(),
            "KnownHostsCommand none".to_owned(),
        ]),
        HostTrust::Users => {}
    }
    if let Some(alias) = endpoint.key_alias() {
        lines.push(format!("HostKeyAlias {alias}"));
        lines.push("ProxyJump none".to_owned());
    }
    match config.files {
        SshFiles::Unread => {
            lines.insert(
                0,
                "IgnoreUnknown KnownHostsCommand,ForkAfterAuthentication".to_owned(),
            );
            lines.push("CanonicalizeHostname no".to_owned());
        }
        SshFiles::Users => {
            // Keywords of other programs and systems, such as `UseKeychain`.
            lines.insert(0, "IgnoreUnknown *".to_owned());
            lines.push("Include ~/.ssh/config".to_owned());
            lines.push("Include /etc/ssh/ssh_config".to_owned());
        }
    }
    format!("Host *\n  {}\n", lines.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn the_key_is_private_and_gone_afterwards() {
        let workdir = Workdir::create(Some(&SshKey(Secret::new("k\n")))).unwrap();
        let (folder, key) = (workdir.path().to_owned(), workdir.key().unwrap().to_owned());
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(folder.as_os_str().len() < 40, "{}", folder.display());
        workdir.close().unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn only_a_forwarded_connection_has_an_alias() {
        let config = |files, trust| SshConfig {
            host: "h".to_owned(),
            port: Some(2222),
            user: None,
            key: None,
            files,
            trust,
            jump: None,
            connect_timeout: "5s".parse().unwrap(),
        };
        let direct = Endpoint::direct("h", Some(2222), None, "ssh-host");
        let given = config(SshFiles::Unread, HostTrust::KnownHosts(String::new()));
        let text = render_config(&direct, &given);
        assert!(!text.contains("HostKeyAlias") && !text.contains("Include"));
        assert!(text.contains("GlobalKnownHostsFile /dev/null"));
        let jump = Endpoint::direct("j", None, None, "ssh-jump-host");
        let own = config(SshFiles::Users, HostTrust::Users);
        let text = render_config(&direct.forwarded(4000, &jump), &own);
        assert!(text.contains("HostKeyAlias [h]:2222\n") && text.contains("Include ~/.ssh/config"));
        assert!(
            text.contains("StrictHostKeyChecking yes") && !text.contains("GlobalKnownHostsFile")
        );
    }
}

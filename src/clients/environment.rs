//! Where programs are, and what they may know of our environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// Where system programs are; an SSH session of a plain user often lacks the `sbin` folders.
const SYSTEM_FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// What a program may know of our environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    /// Where programs, the home and Docker are, in the C locale.
    Bare,
    /// All but what is ours or CI's: compose fills `${NAME}` in the user's file from it.
    Users,
    /// Where programs and the home are: for `ssh`.
    Ssh,
    /// The same, and the way to the user's own `ssh-agent`.
    SshOfUser,
}

impl Environment {
    /// Gives a program these variables alone: ours hold tokens, keys and passwords.
    pub(crate) fn apply(self, command: &mut Command) {
        let has = |name: &OsStr| match self {
            Self::Bare => is_bare(name),
            Self::Users => is_users(name),
            Self::Ssh => is_for_ssh(name),
            Self::SshOfUser => is_for_ssh(name) || name == "SSH_AUTH_SOCK",
        };
        command.env_clear();
        command.envs(std::env::vars_os().filter(|(name, _)| has(name)));
        if self == Self::Bare {
            command.env("LC_ALL", "C");
        }
    }
}

/// A program in `PATH` or in the system folders.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    find(name, std::env::var_os("PATH").as_deref())
}

/// The same for a program that runs as root: the user's own `PATH` comes last.
pub(crate) fn find_for_root(name: &str) -> Option<PathBuf> {
    find(name, None).or_else(|| find_program(name))
}

fn find(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let of_user = path.map(std::env::split_paths).into_iter().flatten();
    of_user
        .chain(SYSTEM_FOLDERS.map(PathBuf::from))
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

/// Whether somebody may start this file.
pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn is_bare(name: &OsStr) -> bool {
    const NAMES: [&str; 6] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "XDG_RUNTIME_DIR"];
    name.to_str()
        .is_some_and(|name| NAMES.contains(&name) || name.starts_with("DOCKER_"))
}

fn is_for_ssh(name: &OsStr) -> bool {
    ["PATH", "HOME", "USER", "LANG"]
        .iter()
        .any(|kept| name == *kept)
}

fn is_users(name: &OsStr) -> bool {
    const OURS: [&str; 4] = ["PCT_DEPLOY_", "INPUT_", "GITHUB_", "ACTIONS_"];
    let name = name.to_ascii_uppercase();
    !OURS
        .iter()
        .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_stays_ours() {
        assert!(!is_users("INPUT_SSH-KEY".as_ref()));
        assert!(!is_users("pct_deploy_ssh_key".as_ref()));
        assert!(is_users("DB_PASSWORD".as_ref()));
        assert!(is_bare("DOCKER_HOST".as_ref()));
    }

    #[test]
    fn programs_are_found_beside_the_path() {
        assert_eq!(
            find("sh", None).and_then(|path| path.file_name().map(Into::into)),
            Some(PathBuf::from("sh"))
        );
        assert_eq!(
            find("sh", Some("relative".as_ref())).map(|path| path.is_absolute()),
            Some(true)
        );
    }
}

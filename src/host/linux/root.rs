//! What needs root: `sudo -n`, or nothing when we are root.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::{HostError, Trouble};
use super::super::{HostResult, Owner};
use super::process::Program;
use super::replace::sync_folder;
use super::sudoers::{Replacing, RootCommand};
use crate::clients::environment::find_for_root;

/// sudo may ask a directory server who we are.
pub(super) const SUDO_DEADLINE: Duration = Duration::from_secs(15);

/// A program that runs as root.
pub(super) fn program(name: &str, doing: &str) -> HostResult<Program> {
    let program = match find_for_root(name) {
        Some(path) => Program::at(path, name, doing),
        None => Program::find(name, doing)?,
    };
    if is_root() {
        Ok(program)
    } else {
        program.under_sudo()
    }
}

/// Whether sudo runs whatever we ask, without a password.
pub(super) async fn runs_everything() -> HostResult<()> {
    let sudo = Program::find("sudo", "act as root")?.args(["-n", "true"]);
    sudo.deadline(SUDO_DEADLINE).finish().await
}

/// The file that we were started from. When it is gone, which it is not while the agents are kept as they should be, the
/// kernel still has it.
pub(super) fn own_program() -> HostResult<PathBuf> {
    let own =
        std::env::current_exe().map_err(|error| HostError::io("find our own program", error))?;
    if own.exists() {
        return Ok(own);
    }
    Ok(PathBuf::from(format!("/proc/{}/exe", std::process::id())))
}

/// Whether a file is in our own folder and our own itself: root writes nothing where we can.
pub(super) fn is_our_own(path: &Path) -> bool {
    let own = |path: &Path| {
        let facts = path.metadata().ok()?;
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        Some((facts.uid(), facts.gid()) == (user.as_raw(), group.as_raw()))
    };
    let Ok(path) = path.canonicalize() else {
        return false;
    };
    own(&path) == Some(true) && path.parent().and_then(own) == Some(true)
}

/// Replaces a file of root's, as [`super::replace`] does one of ours.
pub(super) async fn replace(path: &Path, bytes: &[u8], mode: u32) -> HostResult<()> {
    let doing = format!("replace `{}` as root", path.display());
    // A link stays a link.
    let (path, begin) = match path.canonicalize() {
        Ok(real) => {
            let begin = Replacing::new(&real).copy;
            (real, begin)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            (path.to_owned(), Replacing::new(path).make(mode))
        }
        Err(error) => return Err(HostError::io(doing, error)),
    };
    let replacing = Replacing::new(&path);
    let steps = async {
        run(&begin, &doing, &[]).await?;
        run(&replacing.fill, &doing, bytes).await?;
        run(&replacing.rename, &doing, &[]).await
    };
    if let Err(error) = steps.await {
        // The first error is the one to tell.
        drop(run(&replacing.remove, &doing, &[]).await);
        return Err(error);
    }
    sync_folder_of(&path, &doing).await
}

async fn run(command: &RootCommand, doing: &str, input: &[u8]) -> HostResult<()> {
    let program = command.program(doing)?.feed(input);
    program.finish().await.map_err(|mut error| {
        if let Some(trouble) = trouble_of(error.output_lines()) {
            error.trouble = trouble;
        }
        error
    })
}

/// Removes a file of root's; the folder is synced.
pub(super) async fn remove(path: &Path) -> HostResult<()> {
    let doing = format!("remove `{}` as root", path.display());
    let rm = program("rm", &doing)?.args(["-f", "--"]).args([path]);
    rm.deadline(SUDO_DEADLINE).finish().await?;
    sync_folder_of(path, &doing).await
}

/// Whoever may read a folder may sync it.
async fn sync_folder_of(path: &Path, doing: &str) -> HostResult<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    match sync_folder(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let sync = program("sync", doing)?
                .args([folder])
                .deadline(SUDO_DEADLINE);
            sync.finish().await
        }
        other => other.map_err(|error| HostError::io(doing, error)),
    }
}

/// Empties a file of somebody else's in place.
pub(super) async fn empty(path: &Path) -> HostResult<()> {
    let doing = format!("empty `{}` as root", path.display());
    let empty = program("truncate", &doing)?
        .args(["-s", "0", "--"])
        .args([path]);
    empty.deadline(SUDO_DEADLINE).finish().await
}

/// Copies a file with its mode, its owner and its times: no more people can read the copy than the file.
pub(super) async fn keep_copy(from: &Path, to: &Path, owner: Owner) -> HostResult<()> {
    let doing = format!("copy `{}`", from.display());
    let copy = match owner {
        Owner::Us => Program::find("cp", &doing)?,
        Owner::Root => program("cp", &doing)?,
    };
    let copy = copy.args(["-p", "--"]).args([from, to]);
    copy.deadline(SUDO_DEADLINE).finish().await
}

/// Makes a folder that we own in a place that we do not.
pub(super) async fn make_folder(path: &Path) -> HostResult<()> {
    let doing = format!("make the folder `{}` as root", path.display());
    let user = rustix::process::geteuid().as_raw().to_string();
    let group = rustix::process::getegid().as_raw().to_string();
    let install = program("install", &doing)?
        .args(["-d", "-m", "0755", "-o", &user, "-g", &group, "--"])
        .args([path]);
    install.deadline(SUDO_DEADLINE).finish().await
}

/// Makes a folder that root owns.
pub(super) async fn make_own_folder(path: &Path) -> HostResult<()> {
    let doing = format!("make the folder `{}` as root", path.display());
    let install = program("install", &doing)?
        .args(["-d", "-m", "0755", "--"])
        .args([path]);
    install.deadline(SUDO_DEADLINE).finish().await
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What the programs of the system say of the operating system's errors.
fn trouble_of(output: &[String]) -> Option<Trouble> {
    let says = |words: &str| output.iter().any(|line| line.contains(words));
    if says("No space left on device") || says("Disk quota exceeded") {
        Some(Trouble::DiskFull)
    } else if says("Permission denied")
        || says("Operation not permitted")
        || says("Read-only file system")
    {
        Some(Trouble::Denied)
    } else if says("No such file or directory") {
        Some(Trouble::Missing)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn no_more_people_can_read_a_copy_than_the_file() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o640, 0o755] {
            let (from, to) = (folder.path().join("file"), folder.path().join("copy"));
            std::fs::write(&from, "secret").unwrap();
            std::fs::set_permissions(&from, std::fs::Permissions::from_mode(mode)).unwrap();
            keep_copy(&from, &to, Owner::Us).await.unwrap();
            let copied = to.metadata().unwrap();
            assert_eq!(copied.permissions().mode() & 0o7777, mode);
            assert_eq!(
                copied.modified().unwrap(),
                from.metadata().unwrap().modified().unwrap()
            );
            assert_eq!(std::fs::read(&to).unwrap(), b"secret");
        }
    }

    #[test]
    fn a_file_is_ours_when_it_and_its_folder_are() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        assert!(!is_our_own(&file));
        std::fs::write(&file, "").unwrap();
        assert!(is_our_own(&file));
        std::os::unix::fs::symlink("/proc/version", &link).unwrap();
        let is_root = is_root();
        assert_eq!(is_our_own(&link), is_root, "what a link names counts");
    }

    #[test]
    fn a_full_disk_is_told_through_sudo() {
        let line = "dd: error writing '/etc/x': No space left on device".to_owned();
        assert_eq!(trouble_of(&[line]), Some(Trouble::DiskFull));
        assert_eq!(trouble_of(&["something else".to_owned()]), None);
    }
}

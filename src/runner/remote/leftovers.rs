//! What must not outlive a run: the folder with the private key, and the `ssh` that is logged in with it.
//!
//! The run takes them down itself. Two ends know nothing of that: [`clear`] is for one on the spot (a second
//! signal), [`sweep`] finds what a killed run left. A folder is in use as long as somebody holds its lock, which
//! the kernel frees when its holder dies.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, getuid, kill_process_group};
use tokio::process::Command;

use crate::clients::environment::Environment;

/// What a folder's name begins with.
pub(super) const PREFIX: &str = "pct-";
/// The file whose lock says that the folder is in use.
const OWNER: &str = "owner";
/// A younger folder may not have its lock yet.
const YOUNG: Duration = Duration::from_secs(60);
/// For an `ssh` to hear over its socket that it should end.
const HANDOVER: Duration = Duration::from_secs(2);

static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn all<T>(of: &'static Mutex<BTreeSet<T>>) -> MutexGuard<'static, BTreeSet<T>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder in use, until this is dropped.
#[derive(Debug)]
pub(super) struct InUse {
    folder: PathBuf,
    _lock: File,
}

impl InUse {
    pub(super) fn mark(folder: &Path) -> io::Result<Self> {
        let lock = File::create_new(folder.join(OWNER))?;
        lock.try_lock()?;
        all(&FOLDERS).insert(folder.to_owned());
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
        })
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        all(&FOLDERS).remove(&self.folder);
    }
}

/// A process with a group of its own, until this is dropped.
#[derive(Debug)]
pub(super) struct Running(i32);

impl Running {
    pub(super) fn mark(process: Option<u32>) -> Self {
        let group = process.and_then(|id| i32::try_from(id).ok()).unwrap_or(0);
        if group > 0 {
            all(&GROUPS).insert(group);
        }
        Self(group)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        all(&GROUPS).remove(&self.0);
    }
}

/// Ends every `ssh` of ours and removes every key, for a process that ends wherever it is.
pub(in crate::runner) fn clear() {
    for group in all(&GROUPS).iter() {
        if let Some(group) = Pid::from_raw(*group) {
            // It may have ended by itself.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
    for folder in all(&FOLDERS).iter() {
        fs::remove_dir_all(folder).ok();
    }
}

/// Removes what runs left behind in `parent` that nobody could clear up after. What cannot be read is left.
pub(super) fn sweep(parent: &Path) {
    for folder in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = folder.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours && is_stale(&folder.path()).is_some_and(|stale| stale) {
            let folder = folder.path();
            tracing::debug!(folder = %folder.display(), "removing what a killed run left");
            hang_up(&folder);
            fs::remove_dir_all(&folder).ok();
        }
    }
}

/// Ours, old enough, and locked by nobody; `None` when that cannot be told.
fn is_stale(folder: &Path) -> Option<bool> {
    let meta = fs::symlink_metadata(folder).ok()?;
    if !meta.is_dir() || meta.uid() != getuid().as_raw() || meta.mode() & 0o777 != 0o700 {
        return None;
    }
    let owner = File::open(folder.join(OWNER)).ok()?;
    let made = owner.metadata().and_then(|owner| owner.modified()).ok()?;
    let is_old = SystemTime::now()
        .duration_since(made)
        .is_ok_and(|age| age > YOUNG);
    match owner.try_lock() {
        Ok(()) => Some(is_old),
        Err(TryLockError::WouldBlock) => Some(false),
        Err(TryLockError::Error(_)) => None,
    }
}

/// Asks every `ssh` that listens in a folder to end.
fn hang_up(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let socket = file.path();
        if socket.extension().is_none_or(|end| end != "sock") {
            continue;
        }
        let mut command = Command::new("ssh");
        command
            .args(["-F", "none", "-O", "exit", "-S"])
            .arg(&socket)
            .arg("none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Environment::Ssh.apply(&mut command);
        let Ok(mut asked) = command.as_std_mut().spawn() else {
            continue;
        };
        let deadline = Instant::now() + HANDOVER;
        while Instant::now() < deadline && asked.try_wait().is_ok_and(|status| status.is_none()) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Ended already, most of the time.
        asked.kill().ok();
        asked.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn folder(parent: &Path, name: &str) -> PathBuf {
        let folder = parent.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(folder.join("key"), "k").unwrap();
        folder
    }

    fn age(folder: &Path) {
        let owner = File::open(folder.join(OWNER)).unwrap();
        let old = SystemTime::now() - 2 * YOUNG;
        owner.set_modified(old).unwrap();
    }

    #[test]
    fn only_an_old_folder_that_nobody_holds_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let held = folder(parent.path(), "pct-held");
        let in_use = InUse::mark(&held).unwrap();
        age(&held);
        let young = folder(parent.path(), "pct-young");
        drop(InUse::mark(&young).unwrap());
        let stale = folder(parent.path(), "pct-stale");
        drop(InUse::mark(&stale).unwrap());
        age(&stale);
        let strange = folder(parent.path(), "pct-strange");
        let other = folder(parent.path(), "other");
        drop(InUse::mark(&other).unwrap());
        age(&other);
        sweep(parent.path());
        assert!(!stale.exists());
        for kept in [&held, &young, &strange, &other] {
            assert!(kept.join("key").exists(), "{}", kept.display());
        }
        drop(in_use);
        sweep(parent.path());
        assert!(!held.exists());
    }

    #[test]
    fn what_is_no_longer_in_use_is_not_remembered() {
        let parent = tempfile::tempdir().unwrap();
        let one = folder(parent.path(), "pct-one");
        let in_use = InUse::mark(&one).unwrap();
        assert!(all(&FOLDERS).contains(&one));
        drop(in_use);
        assert!(!all(&FOLDERS).contains(&one));
        let running = Running::mark(Some(4_194_305));
        assert!(all(&GROUPS).contains(&4_194_305));
        drop(running);
        assert!(!all(&GROUPS).contains(&4_194_305));
    }
}

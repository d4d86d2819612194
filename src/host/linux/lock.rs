//! The lock: one file that is never replaced and never removed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::super::error::HostError;
use super::super::{Held, HostResult, LockAttempt};

/// What we read of another holder's note.
const LONGEST_HOLDER: u64 = 4096;

/// The lock file, held while it is open.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl Held for FileLock {}

pub(super) fn try_lock(path: &Path, holder: &str) -> HostResult<LockAttempt<FileLock>> {
    let attempt = || {
        let mut options = OpenOptions::new();
        // Never truncated on opening: what is in it is the holder's.
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {
                // A courtesy to those who wait: a full disk stops nobody. Over the old note first, which needs no room.
                if !holder.is_empty() && note(&mut file, holder).is_err() {
                    drop(file.set_len(0));
                }
                // The programs that we start hold it with us: were we killed in the middle of
                // `compose up`, the next agent must wait for it to end before it cleans up.
                rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
                Ok(LockAttempt::Taken(FileLock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut note = Vec::new();
                file.take(LONGEST_HOLDER).read_to_end(&mut note)?;
                Ok(LockAttempt::HeldBy(
                    String::from_utf8_lossy(&note).trim().to_owned(),
                ))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    };
    attempt().map_err(|error: std::io::Error| {
        HostError::io(format!("take the lock `{}`", path.display()), error)
    })
}

fn note(file: &mut File, holder: &str) -> std::io::Result<()> {
    file.write_all(holder.as_bytes())?;
    file.set_len(holder.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_names_its_holder_and_is_freed_with_its_guard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let taken = try_lock(&path, "deploy 1 by a person with a long name").unwrap();
        assert!(matches!(taken, LockAttempt::Taken(_)));
        match try_lock(&path, "deploy 2").unwrap() {
            LockAttempt::HeldBy(who) => assert!(who.starts_with("deploy 1")),
            LockAttempt::Taken(_) => panic!("taken twice"),
        }
        drop(taken);
        assert!(matches!(
            try_lock(&path, "deploy 3").unwrap(),
            LockAttempt::Taken(_)
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"deploy 3");
    }
}

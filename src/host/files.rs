//! Files and folders. Paths are absolute.

use std::path::{Path, PathBuf};

use super::HostResult;
use super::facts::Inodes;

/// Whose file it is, and so with whose rights it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The user the agent runs as.
    Us,
    /// Root; `sudo -n` is used unless we are root.
    Root,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Mode 0644.
    Public,
    /// Mode 0600.
    Private,
}

/// How sure an append must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// In the page cache: survives our death, not a power cut.
    Written,
    /// Synced with its folder entry: survives a power cut.
    Synced,
}

/// An exclusive hold on a file, freed when it is dropped or its process dies.
pub trait Held: std::fmt::Debug {}

/// What an attempt to take the lock gave.
#[derive(Debug)]
pub enum LockAttempt<L> {
    Taken(L),
    /// Someone else does; what they wrote down about themselves.
    HeldBy(String),
}

/// Reads and writes files. A write happens whole or not at all, and survives a power cut once it has returned, unless its
/// comment says otherwise; an error means that what was there is still there.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Files {
    type Lock: Held;

    /// The bytes of a file, `None` when it does not exist.
    async fn read(&self, path: &Path) -> HostResult<Option<Vec<u8>>>;
    /// Replaces a file whole or not at all: temp file, fsync, rename, fsync of the folder.
    /// An existing file keeps its mode and owner.
    async fn replace(
        &self,
        path: &Path,
        bytes: &[u8],
        owner: Owner,
        access: Access,
    ) -> HostResult<()>;
    /// Replaces a file of ours whole or not at all, in the room of another one, `spare`: that one is overwritten in place,
    /// cut, synced and renamed. Needs no room on the disk; an error when `spare` is not there or too short.
    async fn replace_with(&self, spare: &Path, path: &Path, bytes: &[u8]) -> HostResult<()>;
    /// Removes a file and syncs its folder; a missing file is fine.
    async fn remove(&self, path: &Path, owner: Owner) -> HostResult<()>;
    /// Copies a file into a folder of ours with its mode, its owner and its times.
    async fn keep_copy(&self, from: &Path, to: &Path, owner: Owner) -> HostResult<()>;
    /// Renames a file of ours within its file system and syncs both folders: whole or not at all.
    async fn rename(&self, from: &Path, to: &Path) -> HostResult<()>;
    /// Adds bytes at the end of a file of ours, which is made when missing.
    async fn append(&self, path: &Path, bytes: &[u8], durability: Durability) -> HostResult<()>;
    /// At most `most` bytes of a file from byte `from` on; none when it does not exist or is shorter.
    async fn read_from(&self, path: &Path, from: u64, most: usize) -> HostResult<Vec<u8>>;
    /// When a file was last written, in milliseconds since the Unix epoch; `None` when it does not exist.
    async fn written_ms(&self, path: &Path) -> HostResult<Option<u64>>;
    /// Empties a file of ours in place, so that a program that appends to it goes on; a missing file is made.
    async fn empty(&self, path: &Path) -> HostResult<()>;
    /// Makes a folder of ours with its parents, mode 0755, and syncs; an existing one is fine.
    async fn make_folder(&self, path: &Path) -> HostResult<()>;
    /// Takes a folder of ours from everybody but us and root: mode 0700.
    async fn make_private(&self, path: &Path) -> HostResult<()>;
    /// Makes a folder of root's with its parents, mode 0755; an existing one is fine.
    async fn make_root_folder(&self, path: &Path) -> HostResult<()>;
    /// The names in a folder, sorted; empty when it does not exist.
    async fn list(&self, path: &Path) -> HostResult<Vec<String>>;
    /// Bytes that we may still write to the file system of `path`.
    async fn free_bytes(&self, path: &Path) -> HostResult<u64>;
    /// The inodes of the file system of `path`.
    async fn inodes(&self, path: &Path) -> HostResult<Inodes>;
    /// Tries once to take the lock file and notes `holder` in it (`flock`, exclusive).
    async fn try_lock(&self, path: &Path, holder: &str) -> HostResult<LockAttempt<Self::Lock>>;
    /// An absolute, link-free form of a path; relative ones start at the user's home.
    async fn resolve(&self, path: &str) -> HostResult<PathBuf>;
}

//! The machine and our standing on it.

use std::path::{Path, PathBuf};

use super::HostResult;
use super::facts::MachineFacts;

/// What of a deploy is root's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootWork {
    /// To read what nginx obeys, which any deploy begins with.
    Read,
    /// All of one by the flag.
    Flag,
    /// All of one by this include and a reload.
    Reload(PathBuf),
    /// All of one by this include and an nginx in a container, which Docker reloads.
    Include(PathBuf),
}

/// Says who we are here, has root do what only root may, and tells what the kernel knows of memory. Nothing waits for a
/// password: what would need one is an error.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Machine {
    async fn user(&self) -> HostResult<String>;
    /// The file that this program was started from.
    async fn own_program(&self) -> HostResult<PathBuf>;
    /// Has the link name the program that we are, unless it does: whole or not at all.
    async fn become_current(&self, link: &Path) -> HostResult<()>;
    /// Has systemd read its files, start `enable` at every boot, `start` at every boot and now, and have `reload` read theirs.
    async fn load_units(&self, enable: &[&str], start: &[&str], reload: &[&str]) -> HostResult<()>;
    /// Whether all that needs root will work without a password.
    async fn can_act_as_root(&self) -> HostResult<()>;
    /// Whether this will, where not everything may.
    async fn may_as_root(&self, work: &RootWork) -> HostResult<()>;
    /// The line of `sudoers` that allows it to us; `None` when we are root.
    async fn sudoers_line(&self, work: &RootWork) -> HostResult<Option<String>>;
    /// Bytes that nobody can guess.
    async fn random(&self) -> HostResult<[u8; 32]>;
    /// Kernel, processor and memory, now.
    async fn condition(&self) -> HostResult<MachineFacts>;
    /// The peak of our own resident memory, in bytes.
    async fn memory_peak(&self) -> HostResult<u64>;
    /// The peak of memory, in bytes, of the control group that process `pid` is in; `None` when it does not tell.
    async fn group_memory_peak(&self, pid: u32) -> Option<u64>;
    /// How many processes of the control group that process `pid` is in the kernel has killed for lack of memory; `None` when it
    /// does not tell.
    async fn group_oom_kills(&self, pid: u32) -> Option<u64>;
}

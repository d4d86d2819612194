//! The effect seam of the host side: the agent decides, a [`Host`] does.
//!
//! Every verb is atomic as its comment says, few, and typed, so that a simulated host never parses
//! an argument list. [`linux`] is the real one; [`compose`] and [`nginx`] are pure functions
//! between files and values.

pub mod compose;
pub mod error;
pub mod facts;
pub mod linux;
pub mod masking;
pub mod nginx;
pub mod overlay;
pub mod release;
#[cfg(test)]
pub(crate) mod sim;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::protocol::ids::{PinnedImage, Repository, ServiceName};
use crate::protocol::slot::PerSlot;
use crate::protocol::wire::RegistryLogin;
use error::HostError;
use facts::{
    Arrivals, Asked, ComposeProject, ComposeTool, ContainerFacts, DockerFacts, ImageFacts,
    Incident, Loaded, Probe, ProbeAnswer, PullProgress, WorkerId,
};

/// What every verb returns.
pub type HostResult<T> = Result<T, HostError>;

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
    /// We hold it.
    Taken(L),
    /// Someone else does; what they wrote down about themselves.
    HeldBy(String),
}

/// A sink for the untrusted lines that a program prints.
pub type OnLine<'a> = &'a mut (dyn FnMut(&str) + 'a);

/// Everything the agent can do to the world.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Host {
    /// The lock guard.
    type Lock: Held;
    /// A kept-alive connection; a new one is not open yet.
    type Line: Default + std::fmt::Debug;

    // Files. Paths are absolute.

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
    /// The names in a folder, sorted; empty when it does not exist.
    async fn list(&self, path: &Path) -> HostResult<Vec<String>>;
    /// Bytes that we may still write to the file system of `path`.
    async fn free_bytes(&self, path: &Path) -> HostResult<u64>;
    /// Tries once to take the lock file and notes `holder` in it (`flock`, exclusive).
    async fn try_lock(&self, path: &Path, holder: &str) -> HostResult<LockAttempt<Self::Lock>>;
    /// An absolute, link-free form of a path; relative ones start at the user's home.
    async fn resolve(&self, path: &str) -> HostResult<std::path::PathBuf>;
    /// The name of the user we are.
    async fn user(&self) -> HostResult<String>;
    /// The file that this program was started from.
    async fn own_program(&self) -> HostResult<std::path::PathBuf>;
    /// Has the link name the program that we are, unless it does: whole or not at all.
    async fn become_current(&self, link: &Path) -> HostResult<()>;
    /// Makes a folder of root's with its parents, mode 0755; an existing one is fine.
    async fn make_root_folder(&self, path: &Path) -> HostResult<()>;
    /// Has systemd read its files, start `enable` at every boot, `start` at every boot and now, and have `reload` read theirs.
    async fn load_units(&self, enable: &[&str], start: &[&str], reload: &[&str]) -> HostResult<()>;
    /// Whether what needs root will work without a password.
    async fn can_act_as_root(&self) -> HostResult<()>;

    /// Bytes that nobody can guess.
    async fn random(&self) -> HostResult<[u8; 32]>;

    // Docker.

    /// Facts about the engine; an error when it cannot be used.
    async fn docker(&self) -> HostResult<DockerFacts>;
    /// Which compose is installed; an error when none is.
    async fn compose(&self) -> HostResult<ComposeTool>;
    /// The compose file as compose itself understands it, YAML.
    async fn compose_config(&self, project: &ComposeProject) -> HostResult<String>;
    /// Starts services, detached, without what they depend on; `fresh` ones are made anew.
    async fn compose_up(
        &self,
        project: &ComposeProject,
        services: &[ServiceName],
        start: Start,
        on_line: OnLine<'_>,
    ) -> HostResult<()>;
    /// Starts the container of a service as it is; an error when there is none. One that runs is fine.
    async fn container_start(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()>;
    /// SIGTERM, then SIGKILL after `grace`; the container stays, and stays down when the engine or the machine starts again.
    async fn compose_stop(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
        grace: Duration,
    ) -> HostResult<()>;
    /// Removes a service's container, running or not; none is fine.
    async fn compose_remove(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()>;
    /// The container of a service, `None` when there is none.
    async fn container(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Option<ContainerFacts>>;
    /// What befell a container since `since_ms` (host time), oldest first. Does not wait.
    async fn incidents(&self, container: &str, since_ms: u64) -> HostResult<Vec<Incident>>;
    /// The last lines that a container printed, oldest first, without the secrets of its environment. Untrusted.
    async fn container_log(&self, container: &str, lines: u16) -> HostResult<Vec<String>>;
    /// Facts about a local image, `None` when it is not there.
    async fn image(&self, image: &PinnedImage) -> HostResult<Option<ImageFacts>>;
    /// Every local image of a repository that has a digest.
    async fn images_of(&self, repository: &Repository) -> HostResult<Vec<PinnedImage>>;
    /// Downloads an image by digest; credentials go into the API call alone.
    async fn pull(
        &self,
        image: &PinnedImage,
        login: Option<&RegistryLogin>,
        on_progress: &mut dyn FnMut(PullProgress),
    ) -> HostResult<()>;
    /// Removes a local image; one that is in use or gone is fine.
    async fn remove_image(&self, image: &PinnedImage) -> HostResult<()>;

    // nginx.

    /// The whole configuration that nginx would load now, as `nginx -T` prints it.
    async fn nginx_config(&self) -> HostResult<String>;
    /// Whether nginx accepts the configuration on disk.
    async fn nginx_test(&self) -> HostResult<()>;
    /// Asks nginx to load the configuration on disk; returns before it has.
    async fn nginx_reload(&self) -> HostResult<()>;
    /// Whether nginx has loaded this file as it is now: no worker that accepts is older than its last change.
    async fn nginx_loaded(&self, path: &Path) -> HostResult<Loaded>;
    /// The worker processes that accept new connections, sorted; none when nginx does not run.
    async fn nginx_workers(&self) -> HostResult<Vec<WorkerId>>;

    /// The version of nginx, as `1.26.3`.
    async fn nginx_version(&self) -> HostResult<String>;

    // Network and time.

    /// One plain HTTP/1.1 GET on a fresh connection.
    async fn probe(&self, probe: &Probe) -> ProbeAnswer;
    /// The body of an answer with status 200 to one plain HTTP/1.1 GET, its first bytes as text without white space
    /// around them; `None` for any other end.
    async fn text(&self, probe: &Probe) -> Option<String>;
    /// One GET on a connection that is kept alive between calls and opened anew when the server has closed it.
    async fn ask(&self, line: &mut Self::Line, probe: &Probe) -> Asked;
    /// Whether something accepts TCP connections at `address` within a second.
    async fn accepts(&self, address: SocketAddr) -> bool;
    /// Whether anything listens for TCP connections from outside in the network of process `pid`.
    async fn listens(&self, pid: u32) -> bool;
    /// Established connections from this host to exactly this address and port.
    async fn connections_to(&self, address: SocketAddr) -> HostResult<u32>;
    /// The local ports of the established connections from this host to each of two addresses, one look for both.
    async fn ports_to(&self, addresses: &PerSlot<SocketAddr>)
    -> HostResult<PerSlot<BTreeSet<u16>>>;
    /// How many connections to exactly this address and port ended in the last seconds, a second; and the round trip
    /// to the clients of `listeners` as the kernel measures it.
    async fn arrivals(&self, address: SocketAddr, listeners: &[u16]) -> HostResult<Arrivals>;
    /// The peak of our own resident memory, in bytes.
    async fn memory_peak(&self) -> HostResult<u64>;
    /// The peak of memory, in bytes, of the control group that process `pid` is in; `None` when it does not tell.
    async fn group_memory_peak(&self, pid: u32) -> Option<u64>;
    /// How many processes of the control group that process `pid` is in the kernel has killed for lack of memory; `None` when it
    /// does not tell.
    async fn group_oom_kills(&self, pid: u32) -> Option<u64>;
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
    /// Milliseconds of a clock that never jumps, for durations.
    fn elapsed_ms(&self) -> u64;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// How `compose_up` treats a container that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Keep it when its settings did not change.
    Keep,
    /// Make a new one.
    Fresh,
}

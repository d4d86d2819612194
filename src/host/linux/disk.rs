//! What waits for a disk, beside everything else: a slow one must not stop the probes.

use super::super::error::{HostError, Trouble};
use super::super::{Access, HostResult};

/// Runs it on a thread of its own.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> HostResult<T> + Send + 'static,
) -> HostResult<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(HostError::new(Trouble::Other, "use the disk").because(error)),
    }
}

/// The mode of a new file.
pub(super) fn mode(access: Access) -> u32 {
    match access {
        Access::Public => 0o644,
        Access::Private => 0o600,
    }
}

//! nginx.

use std::path::Path;

use super::HostResult;
use super::facts::{Loaded, WorkerId};

/// Reads the configuration of the host's nginx and has it loaded. Files are written elsewhere, and nothing here waits for a
/// reload to be over.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Proxy {
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
}

//! nginx.

use std::path::Path;

use super::HostResult;
use super::facts::{Loaded, WorkerId};
use super::nginx::{NginxAt, NginxPlace, OutOfReach};

/// Finds an nginx, on the host or in a container, reads its configuration and has it loaded. Files are written elsewhere,
/// and nothing here waits for a reload to be over.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Proxy {
    /// The nginx that obeys `include`: the host's own when it runs, else one in a container. `include` is a path of the
    /// host or of the container.
    async fn nginx_place(&self, include: &str) -> HostResult<Result<NginxPlace, OutOfReach>>;
    /// A process in the network of an nginx that has one of its own; `None` for that of the host.
    async fn nginx_network(&self, at: &NginxAt) -> HostResult<Option<u32>>;
    /// The whole configuration that nginx would load now, as `nginx -T` prints it.
    async fn nginx_config(&self, at: &NginxAt) -> HostResult<String>;
    /// Whether nginx accepts the configuration on disk.
    async fn nginx_test(&self, at: &NginxAt) -> HostResult<()>;
    /// Asks nginx to load the configuration on disk; returns before it has.
    async fn nginx_reload(&self, at: &NginxAt) -> HostResult<()>;
    /// Whether nginx has loaded this file as it is now: no worker that accepts is older than its last change.
    async fn nginx_loaded(&self, at: &NginxAt, path: &Path) -> HostResult<Loaded>;
    /// The worker processes that accept new connections, sorted; none when nginx does not run.
    async fn nginx_workers(&self, at: &NginxAt) -> HostResult<Vec<WorkerId>>;
    /// The version of nginx, as `1.26.3`.
    async fn nginx_version(&self, at: &NginxAt) -> HostResult<String>;
}

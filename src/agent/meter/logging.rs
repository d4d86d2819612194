//! Has nginx write a line for each request, and stop again.

use crate::agent::paths::AppPaths;
use crate::host::{Durability, Host, HostResult, Owner};

/// Has nginx log every request, from an empty file on. Who finds it logging leaves it at that.
pub(in crate::agent) async fn start_logging<H: Host>(host: &H, paths: &AppPaths) {
    if let Ok(None) = host.read(&paths.measure()).await {
        drop(host.empty(&paths.traffic_log()).await);
        let measure = paths.measure();
        drop(host.append(&measure, b"", Durability::Written).await);
    }
}

/// Has nginx log no more, whoever had it begin. Until then a swap is not over: the log grows with every request.
pub(in crate::agent) async fn stop_logging<H: Host>(host: &H, paths: &AppPaths) -> HostResult<()> {
    match host.read(&paths.measure()).await? {
        Some(_) => host.remove(&paths.measure(), Owner::Us).await,
        None => Ok(()),
    }
}

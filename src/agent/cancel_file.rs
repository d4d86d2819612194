//! The cancel file: any connection can make it, the run looks for it, and it goes when the run is over.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::paths::AppPaths;
use crate::host::{Access, Host, Owner};
use crate::protocol::wire::Request;

/// How often it is looked whether somebody asked for an end.
const POLL: Duration = Duration::from_millis(200);
/// The pause before a cancel that could not be written is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// No run waits for longer and is still cancelled: `lock-wait` is a day at most.
const STALE_MS: u64 = 25 * 60 * 60 * 1000;

/// Where whoever carries out what a request is about looks for a cancel.
pub(super) fn of(request: &Request) -> Option<PathBuf> {
    match request {
        Request::Swap { plan, .. } => Some(AppPaths::new(&plan.site.app).cancel(&plan.deployment)),
        Request::Follow {
            app, deployment, ..
        } => Some(AppPaths::new(app).cancel(deployment)),
        _ => None,
    }
}

/// Makes the file, however often it takes: the disk may be full for a while, and the folder of a new app is made when
/// its checks have passed. A run that is refused leaves neither behind.
pub(super) async fn pass_on<H: Host>(host: &H, flag: &Path) {
    while host
        .replace(flag, b"", Owner::Us, Access::Public)
        .await
        .is_err()
    {
        host.sleep(TRY_AGAIN).await;
    }
}

/// Returns when the file is there.
pub(super) async fn watch<H: Host>(host: &H, flag: &Path, cancel: &Cell<bool>) {
    while !matches!(host.read(flag).await, Ok(Some(_))) {
        host.sleep(POLL).await;
    }
    cancel.set(true);
}

/// The run is over: a cancel that came too late is for nobody.
pub(super) async fn forget<H: Host>(host: &H, flag: &Path) {
    drop(host.remove(flag, Owner::Us).await);
}

/// Removes what was left by connections that died with the cancel of a run that was over, or never began.
pub(super) async fn sweep<H: Host>(host: &H, paths: &AppPaths) {
    let names = host.list(&paths.folder()).await.unwrap_or_default();
    for name in names.iter().filter(|name| name.starts_with("cancel-")) {
        let file = paths.folder().join(name);
        if let Ok(Some(written)) = host.written_ms(&file).await
            && host.now_ms().abs_diff(written) > STALE_MS
        {
            forget(host, &file).await;
        }
    }
}

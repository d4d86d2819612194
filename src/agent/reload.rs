//! Has nginx load what is on disk, and waits until it has.

use std::time::Duration;

use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::{Clock, HostResult, Proxy};

const DEADLINE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(10);

/// Tests, reloads, and waits until every worker that accepts connections began after the reload.
pub(super) async fn reload<P: Proxy + Clock>(host: &P) -> StepResult<()> {
    let before = during(host.nginx_workers().await)?;
    during(host.nginx_test().await)?;
    during(host.nginx_reload().await)?;
    let wait = Wait::new(host, DEADLINE, POLL);
    loop {
        let now = during(host.nginx_workers().await)?;
        if !now.is_empty() && now.iter().all(|worker| !before.contains(worker)) {
            return Ok(());
        }
        if !wait.goes_on().await {
            return Err(Failure::new(
                Reason::SwitchFailed,
                format!(
                    "nginx did not load its new configuration within {} s",
                    DEADLINE.as_secs()
                ),
            )
            .hint(
                "look at `sudo systemctl status nginx` and /var/log/nginx/error.log on the host",
            ));
        }
    }
}

/// nginx could not be asked, or refused.
pub(super) fn during<T>(done: HostResult<T>) -> StepResult<T> {
    done.during(
        Reason::SwitchFailed,
        "nginx cannot be made to load its configuration",
    )
    .hint("run `sudo nginx -t` on the host and fix what it reports")
}

//! Has nginx load what is on disk, and waits until it has.

use std::time::Duration;

use super::failure::{StepError, StepResult};
use crate::error::Reason;
use crate::host::error::HostError;
use crate::host::{Clock, Proxy};

const DEADLINE_MS: u64 = 15_000;
const POLL: Duration = Duration::from_millis(10);

/// Tests, reloads, and waits until every worker that accepts connections began after the reload.
pub(super) async fn reload<P: Proxy + Clock>(host: &P) -> StepResult<()> {
    let before = host.nginx_workers().await.map_err(|error| failed(&error))?;
    host.nginx_test().await.map_err(|error| failed(&error))?;
    host.nginx_reload().await.map_err(|error| failed(&error))?;
    let began = host.elapsed_ms();
    loop {
        let now = host.nginx_workers().await.map_err(|error| failed(&error))?;
        if !now.is_empty() && now.iter().all(|worker| !before.contains(worker)) {
            return Ok(());
        }
        if host.elapsed_ms().saturating_sub(began) >= DEADLINE_MS {
            return Err(StepError::new(
                Reason::SwitchFailed,
                format!(
                    "nginx did not load its new configuration within {} s",
                    DEADLINE_MS / 1000
                ),
            )
            .hint(
                "look at `sudo systemctl status nginx` and /var/log/nginx/error.log on the host",
            ));
        }
        host.sleep(POLL).await;
    }
}

/// nginx could not be asked, or refused.
pub(super) fn failed(error: &HostError) -> StepError {
    StepError::host(
        Reason::SwitchFailed,
        "nginx cannot be made to load its configuration",
        error,
    )
    .hint("run `sudo nginx -t` on the host and fix what it reports")
}

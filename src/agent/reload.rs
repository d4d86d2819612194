//! Has nginx load what is on disk, and waits until it has.

use std::time::Duration;

use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::nginx::NginxAt;
use crate::host::{Clock, HostResult, Proxy};

const DEADLINE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(10);

/// Tests, reloads, and waits until every worker that accepts connections began after the reload.
pub(super) async fn reload<P: Proxy + Clock>(host: &P, nginx: &NginxAt) -> StepResult<()> {
    let before = during(nginx, host.nginx_workers(nginx).await)?;
    during(nginx, host.nginx_test(nginx).await)?;
    during(nginx, host.nginx_reload(nginx).await)?;
    let wait = Wait::new(host, DEADLINE, POLL);
    loop {
        let now = during(nginx, host.nginx_workers(nginx).await)?;
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
            .hint(match nginx {
                NginxAt::Host => {
                    "look at `sudo systemctl status nginx` and /var/log/nginx/error.log on the host"
                        .to_owned()
                }
                NginxAt::Container(name) => format!("look at `docker logs {name}` on the host"),
            }));
        }
    }
}

/// nginx could not be asked, or refused.
pub(super) fn during<T>(nginx: &NginxAt, done: HostResult<T>) -> StepResult<T> {
    done.during(
        Reason::SwitchFailed,
        "nginx cannot be made to load its configuration",
    )
    .hint(nginx.cure())
}

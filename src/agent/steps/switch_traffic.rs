//! Points nginx at the new slot: the include with another port, `nginx -t`, reload.
//!
//! The step is done when every worker that accepts connections has read the new file, which is told
//! from the worker processes: those that accepted before must all have stopped accepting.

use std::time::Duration;

use crate::agent::failure::{StepError, StepResult};
use crate::agent::journal::entry::PreImage;
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::error::HostError;
use crate::host::nginx::IncludePort;
use crate::host::{Access, Host, Owner};

const RELOAD_DEADLINE_MS: u64 = 15_000;
const POLL: Duration = Duration::from_millis(10);

pub(in crate::agent) async fn capture<H: Host>(swap: &Swap<'_, H>) -> StepResult<PreImage> {
    let bytes = swap.host.read(&swap.begun.include).await.map_err(|error| {
        StepError::host(
            Reason::SwitchFailed,
            "cannot read the nginx include",
            &error,
        )
    })?;
    Ok(PreImage::File { bytes })
}

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    swap.go_on()?;
    let PreImage::File { bytes: Some(bytes) } = capture(swap).await? else {
        return Err(StepError::new(
            Reason::SwitchFailed,
            "the nginx include is gone",
        ));
    };
    let text = String::from_utf8_lossy(&bytes);
    let found = IncludePort::find(&text)
        .map_err(|problem| StepError::new(Reason::SwitchFailed, problem.to_string()))?;
    let changed = found.with_port(&text, swap.new_slot().port);
    install(swap, changed.as_bytes()).await?;
    if let Some(healthy_at) = swap.healthy_at.get() {
        let took = swap.host.elapsed_ms().saturating_sub(healthy_at);
        swap.receipt.borrow_mut().healthy_to_switched_ms = Some(took);
    }
    Ok(())
}

pub(in crate::agent) async fn undo<H: Host>(
    swap: &Swap<'_, H>,
    before: &PreImage,
) -> StepResult<()> {
    match before {
        // Even when the bytes are back already: a half-done undo may not have loaded them.
        PreImage::File { bytes: Some(bytes) } => install(swap, bytes).await,
        PreImage::File { bytes: None } | PreImage::Nothing => Ok(()),
    }
}

async fn install<H: Host>(swap: &Swap<'_, H>, bytes: &[u8]) -> StepResult<()> {
    let host = swap.host;
    let before = host.nginx_workers().await.map_err(|error| failed(&error))?;
    host.replace(&swap.begun.include, bytes, Owner::Root, Access::Public)
        .await
        .map_err(|error| failed(&error))?;
    host.nginx_test().await.map_err(|error| failed(&error))?;
    host.nginx_reload().await.map_err(|error| failed(&error))?;
    let began = host.elapsed_ms();
    loop {
        let now = host.nginx_workers().await.map_err(|error| failed(&error))?;
        if !now.is_empty() && now.iter().all(|worker| !before.contains(worker)) {
            return Ok(());
        }
        if host.elapsed_ms().saturating_sub(began) >= RELOAD_DEADLINE_MS {
            return Err(StepError::new(
                Reason::SwitchFailed,
                format!(
                    "nginx did not load its new configuration within {} s",
                    RELOAD_DEADLINE_MS / 1000
                ),
            )
            .hint(
                "look at `sudo systemctl status nginx` and /var/log/nginx/error.log on the host",
            ));
        }
        host.sleep(POLL).await;
    }
}

fn failed(error: &HostError) -> StepError {
    StepError::host(
        Reason::SwitchFailed,
        "cannot switch nginx to the new slot",
        error,
    )
    .hint("run `sudo nginx -t` on the host and mend what it names")
}

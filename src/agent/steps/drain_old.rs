//! Waits until the kernel shows no connection to the old slot's port, or the deadline.
//!
//! Established connections to the slot, at its published address or, from an nginx in a container, at its own, are its
//! requests in flight, and those that nginx keeps. Nobody is sent to the slot any more, so after a moment only requests
//! are left.

use std::time::Duration;

use crate::agent::docker;
use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::journal::entry::Switch;
use crate::agent::reach;
use crate::agent::steps::stop_old;
use crate::agent::swap::Swap;
use crate::agent::wait::Wait;
use crate::error::Reason;
use crate::host::nginx::flag::{IDLE_IS_GONE, KEPT_IDLE};
use crate::host::{Host, HostResult};
use crate::protocol::slot::Slot;
use crate::protocol::step::Step;

const POLL: Duration = Duration::from_millis(25);
/// Zero must be seen this often in a row: between two requests of one client there is a gap.
const ZEROES: u32 = 2;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let Some(old) = swap.old_slot() else {
        swap.meter.close_window().await;
        return Ok(());
    };
    // While the new slot is down, nginx sends people to the old one or nowhere. Whether it serves is asked again
    // before the old one is stopped, so nothing here keeps the drain from happening.
    docker::await_answer(swap.host).await;
    if let Ok(Some(alone)) = stop_old::soon_alone(swap, old).await {
        alone.start_if_down(swap.host).await.ok();
    }
    let cut = drain(swap, swap.begun.slot.other(), Step::DrainOld).await?;
    swap.meter.close_window().await;
    swap.receipt.borrow_mut().cut_connections = Some(cut);
    if cut > 0 {
        swap.events
            .warn(
                format!(
                    "{cut} connections were still open to `{}` after {}",
                    old.name(),
                    swap.site().drain_timeout
                ),
                "raise `drain-timeout` if they matter (long downloads, WebSockets)",
            )
            .await;
    }
    Ok(())
}

/// nginx's connections to a slot.
async fn open<H: Host>(swap: &Swap<'_, H>, slot: Slot) -> HostResult<u32> {
    let upstream = reach::upstream(swap, slot).await?;
    swap.host.connections_to(&upstream).await
}

/// Waits for `slot` to be idle; what is left at the deadline is the answer.
pub(super) async fn drain<H: Host>(swap: &Swap<'_, H>, slot: Slot, step: Step) -> StepResult<u32> {
    let kept = match swap.begun.switch {
        Switch::Flag => IDLE_IS_GONE,
        Switch::Reload(_) => Duration::ZERO,
    };
    // However short it is to be: an idle connection is nothing to cut.
    let most = swap.site().drain_timeout.duration().max(kept);
    let mut wait = Wait::new(swap.host, most, POLL).that_speaks_at_once();
    let mut zeroes = 0;
    loop {
        let open = open(swap, slot)
            .await
            .during(Reason::CleanupIncomplete, "cannot count connections")?;
        zeroes = if open == 0 { zeroes + 1 } else { 0 };
        if zeroes == ZEROES {
            return Ok(0);
        }
        if wait.is_over() {
            return Ok(open);
        }
        if open > 0 {
            let name = swap.begun.slots.get(slot).name();
            let text = if u128::from(wait.waited_ms()) < kept.as_millis() {
                format!(
                    "{open} connections to {name}, in flight or kept for {} s",
                    KEPT_IDLE.as_secs()
                )
            } else {
                format!("{open} requests in flight to {name}")
            };
            wait.speak(swap.events, step, text).await;
        }
        wait.pause().await;
    }
}

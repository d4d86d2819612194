//! While the new slot boots, what the machine has too little of goes to the slot that serves: the new container has a low
//! weight until it is healthy, and its own before anybody is sent to it.
//!
//! Nothing of it is on disk, so there is nothing that recovery would have to bring back: before the switch it removes the
//! new container, and from the switch on that has its own weight. A slot that is started again has it anyway.

use std::pin::pin;

use futures_util::future::{join, select};
use tokio::sync::oneshot;

use crate::agent::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::{Host, HostResult};
use crate::protocol::step::Step;

/// Starts the new slot, and lowers its weight at its first instant. Where that cannot be done, it boots as it is. Without
/// an old slot nobody has to be spared.
pub(super) async fn lowered_from_the_start<H: Host>(
    swap: &Swap<'_, H>,
    starting: impl Future<Output = HostResult<()>>,
) -> HostResult<()> {
    if swap.old_slot().is_none() {
        return starting.await;
    }
    let (project, service) = (swap.new_project(), &swap.new_slot().service);
    let (over, is_over) = oneshot::channel::<()>();
    let starting = async {
        let started = starting.await;
        drop(over);
        started
    };
    let lowering = async {
        // Compose says that it has started it a good while after it has.
        select(pin!(swap.host.container_starts(&project, service)), is_over).await;
        let own = swap.host.weights(&project, service).await?;
        // Noted first: what was not done in time may still be done later.
        swap.own_weights.replace(own.clone());
        swap.host.lower_weights(&own).await
    };
    let (started, lowered) = join(starting, lowering).await;
    let lowered = lowered.during(
        Reason::StartFailed,
        format_args!("`{service}` boots with its own weight"),
    );
    if let (Ok(()), Err(why)) = (&started, lowered) {
        let text = why.summary();
        swap.events.progress(Step::StartSlot, text).await;
    }
    started
}

/// Gives the new slot its own weight, once.
pub(super) async fn restore<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let own = swap.own_weights.take();
    if own.0.is_empty() {
        return Ok(());
    }
    let service = &swap.new_slot().service;
    swap.host
        .restore_weights(&own)
        .await
        .during(
            Reason::StartFailed,
            format_args!("cannot give slot `{service}` its own weight back"),
        )
        .hint("deploy again; what the kernel says of it is above")
}

//! Watches the new slot with real traffic while the old one is still there; worse than the budget goes back.
//!
//! People's requests decide, from the traffic log. Where there are too few of them, or no log, our own requests and
//! the health check do. A container that ends is always a reason to go back. A rollback is never rolled back for what
//! its traffic looks like: whoever goes back knows why.

use std::time::Duration;

use super::await_healthy;
use super::container::{self, During, LOG_LINES};
use crate::agent::failure::{StepError, StepResult};
use crate::agent::swap::Swap;
use crate::agent::verdict::{self, Verdict};
use crate::error::Reason;
use crate::host::Host;
use crate::host::facts::{ContainerFacts, ProbeAnswer};
use crate::protocol::receipt::{BakeReport, BakeVerdict, Probes};
use crate::protocol::step::Step;

const POLL: Duration = Duration::from_millis(50);
/// Docker is asked, and the health check made, less often.
const LOOK_EVERY_MS: u64 = 250;
const SAY_EVERY_MS: u64 = 5_000;
/// Bad answers of the health check in a row that are no accident.
const SICK: u32 = 3;

/// How a watch ended, when the container did not.
struct Watched {
    verdict: BakeVerdict,
    why: String,
    took_ms: u64,
}

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let time = swap.site().bake.time.duration();
    let began = swap.host.elapsed_ms();
    let watched = if time.is_zero() {
        Ok(None)
    } else {
        watch(swap, began).await.map(Some)
    };
    note_memory(swap).await;
    let watched = match watched {
        Ok(None) => return Ok(()),
        Ok(Some(watched)) => watched,
        Err(error) => {
            swap.decided_at.set(Some(swap.host.elapsed_ms()));
            if error.reason != Reason::Cancelled {
                let took_ms = swap.host.elapsed_ms().saturating_sub(began);
                let (verdict, why) = (BakeVerdict::Worse, error.chain.join(": "));
                report(
                    swap,
                    Watched {
                        verdict,
                        why,
                        took_ms,
                    },
                );
            }
            return Err(error);
        }
    };
    let (verdict, why) = (watched.verdict, watched.why.clone());
    if verdict == BakeVerdict::Worse {
        swap.decided_at.set(Some(swap.host.elapsed_ms()));
    }
    report(swap, watched);
    match verdict {
        BakeVerdict::Good | BakeVerdict::Inconclusive => Ok(()),
        BakeVerdict::Worse if stays_anyhow(swap) => {
            swap.decided_at.set(None);
            let text = format!("`{}` does badly: {why}", swap.new_slot().service);
            let hint = "a rollback is not rolled back, and a first release has nothing to go back to; deploy one that is good";
            swap.events.warn(text, hint).await;
            Ok(())
        }
        BakeVerdict::Worse => Err(worse(swap, &why).await),
    }
}

/// Whether what people get from it is no reason to go back.
fn stays_anyhow<H: Host>(swap: &Swap<'_, H>) -> bool {
    swap.begun.plan.is_rollback() || swap.begun.previous.is_none()
}

async fn worse<H: Host>(swap: &Swap<'_, H>, why: &str) -> StepError {
    let log = match container::look(swap).await {
        Ok(container) => swap.host.container_log(&container.id, LOG_LINES).await,
        Err(_gone) => Ok(Vec::new()),
    };
    StepError::new(
        Reason::BakeFailed,
        format!(
            "slot `{}` did worse than the old one: {why}",
            swap.new_slot().service
        ),
    )
    .hint("look at its log below; what is good enough is said by `bake-errors` and `bake-slowdown`")
    .log_tail(log.unwrap_or_default())
}

/// Watches until the time is over or the verdict is in. An error is a container that ended, or a cancel.
async fn watch<H: Host>(swap: &Swap<'_, H>, began: u64) -> StepResult<Watched> {
    let bake = &swap.site().bake;
    let whole = u64::try_from(bake.time.duration().as_millis()).unwrap_or(u64::MAX);
    let (old, new) = (swap.begun.slot.other(), swap.begun.slot);
    let baseline = swap.meter.before(old);
    let start = swap.meter.probes();
    let since_ms = swap.host.now_ms();
    let (mut looked, mut said, mut sick) = (None, began, 0);
    let mut half = None;
    loop {
        swap.go_on()?;
        let now = swap.host.elapsed_ms();
        let took_ms = now.saturating_sub(began);
        if looked.is_none_or(|at| now - at >= LOOK_EVERY_MS) {
            looked = Some(now);
            let container = container::look(swap).await?;
            container::check(swap, &container, since_ms, During::Bake).await?;
            sick = if is_well(swap).await { 0 } else { sick + 1 };
            if sick == SICK {
                let why = format!("its health check failed {SICK} times in a row");
                return Ok(Watched {
                    verdict: BakeVerdict::Worse,
                    why,
                    took_ms,
                });
            }
        }
        swap.meter.read().await;
        let counted = swap.meter.during(new);
        let by_errors = verdict::by_errors(bake, &baseline, &counted);
        if let Verdict::Worse(why) = by_errors {
            return Ok(Watched {
                verdict: BakeVerdict::Worse,
                why,
                took_ms,
            });
        }
        if took_ms >= whole / 2 && half.is_none() {
            half = Some(counted.clone());
        }
        if took_ms >= whole {
            let warm = counted.since(half.as_ref().unwrap_or(&counted));
            let by_time = verdict::by_time(bake, &baseline, &warm);
            let ours = verdict::by_probes(bake, &since(&swap.meter.probes(), &start));
            let (verdict, why) = conclude(&by_errors, by_time, ours);
            return Ok(Watched {
                verdict,
                why,
                took_ms,
            });
        }
        if now.saturating_sub(said) >= SAY_EVERY_MS {
            said = now;
            let text = format!(
                "{} requests, {} of them 5xx",
                counted.requests, counted.server_errors
            );
            swap.events.progress(Step::Bake, text).await;
        }
        swap.host.sleep(POLL).await;
    }
}

/// The last word of a watch that saw nothing bad on its way.
fn conclude(by_errors: &Verdict, by_time: Verdict, ours: Verdict) -> (BakeVerdict, String) {
    match (by_errors, by_time, ours) {
        (_, Verdict::Worse(why), _) | (Verdict::TooFew, _, Verdict::Worse(why)) => {
            (BakeVerdict::Worse, why)
        }
        (Verdict::TooFew, _, Verdict::Good | Verdict::TooFew) => {
            let why = "too few requests to tell; the health check and our own requests were fine";
            (BakeVerdict::Inconclusive, why.to_owned())
        }
        (Verdict::Good | Verdict::Worse(_), Verdict::Good | Verdict::TooFew, _) => {
            (BakeVerdict::Good, String::new())
        }
    }
}

async fn is_well<H: Host>(swap: &Swap<'_, H>) -> bool {
    match swap.host.probe(&await_healthy::probe(swap)).await {
        ProbeAnswer::Status(status) => swap.site().health.accepts(status),
        ProbeAnswer::Nothing(_) => false,
    }
}

fn since(now: &Probes, then: &Probes) -> Probes {
    Probes {
        sent: now.sent - then.sent,
        lost: now.lost - then.lost,
        failed: now.failed - then.failed,
    }
}

fn report<H: Host>(swap: &Swap<'_, H>, watched: Watched) {
    swap.receipt.borrow_mut().bake = Some(BakeReport {
        verdict: watched.verdict,
        why: watched.why,
        new: swap.meter.during(swap.begun.slot).served(),
        watched_ms: watched.took_ms,
    });
}

/// The new slot's peak of memory, for the receipt.
async fn note_memory<H: Host>(swap: &Swap<'_, H>) {
    let Ok(ContainerFacts { pid: Some(pid), .. }) = container::look(swap).await else {
        return;
    };
    swap.receipt.borrow_mut().slot_memory_bytes = swap.host.group_memory_peak(pid).await;
}

//! Watches the new slot with real traffic while the old one is still there; worse than the budget goes back.
//!
//! Requests of users decide ([`verdict`]), from the traffic log and the connections that the kernel shows. Where there
//! are too few of them, or no log, our own requests do. Beside it the container must run and its health check be good, and
//! the last one before commit must be good however short the watch was. A rollback is never rolled back for what its
//! traffic looks like: whoever goes back knows why.

use std::time::Duration;

use super::await_healthy;
use super::container::{self, During};
use crate::agent::failure::StepResult;
use crate::agent::reach;
use crate::agent::swap::Swap;
use crate::agent::verdict::{self, Judge, Verdict, Word};
use crate::agent::wait::SAY_EVERY_MS;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::facts::ProbeAnswer;
use crate::protocol::receipt::{BakeReport, BakeVerdict, NotMeasured};
use crate::protocol::step::Step;

/// How often the traffic is looked at, Docker is asked and the health check made.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A traffic log that does not grow for so long is compared with what the kernel saw.
const SILENT_MS: u64 = 1_000;
/// Bad answers of the health check in a row that are no accident.
const SICK: u32 = 3;

/// How a watch ended, when the container did not.
struct Watched {
    verdict: BakeVerdict,
    why: String,
    took_ms: u64,
}

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let began = swap.host.elapsed_ms();
    let watched = match watch_to_the_end(swap, began).await {
        Ok(watched) => watched,
        Err(error) => {
            swap.decided_at.set(Some(swap.host.elapsed_ms()));
            if error.reason != Reason::Cancelled {
                report(swap, &worse_because(swap, began, error.summary()));
            }
            return Err(error);
        }
    };
    let Some(watched) = watched else {
        container::note_memory(swap).await;
        return Ok(());
    };
    report(swap, &watched);
    match watched.verdict {
        BakeVerdict::Worse if !stays_anyhow(swap) => {
            // Nothing that takes time comes before the way back: the container is looked at before it is removed.
            swap.decided_at.set(Some(swap.host.elapsed_ms()));
            Err(worse(swap, &watched.why))
        }
        BakeVerdict::Worse => {
            let why = watched.why;
            let text = format!(
                "`{}` does worse than allowed: {why}",
                swap.new_slot().name()
            );
            let hint = "rollbacks and first deploys are never rolled back automatically; deploy a fixed release";
            swap.events.warn(text, hint).await;
            container::note_memory(swap).await;
            Ok(())
        }
        BakeVerdict::Good | BakeVerdict::Inconclusive => {
            container::note_memory(swap).await;
            Ok(())
        }
    }
}

/// Whether what users get from it is no reason to go back.
fn stays_anyhow<H: Host>(swap: &Swap<'_, H>) -> bool {
    swap.begun.plan.is_rollback() || swap.begun.previous.is_none()
}

fn worse<H: Host>(swap: &Swap<'_, H>, why: &str) -> Failure {
    Failure::new(
        Reason::BakeFailed,
        format!(
            "slot `{}` did worse than the old one: {why}",
            swap.new_slot().name()
        ),
    )
    .hint("see its log below; `bake-errors`, `bake-client-errors` and `bake-slowdown` set what is allowed")
}

/// The watch, if one is wanted, and one good health check. `None` when nothing was watched and all is well.
async fn watch_to_the_end<H: Host>(swap: &Swap<'_, H>, began: u64) -> StepResult<Option<Watched>> {
    let mut watched = None;
    if !swap.site().bake.time.duration().is_zero() {
        let ended = watch(swap, began).await?;
        if ended.verdict == BakeVerdict::Worse {
            return Ok(Some(ended));
        }
        watched = Some(ended);
    }
    for _ in 0..SICK {
        swap.go_on()?;
        if is_well(swap).await {
            return Ok(watched);
        }
        swap.host.sleep(LOOK_EVERY).await;
    }
    let why = format!("its health check failed {SICK} times in a row at the end of the watch");
    Ok(Some(worse_because(swap, began, why)))
}

/// Watches until the verdict is in. An error is a container that ended, or a cancel.
async fn watch<H: Host>(swap: &Swap<'_, H>, began: u64) -> StepResult<Watched> {
    let new = swap.begun.slot;
    let mut judge = Judge::new(swap.site().bake, swap.meter.baseline());
    let since_ms = swap.host.now_ms();
    let (mut said, mut sick) = (began, 0);
    // What was in the log, and since when it did not grow.
    let mut logged = (0, began);
    loop {
        swap.go_on()?;
        let now = swap.host.elapsed_ms();
        let took_ms = now.saturating_sub(began);
        swap.meter.look().await;
        swap.meter.read().await;
        let counted = swap.meter.during(new);
        if counted.requests > logged.0 {
            logged = (counted.requests, now);
        }
        if now.saturating_sub(logged.1) >= SILENT_MS
            && let Some(came) = swap.meter.unlogged(new, logged.0).await
        {
            let why = format!(
                "nginx no longer logs its requests: {came} have ended, and its log has had no line for {} ms; is the disk full? (`df -h`)",
                now.saturating_sub(logged.1)
            );
            return Ok(worse_because(swap, began, why));
        }
        let progress = match judge.look(took_ms, &counted, &swap.meter.inside(new)) {
            Word::Over(verdict) => {
                let (verdict, why) = conclude(swap, verdict);
                return Ok(Watched {
                    verdict,
                    why,
                    took_ms,
                });
            }
            Word::Prolonged(why) => Some(format!(
                "slower than the old slot so far; watching longer in case it warms up: {why}"
            )),
            Word::GoOn if now.saturating_sub(said) >= SAY_EVERY_MS => {
                let failed = counted.failed();
                Some(match (failed.of, failed.hits) {
                    (0, _) => "no requests so far".to_owned(),
                    (of, 0) => format!("{of} requests"),
                    (of, hits) => format!("{of} requests, {hits} of them failed"),
                })
            }
            Word::GoOn => None,
        };
        if let Some(text) = progress {
            said = now;
            swap.events.progress(Step::Bake, text).await;
        }
        let container = container::look(swap).await?;
        container::check(swap, &container, since_ms, During::Bake).await?;
        sick = if is_well(swap).await { 0 } else { sick + 1 };
        if sick == SICK {
            let why = format!("its health check failed {SICK} times in a row");
            return Ok(worse_because(swap, began, why));
        }
        swap.host.sleep(LOOK_EVERY).await;
    }
}

/// The last word of the traffic; where it has none, our own requests have it.
fn conclude<H: Host>(swap: &Swap<'_, H>, verdict: Verdict) -> (BakeVerdict, String) {
    let (bake, baseline) = (&swap.site().bake, swap.meter.baseline());
    if !baseline.is_enough(bake) {
        swap.meter.lacks(NotMeasured::NoBaseline);
    } else if !baseline.has_quiet(bake) {
        swap.meter.lacks(NotMeasured::NoQuietTime);
    }
    match verdict {
        Verdict::Good => (BakeVerdict::Good, String::new()),
        Verdict::Worse(why) => (BakeVerdict::Worse, why),
        Verdict::TooFew => {
            swap.meter.lacks(NotMeasured::TooFewRequests);
            let (before, now) = swap.meter.own(swap.begun.slot);
            match verdict::by_probes(bake, now, before) {
                Verdict::Worse(why) => (BakeVerdict::Worse, why),
                Verdict::Good | Verdict::TooFew => {
                    let why =
                        "too few requests to judge; health checks and our own requests were fine";
                    (BakeVerdict::Inconclusive, why.to_owned())
                }
            }
        }
    }
}

fn worse_because<H: Host>(swap: &Swap<'_, H>, began: u64, why: String) -> Watched {
    Watched {
        verdict: BakeVerdict::Worse,
        why,
        took_ms: swap.host.elapsed_ms().saturating_sub(began),
    }
}

async fn is_well<H: Host>(swap: &Swap<'_, H>) -> bool {
    // A second, unless the old slot's own requests take long: on a busy machine both do.
    let patience = Duration::from_millis(swap.meter.patience_ms());
    let container =
        reach::container(swap.host, &swap.project(swap.begun.slot), swap.new_slot()).await;
    let probe = await_healthy::probe(swap, container.as_ref(), patience);
    match swap.host.probe(&probe).await {
        ProbeAnswer::Status(status) => swap.site().health.accepts(status),
        ProbeAnswer::Nothing(_) => false,
    }
}

fn report<H: Host>(swap: &Swap<'_, H>, watched: &Watched) {
    let new = swap.meter.during(swap.begun.slot);
    swap.receipt.borrow_mut().bake = Some(BakeReport {
        verdict: watched.verdict,
        why: watched.why.clone(),
        new: new.served(swap.meter.patience_ms()),
        watched_ms: watched.took_ms,
    });
}

//! Brings a swap that was cut short to its end, before anything else is done.
//!
//! Runs under the lock: at the start of every swap, and by `pct-deploy agent recover`.

use super::docker;
use super::ending::last_word;
use super::events::Events;
use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::fence;
use super::journal::file::Journal;
use super::meter;
use super::paths::AppPaths;
use super::saga::{self, SagaOutcome};
use super::swap::Swap;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::protocol::event::Happening;
use crate::protocol::ids::DeploymentId;
use crate::protocol::outcome::Outcome;
use crate::protocol::place::RECOVER;
use crate::protocol::receipt::Receipt;
use crate::protocol::step::Step;

#[derive(Debug)]
pub(super) enum Recovered {
    Nothing,
    /// A swap was open and is over now.
    Settled {
        deployment: DeploymentId,
        outcome: Outcome,
    },
}

/// Settles whatever is open, with a number of its own: the run that left it may still live. An error means that it
/// is still open and nothing new may begin.
pub(super) async fn recover<H: Host>(host: &H, paths: &AppPaths) -> StepResult<Recovered> {
    let open = host
        .read(&paths.journal())
        .await
        .during(Reason::JournalUnwritable, "cannot read the journal")?;
    if open.is_none() {
        return Ok(Recovered::Nothing);
    }
    let fence = fence::seize(host, paths).await?;
    recover_as(host, paths, fence).await
}

/// The same for a run whose turn it is already.
pub(super) async fn recover_as<H: Host>(
    host: &H,
    paths: &AppPaths,
    fence: u64,
) -> StepResult<Recovered> {
    let Some(journal) = Journal::reopen(host, paths, fence).await? else {
        return Ok(Recovered::Nothing);
    };
    let begun = journal.state().begun.clone();
    let deployment = begun.plan.deployment.clone();
    let before = journal.state().failure().cloned();
    docker::await_answer(host).await;
    let tool = host
        .compose()
        .await
        .during(
            Reason::UndoFailed,
            "cannot recover: docker compose is not usable",
        )
        .hint(format_args!(
            "when docker responds again, run `{RECOVER}` on the host"
        ))?;
    let log = paths.event_log(&deployment);
    let reopened = Events::reopen(host, log).await.ok().flatten();
    let events = reopened.unwrap_or_else(|| Events::silent(host));
    events.use_reserve(paths);
    let swap = Swap::cut_short(host, &events, paths, &begun, tool);
    let (ended, over) = saga::settle(&swap, journal).await;
    let ended = match ended {
        SagaOutcome::Undone { failed: None } => SagaOutcome::Undone { failed: before },
        other => other,
    };
    if let SagaOutcome::Stuck { at, why } = ended {
        if why.reason == Reason::Superseded {
            return Err(why);
        }
        return Err(still_stuck(&deployment, at, why));
    }
    let finished = last_word(&swap, ended, Receipt::default());
    let outcome = finished.outcome;
    let stopped = meter::stop_logging(host, paths).await;
    // A log that has its last word gets no second one: the stream is silent then.
    events.emit(Happening::Finished(Box::new(finished))).await;
    if stopped.is_ok()
        && let Some(journal) = over
    {
        // The entries are what counts: the next run archives it when this fails.
        drop(journal.archive().await);
    }
    Ok(Recovered::Settled {
        deployment,
        outcome,
    })
}

fn still_stuck(deployment: &DeploymentId, at: Step, why: Failure) -> Failure {
    let mut chain = vec![format!(
        "deployment {deployment} is still open: {at} cannot be settled"
    )];
    chain.extend(why.chain);
    Failure {
        reason: Reason::UndoFailed,
        chain,
        ..why
    }
    .hint(format!("fix the cause, then run `{RECOVER}` on the host"))
}

//! Brings a swap that was cut short to its end, before anything else is done.
//!
//! Runs under the lock: at the start of every swap, and by `pct-deploy agent recover`.

use std::cell::{Cell, RefCell};
use std::path::Path;

use super::ending::last_word;
use super::events::Events;
use super::failure::{StepError, StepResult};
use super::journal::file::Journal;
use super::lock::{self, CancelState};
use super::meter::{self, Meter};
use super::paths::{AppPaths, STATE_ROOT};
use super::saga::{self, Ended};
use super::swap::{Swap, TABLE};
use crate::error::{Error, ExitCode, Reason, Result};
use crate::host::Host;
use crate::host::linux::LinuxHost;
use crate::protocol::event::Happening;
use crate::protocol::ids::{AppName, DeploymentId};
use crate::protocol::outcome::Outcome;
use crate::protocol::receipt::Receipt;
use crate::protocol::span::Span;

/// What recovery found.
#[derive(Debug)]
pub(super) enum Recovered {
    /// Nothing was open.
    Nothing,
    /// A swap was open and is over now.
    Settled {
        deployment: DeploymentId,
        outcome: Outcome,
    },
}

/// Settles whatever is open. An error means that it is still open and nothing new may begin.
pub(super) async fn recover<H: Host>(host: &H, paths: &AppPaths) -> StepResult<Recovered> {
    let Some(journal) = Journal::reopen(host, paths).await? else {
        return Ok(Recovered::Nothing);
    };
    let begun = journal.state().begun.clone();
    let deployment = begun.plan.deployment.clone();
    let before = journal.state().failure().cloned();
    let tool = host.compose().await.map_err(|error| {
        StepError::host(
            Reason::UndoFailed,
            "cannot recover: docker compose is not usable",
            &error,
        )
        .hint("when docker answers again, run `pct-deploy agent recover` on the host")
    })?;
    let log = paths.event_log(&deployment);
    let reopened = Events::reopen(host, log).await.ok().flatten();
    let events = reopened.unwrap_or_else(|| Events::silent(host));
    let (cancel, receipt) = (Cell::new(CancelState::No), RefCell::new(Receipt::default()));
    let actor = Swap {
        host,
        events: &events,
        paths,
        begun: &begun,
        tool,
        sites: &[],
        login: None,
        cancel: &cancel,
        receipt: &receipt,
        meter: &Meter::none(host, paths),
        healthy_at: Cell::new(None),
        decided_at: Cell::new(None),
    };
    let (ended, over) = saga::settle(host, &events, &actor, TABLE, journal).await;
    let ended = match ended {
        Ended::Undone { failed: None } => Ended::Undone {
            failed: before.map(|(step, failure)| (step, StepError::from_failure(failure))),
        },
        other @ (Ended::Undone { .. } | Ended::Committed { .. } | Ended::Stuck { .. }) => other,
    };
    if let Ended::Stuck { at, why } = ended {
        return Err(still_stuck(&deployment, at, why));
    }
    let finished = last_word(ended, &begun, Receipt::default());
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

fn still_stuck(
    deployment: &DeploymentId,
    at: crate::protocol::step::Step,
    why: StepError,
) -> StepError {
    let mut chain = vec![format!(
        "deployment {deployment} is still open: {at} cannot be settled"
    )];
    chain.extend(why.chain);
    StepError {
        reason: Reason::UndoFailed,
        chain,
        ..why
    }
    .hint("mend the cause, then run `pct-deploy agent recover` on the host")
}

/// Settles every app on this host, one line of what happened for each that was open.
///
/// An error says which app is still open; the others were settled before it.
pub async fn recover_all() -> Result<Vec<String>> {
    let host =
        LinuxHost::new().map_err(|error| Error::bug("the agent cannot start").because(error))?;
    let names = host.list(Path::new(STATE_ROOT)).await.map_err(|error| {
        Error::untouched(Reason::PreflightFailed, "cannot list the apps").because(error)
    })?;
    let mut said = Vec::new();
    for app in names.iter().filter_map(|name| name.parse::<AppName>().ok()) {
        let paths = AppPaths::new(&app);
        let open = host.read(&paths.journal()).await;
        if !matches!(open, Ok(Some(_))) {
            continue;
        }
        let events = Events::silent(&host);
        let never = || CancelState::No;
        let settled = async {
            let lock = lock::take(&host, &events, &paths, LOCK_WAIT, "recovery", never).await?;
            let recovered = Box::pin(recover(&host, &paths)).await;
            drop(lock);
            recovered
        };
        match settled.await {
            Ok(Recovered::Nothing) => {}
            Ok(Recovered::Settled {
                deployment,
                outcome,
            }) => {
                said.push(format!(
                    "{app}: deployment {deployment} is settled: {outcome}"
                ));
            }
            Err(error) => return Err(for_a_person(&app, error)),
        }
    }
    Ok(said)
}

/// A recovery by hand or at boot waits for a deploy that is at work.
const LOCK_WAIT: Span = Span::from_millis(300_000);

fn for_a_person(app: &AppName, error: StepError) -> Error {
    let stuck = Error::new(
        ExitCode::Stuck,
        error.reason,
        format!("app `{app}` is still open"),
    );
    let stuck = stuck
        .because(error.chain.join(": "))
        .log_tail(error.log_tail);
    error.hints.into_iter().fold(stuck, Error::hint)
}

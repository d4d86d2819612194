//! One swap from lock to last word.

use std::cell::{Cell, RefCell};

use tokio::sync::mpsc::UnboundedSender;

use super::events::Events;
use super::failure::StepError;
use super::history;
use super::lock::{self, CancelState};
use super::paths::AppPaths;
use super::prepare;
use super::resolve::{Change, Resolved, resolve};
use super::saga::{self, Ended};
use super::survey::Survey;
use super::swap::{Swap, TABLE};
use crate::error::Reason;
use crate::host::Host;
use crate::protocol::event::Happening;
use crate::protocol::outcome::{Finished, LiveRelease, Outcome};
use crate::protocol::plan::Plan;
use crate::protocol::receipt::Receipt;
use crate::protocol::step::Step;
use crate::protocol::wire::{RegistryLogin, Reply};

/// Runs a plan. Whatever happens, the last event is `finished`.
pub(super) async fn run<H: Host>(
    host: &H,
    plan: &Plan,
    login: Option<&RegistryLogin>,
    listener: UnboundedSender<Reply>,
    cancel: &Cell<CancelState>,
) {
    let paths = AppPaths::new(&plan.site.app);
    let silent = Events::new(host, None, listener.clone());
    let events = match folders(host, &paths).await {
        Ok(()) => Events::new(host, Some(paths.event_log(&plan.deployment)), listener),
        Err(error) => return finish_untouched(&silent, Step::Preflight, error, None).await,
    };
    let by = plan.origin.by.as_deref().unwrap_or("someone");
    let ourselves = format!(
        "deployment {} by {by}, process {}",
        plan.deployment,
        std::process::id()
    );
    let taken = lock::take(
        host,
        &events,
        &paths,
        plan.site.lock_wait,
        &ourselves,
        || cancel.get(),
    )
    .await;
    match taken {
        Ok(lock) => {
            locked(host, &events, &paths, plan, login, cancel).await;
            drop(lock);
        }
        Err(error) => finish_untouched(&events, Step::Preflight, error, None).await,
    }
}

async fn folders<H: Host>(host: &H, paths: &AppPaths) -> Result<(), StepError> {
    for folder in [paths.folder(), paths.events()] {
        host.make_folder(&folder).await.map_err(|error| {
            StepError::host(
                Reason::PreflightFailed,
                "cannot make the app's state folder",
                &error,
            )
        })?;
    }
    Ok(())
}

async fn locked<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    paths: &AppPaths,
    plan: &Plan,
    login: Option<&RegistryLogin>,
    cancel: &Cell<CancelState>,
) {
    let records = history::read(host, paths).await.unwrap_or_default();
    events
        .emit(Happening::Begun {
            deployment: plan.deployment.clone(),
            origin: plan.origin.clone(),
        })
        .await;
    let survey = match prepare::run(host, events, &plan.site, || cancel.get()).await {
        Ok(survey) => survey,
        Err((step, error)) => return finish_untouched(events, step, error, None).await,
    };
    let previous = survey.live_release();
    let resolved = match resolve(host, &survey, &records, plan).await {
        Ok(resolved) => resolved,
        Err(error) => return finish_untouched(events, Step::Preflight, error, previous).await,
    };
    events
        .emit(Happening::Resolved {
            release: resolved.release.clone(),
            image: resolved.image.clone(),
            slot: match resolved.change {
                Change::Needed => resolved.slot,
                Change::None => survey.named,
            },
            service: survey.slots.get(resolved.slot).service.to_string(),
        })
        .await;
    match resolved.change {
        Change::None => unchanged(events, previous).await,
        Change::Needed => swap(host, events, paths, plan, login, cancel, &survey, &resolved).await,
    }
}

async fn unchanged<H: Host>(events: &Events<'_, H>, live: Option<LiveRelease>) {
    events
        .emit(Happening::Finished(Box::new(Finished {
            outcome: Outcome::Unchanged,
            reason: Reason::AlreadyLive.as_str().to_owned(),
            live: live.clone(),
            previous: live,
            failed: None,
            receipt: Receipt::default(),
        })))
        .await;
}

#[expect(
    clippy::too_many_arguments,
    reason = "the one place where the parts of a swap meet"
)]
async fn swap<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    paths: &AppPaths,
    plan: &Plan,
    login: Option<&RegistryLogin>,
    cancel: &Cell<CancelState>,
    survey: &Survey,
    resolved: &Resolved,
) {
    let receipt = RefCell::new(Receipt::default());
    let actor = Swap {
        host,
        events,
        site: &plan.site,
        paths,
        login,
        survey,
        image: &resolved.image,
        release: &resolved.release,
        slot: resolved.slot,
        keep: &resolved.keep,
        cancel,
        receipt: &receipt,
        healthy_at: Cell::new(None),
    };
    let ended = saga::run(host, events, &actor, TABLE).await;
    let new = LiveRelease {
        slot: resolved.slot,
        service: actor.new_slot().service.to_string(),
        release: Some(resolved.release.clone()),
        image: Some(resolved.image.clone()),
    };
    let finished = last_word(ended, new, survey.live_release(), receipt.into_inner());
    events.emit(Happening::Finished(Box::new(finished))).await;
}

/// From how the table ended to the outcome. A step that changes nothing on the host and fails first means that the
/// host is untouched.
fn last_word(
    ended: Ended,
    new: LiveRelease,
    previous: Option<LiveRelease>,
    receipt: Receipt,
) -> Finished {
    let (outcome, reason, live, failed) = match ended {
        Ended::Committed { unfinished: None } => {
            (Outcome::Deployed, Reason::Deployed, Some(new), None)
        }
        Ended::Committed {
            unfinished: Some((step, error)),
        } => (
            Outcome::Deployed,
            Reason::CleanupIncomplete,
            Some(new),
            Some((step, error)),
        ),
        Ended::Undone { step, error } => {
            let outcome = match (error.reason, step) {
                (Reason::Cancelled, _) => Outcome::Cancelled,
                (_, Step::PullImage) => Outcome::Failed,
                (_, _) => Outcome::RolledBack,
            };
            (outcome, error.reason, previous.clone(), Some((step, error)))
        }
        Ended::Stuck {
            step,
            error,
            undo,
            why,
        } => {
            let mut told = error;
            told.chain.push(format!(
                "and the undo of {undo} failed: {}",
                why.chain.join(": ")
            ));
            told.hints.extend(why.hints);
            told.hints.push(
                "run `pct-deploy status` to see what is live, mend the cause, then deploy again"
                    .to_owned(),
            );
            (
                Outcome::Stuck,
                Reason::UndoFailed,
                previous.clone(),
                Some((step, told)),
            )
        }
    };
    Finished {
        outcome,
        reason: reason.as_str().to_owned(),
        live,
        previous,
        failed: failed.map(|(step, error)| (step, error.into_failure())),
        receipt,
    }
}

async fn finish_untouched<H: Host>(
    events: &Events<'_, H>,
    step: Step,
    error: StepError,
    live: Option<LiveRelease>,
) {
    let cancelled = error.reason == Reason::Cancelled;
    let outcome = if cancelled {
        Outcome::Cancelled
    } else {
        Outcome::Failed
    };
    events
        .emit(Happening::Finished(Box::new(Finished {
            outcome,
            reason: error.reason.as_str().to_owned(),
            live: live.clone(),
            previous: live,
            failed: Some((step, error.into_failure())),
            receipt: Receipt::default(),
        })))
        .await;
}

//! One swap from lock to last word.

use std::cell::{Cell, RefCell};

use tokio::sync::mpsc::UnboundedSender;

use super::cancel_file;
use super::ending::{early_word, last_word, with_log};
use super::events::Events;
use super::failure::{HostResultExt as _, StepResult};
use super::fence;
use super::history::{self, Record};
use super::journal::entry::{Begun, Entry, Settings, Switch};
use super::journal::file::Journal;
use super::lock::{self, CancelState};
use super::meter::{Log, Meter, Route};
use super::owner::{self, Known};
use super::paths::AppPaths;
use super::prepare;
use super::recover::{Recovered, recover_as};
use super::reserve;
use super::resolve::{Resolved, Staged, resolve};
use super::saga;
use super::steps::verify_route;
use super::survey::Survey;
use super::swap::{Swap, TABLE};
use super::writer::Writer;
use crate::error::Reason;
use crate::host::Host;
use crate::protocol::event::Happening;
use crate::protocol::outcome::{Failure, LiveRelease, Outcome};
use crate::protocol::plan::{Plan, Site};
use crate::protocol::receipt::{NotMeasured, Receipt};
use crate::protocol::slot::PerSlot;
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
    let events = match open(host, &plan.site).await {
        Ok(()) => Events::new(host, Some(paths.event_log(&plan.deployment)), listener),
        Err(error) => return finish_untouched(&silent, Step::Preflight, error, None).await,
    };
    // Before the wait for the lock: who began first goes first.
    let numbered = match plan.fence {
        Some(number) => Ok(number),
        None => fence::issue(host, &paths).await,
    };
    let number = numbered.as_ref().ok().copied();
    events.name_log(number, Writer::ourselves(host).await);
    let fence = match numbered {
        Ok(number) => number,
        Err(error) => return finish_untouched(&events, Step::Preflight, error, None).await,
    };
    let by = plan.origin.by.as_deref().unwrap_or("someone");
    let ourselves = format!("deployment {} by {by}", plan.deployment);
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
            Box::pin(locked(host, &events, &paths, plan, fence, login, cancel)).await;
            drop(lock);
        }
        Err(error) => finish_untouched(&events, Step::Preflight, error, None).await,
    }
}

/// Makes an app's folders when it is new, the checks pass and no other project has it; then it is ours.
pub(super) async fn open<H: Host>(host: &H, site: &Site) -> StepResult<()> {
    let paths = AppPaths::new(&site.app);
    match owner::look(host, site).await? {
        Known::Used => folders(host, &paths).await,
        Known::New => {
            // A mistyped `app` leaves nothing behind.
            Box::pin(prepare::preflight(host, site)).await?;
            folders(host, &paths).await?;
            owner::claim(host, site).await
        }
    }
}

/// The app's folders, made when they are missing.
async fn folders<H: Host>(host: &H, paths: &AppPaths) -> Result<(), Failure> {
    for folder in [paths.folder(), paths.events(), paths.archive()] {
        host.make_folder(&folder).await.during(
            Reason::PreflightFailed,
            "cannot make the app's state folder",
        )?;
    }
    for folder in [paths.events(), paths.archive()] {
        host.make_private(&folder).await.during(
            Reason::PreflightFailed,
            "cannot close the folders of what happened",
        )?;
    }
    Ok(())
}

async fn locked<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    paths: &AppPaths,
    plan: &Plan,
    fence: u64,
    login: Option<&RegistryLogin>,
    cancel: &Cell<CancelState>,
) {
    if let Err(error) = fence::take_over(host, paths, fence).await {
        return finish_untouched(events, Step::Preflight, error, None).await;
    }
    cancel_file::sweep(host, paths).await;
    if let Err(error) = settle_the_past(host, events, paths, fence).await {
        return finish_stuck(events, error).await;
    }
    let records = history::read(host, paths).await;
    let what = "cannot read the records of earlier deploys";
    let records = match records.during(Reason::PreflightFailed, what) {
        Ok(records) => records,
        Err(error) => return finish_untouched(events, Step::Preflight, error, None).await,
    };
    events
        .emit(Happening::Begun {
            deployment: plan.deployment.clone(),
            origin: plan.origin.clone(),
            intent: Some(plan.intent()),
        })
        .await;
    warn_of_unreadable(events, paths, &records).await;
    let survey = match prepare::run(host, events, &plan.site, || cancel.get()).await {
        Ok(survey) => survey,
        Err((step, error)) => return finish_untouched(events, step, error, None).await,
    };
    let previous = survey.live_release();
    if let Err(error) = owner::claim(host, &plan.site).await {
        return finish_untouched(events, Step::Preflight, error, previous).await;
    }
    let resolved = match resolve(host, paths, &survey, &records, plan).await {
        Ok(resolved) => resolved,
        Err(error) => return finish_untouched(events, Step::Preflight, error, previous).await,
    };
    events
        .emit(Happening::Resolved {
            release: resolved.release.clone(),
            image: resolved.image.clone(),
            slot: if resolved.is_live {
                survey.named
            } else {
                resolved.slot
            },
            service: survey.slots.get(resolved.slot).service.to_string(),
        })
        .await;
    if let Some(asked) = &resolved.image_of {
        let what = format!(
            "an earlier version of pct-deploy deployed `{asked}` and kept no settings: its image is started with what the compose file says now, as `{}`",
            resolved.release
        );
        let hint = "compare the compose file with what it was; from now on settings are kept";
        events.warn(what, hint).await;
    }
    if resolved.is_live {
        let word = early_word(Outcome::Unchanged, Reason::AlreadyLive, previous, None);
        return events.emit(word).await;
    }
    swap(
        host, events, paths, plan, fence, login, cancel, &survey, resolved,
    )
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
    fence: u64,
    login: Option<&RegistryLogin>,
    cancel: &Cell<CancelState>,
    survey: &Survey,
    resolved: Resolved,
) {
    let previous = survey.live_release();
    let begun = Begun {
        plan: plan.clone(),
        fence,
        folder: survey.project.folder.clone(),
        files: survey.project.files.clone(),
        slots: survey.slots.clone(),
        compose_version: survey.file.version.clone(),
        switch: survey.switch.clone(),
        dependencies: survey.dependencies.clone(),
        previous: previous.clone(),
        image: resolved.image,
        release: resolved.release,
        slot: resolved.slot,
        keep: resolved.keep,
        releases: resolved.releases,
        settings: match resolved.staged {
            Staged::Kept { .. } => Settings::Kept,
            Staged::File { .. } | Staged::WayBack => Settings::File,
        },
    };
    if let Err(error) = reserve::fill(host, paths).await {
        return finish_untouched(events, Step::Preflight, error, previous).await;
    }
    events.use_reserve(paths);
    // What recovers this run must be able to read what it writes. When that cannot be, the last agent may do, too.
    drop(host.become_current(&AppPaths::current_agent()).await);
    let first = Entry::Begun(Box::new(begun.clone()));
    let journal = match Journal::begin(host, paths, first).await {
        Ok(journal) => journal,
        Err(error) => return finish_untouched(events, Step::Preflight, error, previous).await,
    };
    let receipt = RefCell::new(Receipt::default());
    let meter = meter(host, paths, survey, plan);
    let actor = Swap {
        host,
        events,
        paths,
        begun: &begun,
        staged: &resolved.staged,
        tool: survey.project.tool,
        sites: &survey.sites,
        login,
        cancel,
        receipt: &receipt,
        meter: &meter,
        healthy_at: Cell::new(None),
        decided_at: Cell::new(None),
        last_lines: RefCell::default(),
    };
    meter.begin().await;
    let (ended, over) = tokio::select! {
        biased;
        ended = saga::run(host, events, &actor, TABLE, journal) => ended,
        never = meter.stream() => match never {},
    };
    let stopped = meter.end().await;
    let healthy_ms = actor
        .healthy_at
        .get()
        .filter(|healthy| healthy.clocks_agree(host))
        .map(|healthy| healthy.now_ms);
    let ended = with_log(ended, actor.last_lines.take());
    let mut receipt = receipt.into_inner();
    meter.tell(&mut receipt, begun.slot, healthy_ms);
    receipt.agent_memory_bytes = host.memory_peak().await.ok();
    let finished = Happening::Finished(Box::new(last_word(ended, &begun, receipt)));
    // `rollback` and `history` live by the last word: without it on disk the journal stays open, and recovery says it.
    if events.say(finished).await.is_ok()
        && stopped.is_ok()
        && let Some(journal) = over
    {
        // The entries are what counts: the next run archives it when this fails.
        drop(journal.archive().await);
    }
}

/// What this swap can be measured by.
fn meter<'a, H: Host>(
    host: &'a H,
    paths: &'a AppPaths,
    survey: &Survey,
    plan: &Plan,
) -> Meter<'a, H> {
    let addresses = PerSlot {
        one: survey.slots.one.address(),
        two: survey.slots.two.address(),
    };
    let log = match survey.switch {
        Switch::Flag => Log::Kept(survey.format),
        Switch::Reload(_) => Log::Absent,
    };
    let health = &plan.site.health;
    let (first, secure) = verify_route::public_probes(&survey.sites, health.path_or_root());
    let route = Route::new(first, secure, health.clone());
    let meter = Meter::new(host, paths, addresses, log, Some(plan.site.bake), route);
    for location in &survey.own_logs {
        let location = location.clone();
        meter.lacks(NotMeasured::OwnAccessLog { location });
    }
    meter
}

/// What cannot be read is kept, and everything with it, until a person has seen to it.
async fn warn_of_unreadable<H: Host>(events: &Events<'_, H>, paths: &AppPaths, records: &[Record]) {
    for record in records {
        let Some(why) = record.unreadable() else {
            continue;
        };
        let log = paths.event_log(&record.past.deployment);
        let text = format!(
            "the record of deployment {} cannot be read: {why}; no old image is removed",
            record.past.deployment
        );
        let hint = format!(
            "when the release it was about is not needed any more: `mv {0} {0}.unreadable`",
            log.display()
        );
        events.warn(text, hint).await;
    }
}

/// What an earlier run left open is settled first; the new one says so.
async fn settle_the_past<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    paths: &AppPaths,
    fence: u64,
) -> StepResult<()> {
    match recover_as(host, paths, fence).await? {
        Recovered::Nothing => Ok(()),
        Recovered::Settled {
            deployment,
            outcome,
        } => {
            events
                .emit(Happening::Recovered {
                    deployment,
                    outcome,
                })
                .await;
            Ok(())
        }
    }
}

async fn finish_untouched<H: Host>(
    events: &Events<'_, H>,
    step: Step,
    error: Failure,
    live: Option<LiveRelease>,
) {
    let cancelled = error.reason == Reason::Cancelled;
    let outcome = if cancelled {
        Outcome::Cancelled
    } else {
        Outcome::Failed
    };
    events
        .emit(early_word(outcome, error.reason, live, Some((step, error))))
        .await;
}

/// An earlier run cannot be settled: nothing new may begin. Stuck, unless this run could not even look.
async fn finish_stuck<H: Host>(events: &Events<'_, H>, error: Failure) {
    let needs_a_person = matches!(
        error.reason,
        Reason::UndoFailed | Reason::JournalDamaged | Reason::OtherVersion
    );
    let outcome = if needs_a_person {
        Outcome::Stuck
    } else {
        Outcome::Failed
    };
    events
        .emit(early_word(
            outcome,
            error.reason,
            None,
            Some((Step::Preflight, error)),
        ))
        .await;
}

//! The server's half of a deploy, from the lock to the last word. What is called here is one file each.

use std::cell::{Cell, RefCell};

use tokio::sync::mpsc::UnboundedSender;

use super::cancel_file;
use super::ending::{Early, last_word};
use super::events::Events;
use super::failure::{HostResultExt as _, StepResult};
use super::fence;
use super::history;
use super::journal::entry::{Begun, Settings};
use super::journal::file::Journal;
use super::lock;
use super::meter::Meter;
use super::owner;
use super::paths::AppPaths;
use super::prepare;
use super::recover::{Recovered, recover_as};
use super::reserve;
use super::resolve::{Resolved, Staged, resolve};
use super::saga;
use super::slot_names;
use super::survey::Survey;
use super::swap::Swap;
use super::writer::Writer;
use crate::error::Reason;
use crate::host::Host;
use crate::protocol::event::Happening;
use crate::protocol::plan::Plan;
use crate::protocol::wire::{RegistryLogin, Reply};

/// Runs a plan. Whatever happens, the last event is `finished`.
pub(super) async fn run<H: Host>(
    host: &H,
    plan: &Plan,
    login: Option<&RegistryLogin>,
    listener: UnboundedSender<Reply>,
    cancel: &Cell<bool>,
) {
    let plan = &Plan {
        site: slot_names::settle(host, &plan.site).await,
        ..plan.clone()
    };
    let paths = AppPaths::new(&plan.site.app);
    let opened = owner::open(host, &plan.site).await;
    // The folder of another project's app gets no log of ours.
    let log = opened.is_ok().then(|| paths.event_log(&plan.deployment));
    let events = Events::new(host, log, listener);
    let deploy = Deploy {
        host,
        events: &events,
        paths: &paths,
        plan,
        login,
        cancel,
    };
    let its_turn = match opened {
        Ok(()) => deploy.wait_its_turn().await,
        Err(error) => Err(error),
    };
    match its_turn {
        Ok((number, lock)) => {
            if let Err(early) = Box::pin(deploy.under_the_lock(number)).await {
                events.emit(early.word()).await;
            }
            drop(lock);
        }
        Err(error) => events.emit(Early::from(error).word()).await,
    }
}

/// One deploy: what it is about, and what its parts work with.
struct Deploy<'a, H> {
    host: &'a H,
    events: &'a Events<'a, H>,
    paths: &'a AppPaths,
    plan: &'a Plan,
    login: Option<&'a RegistryLogin>,
    cancel: &'a Cell<bool>,
}

impl<'a, H: Host> Deploy<'a, H> {
    /// The story. A run that ends before it has changed anything has an early last word.
    async fn under_the_lock(&self, number: u64) -> Result<(), Early> {
        let (host, events) = (self.host, self.events);
        let (paths, plan) = (self.paths, self.plan);
        // Whose turn it is, and what an earlier run left open.
        fence::take_over(host, paths, number).await?;
        cancel_file::sweep(host, paths).await;
        self.settle_the_past(number).await?;

        // What was before, and what is there now.
        let records = history::read(host, paths).await.during(
            Reason::PreflightFailed,
            "cannot read the records of earlier deploys",
        )?;
        self.say_begun().await;
        history::warn_of_unreadable(events, paths, &records).await;
        let survey = prepare::run(host, events, &plan.site, self.cancel).await?;
        let live = survey.live_release();
        let stays = |error| Early::from(error).with_live(live.clone());

        // Which release, and into which slot.
        owner::claim(host, &plan.site).await.map_err(stays)?;
        let resolved = resolve(host, paths, &survey, &records, plan).await;
        let resolved = resolved.map_err(stays)?;
        resolved.say(events, &survey).await;
        if resolved.is_live {
            return Err(Early::unchanged(live));
        }

        // From here the host is changed; what is owed is in the journal first.
        let begun = self.begun(number, &survey, &resolved);
        let journal = self.begin_journal(&begun).await.map_err(stays)?;
        let swap = self.swap(&begun, &survey, &resolved);
        let run = swap.meter.beside(saga::run(&swap, journal));
        let ((ended, over), stopped) = run.await;
        let word = last_word(&swap, ended, swap.take_receipt().await);
        // `rollback` and `history` live by the last word: without it on disk the journal stays open, and recovery says
        // it.
        let said = events.say(Happening::Finished(Box::new(word))).await;
        if said.is_ok()
            && stopped.is_ok()
            && let Some(journal) = over
        {
            // The entries are what counts: the next run archives it when this fails.
            drop(journal.archive().await);
        }
        Ok(())
    }

    /// The run's number and the lock. The number comes before the wait: who began first goes first.
    async fn wait_its_turn(&self) -> StepResult<(u64, H::Lock)> {
        let (host, plan) = (self.host, self.plan);
        let number = match plan.fence {
            Some(number) => Ok(number),
            None => fence::issue(host, self.paths).await,
        };
        let writer = Writer::ourselves(host).await;
        self.events.name_log(number.as_ref().ok().copied(), writer);
        let number = number?;
        let by = plan.origin.by.as_deref().unwrap_or("someone");
        let ourselves = format!("deployment {} by {by}", plan.deployment);
        let wait = plan.site.lock_wait;
        let lock = lock::take(host, self.events, self.paths, wait, &ourselves, self.cancel).await?;
        Ok((number, lock))
    }

    /// What an earlier run left open is settled first; this one says so.
    async fn settle_the_past(&self, number: u64) -> Result<(), Early> {
        let recovered = recover_as(self.host, self.paths, number).await;
        match recovered.map_err(Early::blocked)? {
            Recovered::Nothing => {}
            Recovered::Settled {
                deployment,
                outcome,
            } => {
                let what = Happening::Recovered {
                    deployment,
                    outcome,
                };
                self.events.emit(what).await;
            }
        }
        Ok(())
    }

    async fn say_begun(&self) {
        let plan = self.plan;
        let what = Happening::Begun {
            deployment: plan.deployment.clone(),
            origin: plan.origin.clone(),
            intent: Some(plan.intent()),
        };
        self.events.emit(what).await;
    }

    /// All that the journal must hold.
    fn begun(&self, number: u64, survey: &Survey, resolved: &Resolved) -> Begun {
        let mut plan = self.plan.clone();
        plan.site.health = survey.health(&plan.site.health);
        let (settings, one_shots) = match resolved.staged {
            Staged::Kept { .. } => (Settings::Kept, Vec::new()),
            Staged::File { .. } | Staged::Nothing => {
                let one_shots = survey.one_shots(resolved.slot);
                (Settings::File, one_shots)
            }
        };
        Begun {
            fence: number,
            folder: survey.homes.projects.one.folder.clone(),
            files: survey.homes.shared_files(),
            slots: survey.homes.slots.clone(),
            compose_version: survey.homes.files.get(resolved.slot).version.clone(),
            switch: survey.switch.clone(),
            dependencies: survey.all_dependencies(),
            one_shots,
            previous: survey.live_release(),
            image: resolved.image.clone(),
            release: resolved.release.clone(),
            slot: resolved.slot,
            keep: resolved.keep.clone(),
            releases: resolved.releases.clone(),
            settings,
            nginx: survey.nginx.at.clone(),
            plan,
        }
    }

    async fn begin_journal(&self, begun: &Begun) -> StepResult<Journal<'a, H>> {
        reserve::fill(self.host, self.paths).await?;
        self.events.use_reserve(self.paths);
        // What recovers this run must be able to read what it writes. When that cannot be, the last agent may do, too.
        drop(self.host.become_current(&AppPaths::current_agent()).await);
        Journal::begin(self.host, self.paths, begun.clone()).await
    }

    fn swap<'s>(
        &'s self,
        begun: &'s Begun,
        survey: &'s Survey,
        resolved: &'s Resolved,
    ) -> Swap<'s, H> {
        Swap {
            host: self.host,
            events: self.events,
            paths: self.paths,
            begun,
            staged: &resolved.staged,
            tool: survey.homes.projects.one.tool,
            sites: &survey.sites,
            colours: survey.colours.clone(),
            login: self.login,
            cancel: Some(self.cancel),
            receipt: RefCell::default(),
            meter: Meter::of(self.host, self.paths, survey, &self.plan.site),
            healthy_at: Cell::new(None),
            decided_at: Cell::new(None),
            own_weights: RefCell::default(),
            last_lines: RefCell::default(),
        }
    }
}

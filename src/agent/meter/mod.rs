//! Measures what a swap does to the users of the site: the traffic log, the connections that the kernel shows, and a
//! stream of requests of our own.
//!
//! The *window* opens just before traffic is moved and closes when the old slot is drained, or when the way back has
//! ended. What was read before it is the baseline; the part of it before the new container boots is the *quiet*. Nothing
//! here stops a swap: what cannot be measured is not told, and that it was not is.

mod logging;
mod probing;
mod seen;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::net::SocketAddr;

use super::journal::entry::Switch;
use super::paths::AppPaths;
use super::route::public_probes;
use super::statistics::Part;
use super::survey::Survey;
use super::traffic::{Counter, Waiting};
use super::verdict::Baseline;
use crate::host::facts::Probe;
use crate::host::nginx::flag::Format;
use crate::host::{Host, HostResult};
use crate::protocol::plan::{Bake, Site};
use crate::protocol::receipt::{NotMeasured, Receipt};
use crate::protocol::slot::{PerSlot, Slot, SlotService};
pub(super) use logging::{start_logging, stop_logging};
pub(super) use probing::Route;
use seen::Seen;

/// What is read of the log at once; the agent stays small.
const PIECE: usize = 64 * 1024;
/// How often the kernel is asked for connections.
const LOOK_EVERY_MS: u64 = 250;
/// So many answers to our own requests since the last line are no accident.
const OWN_UNSEEN: u64 = 10;
/// So many requests that the kernel saw and the log has not are no accident.
const UNSEEN: f64 = 20.0;

/// Whether nginx writes a traffic log for this app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrafficLog {
    /// After `provision`.
    Kept(Format),
    /// With an include of the user's.
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    NotYet,
    Open,
    Closed,
}

/// The measures of one swap.
#[derive(Debug)]
pub(super) struct Meter<'a, H> {
    host: &'a H,
    paths: &'a AppPaths,
    addresses: PerSlot<SocketAddr>,
    log: TrafficLog,
    bake: Option<Bake>,
    /// Requests through the public listener.
    route: Route,
    window: Cell<Window>,
    /// When the window opened.
    opened_ms: Cell<u64>,
    /// For how long it was open, once it is closed.
    open_for_ms: Cell<u64>,
    seen: RefCell<Seen>,
    waiting: RefCell<PerSlot<Waiting>>,
    /// What the old slot did, known when the window opens.
    baseline: RefCell<Baseline>,
    /// How many of our own requests were answered when the log last grew.
    answered: Cell<u64>,
    /// What was found out on the way.
    missing: RefCell<Vec<NotMeasured>>,
}

impl<'a, H: Host> Meter<'a, H> {
    pub(super) fn new(
        host: &'a H,
        paths: &'a AppPaths,
        addresses: PerSlot<SocketAddr>,
        log: TrafficLog,
        bake: Option<Bake>,
        route: Route,
    ) -> Self {
        Self {
            host,
            paths,
            addresses,
            log,
            bake,
            route,
            window: Cell::new(Window::NotYet),
            opened_ms: Cell::default(),
            open_for_ms: Cell::default(),
            seen: RefCell::new(Seen::new(addresses, host.now_ms())),
            waiting: RefCell::default(),
            baseline: RefCell::default(),
            answered: Cell::default(),
            missing: RefCell::default(),
        }
    }

    /// What a swap can be measured by.
    pub(super) fn of(host: &'a H, paths: &'a AppPaths, survey: &Survey, site: &Site) -> Self {
        let addresses = survey.homes.slots.map(SlotService::address);
        let log = match survey.switch {
            Switch::Flag => TrafficLog::Kept(survey.format),
            Switch::Reload(_) => TrafficLog::Absent,
        };
        let (first, secure) = public_probes(&survey.sites, site.health.path_or_root());
        let route = Route::new(first, secure, site.health.clone());
        let meter = Self::new(host, paths, addresses, log, Some(site.bake), route);
        for location in &survey.own_logs {
            let location = location.clone();
            meter.lacks(NotMeasured::OwnAccessLog { location });
        }
        meter
    }

    /// For the way back after a crash: nothing is measured.
    pub(super) fn none(host: &'a H, paths: &'a AppPaths) -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let addresses = PerSlot {
            one: nowhere,
            two: nowhere,
        };
        Self::new(
            host,
            paths,
            addresses,
            TrafficLog::Absent,
            None,
            Route::none(),
        )
    }

    /// Measures while the work is done; with its result comes whether nginx was told to log no more.
    pub(super) async fn beside<T>(&self, work: impl Future<Output = T>) -> (T, HostResult<()>) {
        self.begin().await;
        let done = tokio::select! {
            biased;
            done = work => done,
            never = self.stream() => match never {},
        };
        (done, self.end().await)
    }

    /// Has nginx begin to log, unless it does since the run was prepared; and sees who answers through the listener.
    pub(super) async fn begin(&self) {
        if self.is_logged() {
            start_logging(self.host, self.paths).await;
            self.read().await;
            self.seen.borrow_mut().is_ours_from_here();
        }
        self.route.choose(self.host).await;
    }

    fn is_logged(&self) -> bool {
        self.log != TrafficLog::Absent
    }

    /// Has nginx log no more; the log stays for whoever wants to look.
    pub(super) async fn end(&self) -> HostResult<()> {
        self.close_window().await;
        stop_logging(self.host, self.paths).await
    }

    /// The new container is about to boot on the same processor: what comes from here on is not the quiet.
    pub(super) async fn quiet_ends(&self) {
        self.read().await;
        self.seen.borrow_mut().quiet_ends();
    }

    /// From here on everything counts, against what `old` did so far; for a first release there is no old slot.
    pub(super) async fn open_window(&self, old: Option<Slot>) {
        self.look().await;
        self.read().await;
        match old {
            Some(old) => self.keep_baseline(old).await,
            None => self.route.forget(),
        }
        self.window.set(Window::Open);
        self.opened_ms.set(self.host.elapsed_ms());
        self.seen.borrow_mut().switches(self.host.now_ms());
        self.route.window_opens();
    }

    async fn keep_baseline(&self, old: Slot) {
        let baseline = Baseline {
            waiting: self.waiting.borrow().get(old).clone(),
            ..self.seen.borrow().baseline(old, self.host.now_ms())
        };
        self.find_silence(&baseline, old).await;
        if let Some(bake) = &self.bake {
            self.route.be_patient(baseline.patience_ms(bake));
        }
        self.baseline.replace(baseline);
    }

    /// The kernel knows of requests that the log has no line for.
    async fn find_silence(&self, baseline: &Baseline, old: Slot) {
        if !self.is_logged() || baseline.whole.requests > 0 {
            return;
        }
        let came = self.ended_at(old).await.unwrap_or(0.0);
        let ours = f64::from(u32::try_from(self.route.before().of).unwrap_or(u32::MAX));
        if came > ours + UNSEEN {
            self.missing.borrow_mut().push(NotMeasured::SilentLog);
        }
    }

    /// Requests that ended at a slot in the last five seconds, by the kernel; `None` when it does not say.
    async fn ended_at(&self, slot: Slot) -> Option<f64> {
        let address = *self.addresses.get(slot);
        let arrivals = self.host.arrivals(address, &[]).await.ok()?;
        Some(arrivals.per_second * 5.0)
    }

    /// Requests that ended and are not in the log: nginx can no longer write it. `None` when the log is as it should be,
    /// or never showed anything.
    pub(super) async fn unlogged(&self, slot: Slot, logged: u64) -> Option<u64> {
        if !self.is_logged() || self.baseline.borrow().whole.requests == 0 {
            return None;
        }
        // Our own are answered through the same nginx. Where they are logged at all, their lines come with the others.
        let ours = self.route.answered() - self.answered.get();
        if self.seen.borrow().logs_ours() {
            return (ours >= OWN_UNSEEN).then_some(ours);
        }
        // Else the kernel knows of some: those that ended with their connections.
        let came = self.ended_at(slot).await?;
        let known = u32::try_from(logged + self.route.during().of).unwrap_or(u32::MAX);
        // Twice as many, so that neither a late line nor our own checks of the slot's health are taken for it.
        let silent = came > f64::from(known) * 2.0 + 3.0 * UNSEEN;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        silent.then_some(came as u64)
    }

    /// From here on nothing counts.
    pub(super) async fn close_window(&self) {
        if self.window.get() == Window::Open {
            self.read().await;
            self.window.set(Window::Closed);
            let open_for_ms = self.host.elapsed_ms().saturating_sub(self.opened_ms.get());
            self.open_for_ms.set(open_for_ms);
            self.route.window_closes();
        }
    }

    /// Sends requests of our own through the public listener, for ever; until the window opens it looks at connections
    /// beside them.
    pub(super) async fn stream(&self) -> Infallible {
        let mut lines: [H::Line; probing::LINES] = Default::default();
        let mut looked = None;
        loop {
            let now = self.host.elapsed_ms();
            let due = looked.is_none_or(|looked| now - looked >= LOOK_EVERY_MS);
            if due && self.window.get() == Window::NotYet {
                looked = Some(now);
                self.look().await;
            }
            self.route.ask(self.host, &mut lines).await;
        }
    }

    /// One look at the connections to both slots.
    pub(super) async fn look(&self) {
        if !self.is_logged() || self.window.get() == Window::Closed {
            return;
        }
        // Not knowing stops nobody.
        let Ok(ages_ms) = self.host.unanswered(&self.addresses).await else {
            return;
        };
        self.waiting
            .replace(ages_ms.map(|ages| Waiting::new(ages.clone())));
    }

    /// Reads what nginx has logged since the last time.
    pub(super) async fn read(&self) {
        if !self.is_logged() || self.window.get() == Window::Closed {
            return;
        }
        loop {
            let offset = self.seen.borrow().offset();
            let log = self.paths.traffic_log();
            let piece = self.host.read_from(&log, offset, PIECE).await;
            let Ok(piece) = piece else { return };
            if self.seen.borrow_mut().take(&piece, self.window.get()) > 0 {
                self.answered.set(self.route.answered());
            }
            if piece.len() < PIECE {
                return;
            }
        }
    }

    /// What the old slot did before the window.
    pub(super) fn baseline(&self) -> Baseline {
        self.baseline.borrow().clone()
    }

    /// What a slot has done in the window so far.
    pub(super) fn during(&self, slot: Slot) -> Counter {
        self.seen.borrow().during(slot).clone()
    }

    /// What is in a slot now.
    pub(super) fn inside(&self, slot: Slot) -> Waiting {
        self.waiting.borrow().get(slot).clone()
    }

    /// Our own requests that went wrong: before the window, and in it, where those that `new` left to the other slot count.
    pub(super) fn own(&self, new: Slot) -> (Part, Part) {
        let retried = self.seen.borrow().own(new).retried;
        let during = self.route.during();
        let hits = (during.hits + retried).min(during.of);
        (self.route.before(), Part { hits, ..during })
    }

    /// What is asked through the public listener.
    pub(super) fn probe(&self) -> Option<Probe> {
        self.route.probe()
    }

    /// Whether the listener gave this answer before the switch as well.
    pub(super) fn was_seen(&self, status: u16) -> bool {
        self.route.was_seen(status)
    }

    /// Whether our own requests were answered before the switch.
    pub(super) fn was_answered(&self) -> bool {
        self.route.before().of > 0
    }

    /// How long a request may go without an answer.
    pub(super) fn patience_ms(&self) -> u64 {
        let baseline = self.baseline.borrow();
        self.bake.map_or(1_000, |bake| baseline.patience_ms(&bake))
    }

    /// Notes what could not be measured.
    pub(super) fn lacks(&self, what: NotMeasured) {
        let mut missing = self.missing.borrow_mut();
        if !missing.contains(&what) {
            missing.push(what);
        }
    }

    /// Writes down what was measured; `healthy_ms` is when the new slot was last found healthy, host time.
    pub(super) fn tell(&self, receipt: &mut Receipt, new: Slot, healthy_ms: Option<u64>) {
        if self.window.get() == Window::NotYet {
            return;
        }
        let seen = self.seen.borrow();
        let patience = self.patience_ms();
        receipt.probes = self.route.told();
        match self.log {
            TrafficLog::Kept(format) => {
                let served = |slot| seen.during(slot).served(patience);
                receipt.traffic = Some(PerSlot::of(served));
                receipt.baseline = Some(self.baseline.borrow().whole.served(patience));
                receipt.series = seen.series(new, self.open_for_ms.get());
                let first = seen.first_ms(new).zip(healthy_ms);
                receipt.healthy_to_first_request_ms =
                    first.map(|(first, healthy)| first.saturating_sub(healthy));
                if format == Format::Whole {
                    self.lacks(NotMeasured::EarlierFormat);
                } else if receipt.probes.is_some() && !seen.is_proven(new) {
                    self.lacks(NotMeasured::NotProven);
                }
            }
            TrafficLog::Absent => self.lacks(NotMeasured::NoTrafficLog),
        }
        if receipt.probes.is_none() {
            self.lacks(NotMeasured::NoListener);
        }
        receipt.not_measured.clone_from(&self.missing.borrow());
    }
}

//! Measures what a swap does to the people who use the site: the traffic log, and a stream of requests of our own.
//!
//! The *window* opens just before traffic is moved and closes when the old slot is drained, or when the way back has
//! ended. What was read before it is the baseline. Nothing here stops a swap: what cannot be measured is not told.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::time::Duration;

use super::paths::AppPaths;
use super::traffic::{self, Counter};
use crate::host::facts::{Asked, Probe};
use crate::host::{Durability, Host, HostResult, Owner};
use crate::protocol::plan::HealthCheck;
use crate::protocol::receipt::{Probes, Receipt};
use crate::protocol::slot::{PerSlot, Slot};

/// Two connections, so each asks ten times a second.
const LINES: usize = 2;
const PAUSE: Duration = Duration::from_millis(50);
/// What is read of the log at once; the agent stays small.
const PIECE: usize = 64 * 1024;

/// Whether nginx writes a traffic log for this app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    /// After `provision`.
    Kept,
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
    ports: PerSlot<u16>,
    log: Log,
    /// A request through the public listener, and what answer is good.
    probe: Option<(Probe, HealthCheck)>,
    window: Cell<Window>,
    seen: RefCell<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    offset: u64,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
    before: PerSlot<Counter>,
    during: PerSlot<Counter>,
    /// When the first request of the window began, by the slot that answered it.
    first_ms: PerSlot<Option<u64>>,
    probes: Probes,
}

impl<'a, H: Host> Meter<'a, H> {
    pub(super) fn new(
        host: &'a H,
        paths: &'a AppPaths,
        ports: PerSlot<u16>,
        log: Log,
        probe: Option<(Probe, HealthCheck)>,
    ) -> Self {
        let (window, seen) = (Cell::new(Window::NotYet), RefCell::default());
        Self {
            host,
            paths,
            ports,
            log,
            probe,
            window,
            seen,
        }
    }

    /// For the way back after a crash: nothing is measured.
    pub(super) fn none(host: &'a H, paths: &'a AppPaths) -> Self {
        Self::new(host, paths, PerSlot::default(), Log::Absent, None)
    }

    /// Has nginx begin to log.
    pub(super) async fn begin(&self) {
        if self.log == Log::Kept {
            drop(self.host.empty(&self.paths.traffic_log()).await);
            drop(
                self.host
                    .append(&self.paths.measure(), b"", Durability::Written)
                    .await,
            );
        }
    }

    /// Has nginx log no more; the log stays for whoever wants to look.
    pub(super) async fn end(&self) -> HostResult<()> {
        self.close_window().await;
        stop_logging(self.host, self.paths).await
    }

    /// From here on everything counts.
    pub(super) async fn open_window(&self) {
        self.read().await;
        self.window.set(Window::Open);
    }

    /// From here on nothing counts.
    pub(super) async fn close_window(&self) {
        if self.window.get() == Window::Open {
            self.read().await;
            self.window.set(Window::Closed);
        }
    }

    /// Sends requests of our own through the public listener, for ever.
    pub(super) async fn stream(&self) -> Infallible {
        let Some((probe, check)) = &self.probe else {
            return std::future::pending().await;
        };
        let mut lines: [H::Line; LINES] = Default::default();
        loop {
            for line in &mut lines {
                let asked = self.host.ask(line, probe).await;
                if self.window.get() == Window::Open {
                    note(&mut self.seen.borrow_mut().probes, &asked, check);
                }
                self.host.sleep(PAUSE).await;
            }
        }
    }

    /// Reads what nginx has logged since the last time.
    pub(super) async fn read(&self) {
        if self.log == Log::Absent || self.window.get() == Window::Closed {
            return;
        }
        loop {
            let offset = self.seen.borrow().offset;
            let piece = self
                .host
                .read_from(&self.paths.traffic_log(), offset, PIECE)
                .await;
            let Ok(piece) = piece else { return };
            self.take(&piece);
            if piece.len() < PIECE {
                return;
            }
        }
    }

    fn take(&self, piece: &[u8]) {
        let mut seen = self.seen.borrow_mut();
        seen.offset += piece.len() as u64;
        let mut text = std::mem::take(&mut seen.rest);
        text.extend_from_slice(piece);
        let end = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        seen.rest = text.split_off(end);
        for line in String::from_utf8_lossy(&text).lines() {
            let Some(line) = traffic::line(line, &self.ports) else {
                continue;
            };
            match self.window.get() {
                Window::NotYet => seen.before.get_mut(line.slot).add(&line),
                Window::Open => {
                    seen.first_ms
                        .get_mut(line.slot)
                        .get_or_insert(line.began_ms);
                    seen.during.get_mut(line.slot).add(&line);
                }
                Window::Closed => {}
            }
        }
    }

    /// What a slot answered before the window.
    pub(super) fn before(&self, slot: Slot) -> Counter {
        self.seen.borrow().before.get(slot).clone()
    }

    /// What a slot has answered in the window so far.
    pub(super) fn during(&self, slot: Slot) -> Counter {
        self.seen.borrow().during.get(slot).clone()
    }

    /// Our own requests in the window so far.
    pub(super) fn probes(&self) -> Probes {
        self.seen.borrow().probes
    }

    /// Writes down what was measured; `healthy_ms` is when the new slot was last found healthy, host time.
    pub(super) fn tell(&self, receipt: &mut Receipt, new: Slot, healthy_ms: Option<u64>) {
        if self.window.get() == Window::NotYet {
            return;
        }
        let seen = self.seen.borrow();
        if self.probe.is_some() {
            receipt.probes = Some(seen.probes);
        }
        if self.log == Log::Kept {
            receipt.traffic = Some(PerSlot {
                one: seen.during.one.served(),
                two: seen.during.two.served(),
            });
            receipt.baseline = Some(seen.before.get(new.other()).served());
            let first = seen.first_ms.get(new).zip(healthy_ms);
            receipt.healthy_to_first_request_ms =
                first.map(|(first, healthy)| first.saturating_sub(healthy));
        }
    }
}

/// Has nginx log no more, whoever had it begin. Until then a swap is not over: the log grows with every request.
pub(super) async fn stop_logging<H: Host>(host: &H, paths: &AppPaths) -> HostResult<()> {
    match host.read(&paths.measure()).await? {
        Some(_) => host.remove(&paths.measure(), Owner::Us).await,
        None => Ok(()),
    }
}

fn note(probes: &mut Probes, asked: &Asked, check: &HealthCheck) {
    probes.sent += 1;
    match asked {
        Asked::Status(status) if check.accepts(*status) => {}
        Asked::Status(_) => probes.failed += 1,
        Asked::Lost | Asked::Refused(_) => probes.lost += 1,
    }
}

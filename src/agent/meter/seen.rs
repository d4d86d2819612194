//! What the traffic log said so far, piece by piece. Pure.

use std::net::SocketAddr;

use super::Window;
use crate::agent::traffic::{self, By, Counter, Curve, TrafficLine};
use crate::agent::verdict::Baseline;
use crate::protocol::series::Series;
use crate::protocol::slot::{PerSlot, Slot};

/// Lines of requests that began before this are of an earlier run that was left logging.
const OLDEST_MS: u64 = 15 * 60 * 1000;

#[derive(Debug)]
pub(super) struct Seen {
    ports: PerSlot<u16>,
    since_ms: u64,
    offset: u64,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
    /// When the first request of a user began.
    began_ms: Option<u64>,
    before: PerSlot<Counter>,
    /// What `before` was when the new container was about to boot.
    quiet: Option<PerSlot<Counter>>,
    during: PerSlot<Counter>,
    /// Whether there was a line of our own.
    logs_ours: bool,
    /// Our own, in the window.
    own: PerSlot<Counter>,
    /// When the first request of the window began, by the slot that answered it.
    first_ms: PerSlot<Option<u64>>,
    /// Requests of users by time.
    curve: Curve,
}

impl Seen {
    pub(super) fn new(addresses: PerSlot<SocketAddr>, now_ms: u64) -> Self {
        Self {
            ports: addresses.map(SocketAddr::port),
            since_ms: now_ms.saturating_sub(OLDEST_MS),
            offset: 0,
            rest: Vec::new(),
            began_ms: None,
            before: PerSlot::default(),
            quiet: None,
            during: PerSlot::default(),
            logs_ours: false,
            own: PerSlot::default(),
            first_ms: PerSlot::default(),
            curve: Curve::default(),
        }
    }

    /// What comes from here on was logged for this run, whatever the clock says.
    pub(super) fn is_ours_from_here(&mut self) {
        self.since_ms = 0;
    }

    /// Where to read on.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn quiet_ends(&mut self) {
        self.quiet = Some(self.before.clone());
    }

    /// Traffic is about to be moved.
    pub(super) fn switches(&mut self, now_ms: u64) {
        self.curve.switches(now_ms);
    }

    /// Requests by time, when the window was open for so long.
    pub(super) fn series(&self, new: Slot, open_ms: u64) -> Option<Series> {
        self.curve.series(new, open_ms)
    }

    /// What a slot did before the window, which opens now.
    pub(super) fn baseline(&self, old: Slot, now_ms: u64) -> Baseline {
        let quiet = self.quiet.as_ref().map(|quiet| quiet.get(old).clone());
        let began_ms = self.began_ms.unwrap_or(now_ms);
        Baseline {
            whole: self.before.get(old).clone(),
            quiet: quiet.unwrap_or_default(),
            span_ms: now_ms.saturating_sub(began_ms),
            ..Baseline::default()
        }
    }

    pub(super) fn during(&self, slot: Slot) -> &Counter {
        self.during.get(slot)
    }

    pub(super) fn own(&self, slot: Slot) -> &Counter {
        self.own.get(slot)
    }

    pub(super) fn first_ms(&self, slot: Slot) -> Option<u64> {
        *self.first_ms.get(slot)
    }

    /// Whether a line shows that a request came to this slot.
    pub(super) fn is_proven(&self, slot: Slot) -> bool {
        self.during(slot).requests + self.own(slot).requests > 0
    }

    /// Whether our own requests are logged.
    pub(super) fn logs_ours(&self) -> bool {
        self.logs_ours
    }

    /// Takes the next piece of the log; how many lines were in it.
    pub(super) fn take(&mut self, piece: &[u8], window: Window) -> usize {
        self.offset += piece.len() as u64;
        let mut text = std::mem::take(&mut self.rest);
        text.extend_from_slice(piece);
        let end = text.iter().rposition(|byte| *byte == b'\n');
        self.rest = text.split_off(end.map_or(0, |at| at + 1));
        let mut lines = 0;
        for line in String::from_utf8_lossy(&text).lines() {
            if let Some(line) = traffic::line(line, &self.ports) {
                self.add(&line, window);
                lines += 1;
            }
        }
        lines
    }

    fn add(&mut self, line: &TrafficLine, window: Window) {
        if line.began_ms < self.since_ms {
            return;
        }
        self.logs_ours |= line.by == By::Us;
        if window != Window::Closed {
            self.curve.add(line);
        }
        for slot in Slot::BOTH {
            match (window, line.by) {
                (Window::NotYet, By::User) => self.before.get_mut(slot).add(line, slot),
                (Window::Open, By::User) => self.during.get_mut(slot).add(line, slot),
                (Window::Open, By::Us) => self.own.get_mut(slot).add(line, slot),
                (Window::NotYet, By::Us) | (Window::Closed, _) => {}
            }
        }
        if line.by == By::User {
            let answered = line.tries.last().map(|(slot, _)| *slot);
            match (window, answered) {
                (Window::Open, Some(slot)) => {
                    self.first_ms.get_mut(slot).get_or_insert(line.began_ms);
                }
                (Window::NotYet, _) => {
                    self.began_ms.get_or_insert(line.began_ms);
                }
                (Window::Open | Window::Closed, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn seen() -> Seen {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let addresses = PerSlot {
            one: at(8080),
            two: at(8081),
        };
        Seen::new(addresses, NOW_MS)
    }

    fn line(seconds: u64, by: &str) -> String {
        format!("{seconds}.000 v2{by} 200 0.004 127.0.0.1:8080 | 200 | 0.004 | 0.004\n")
    }

    #[test]
    fn lines_in_pieces_are_whole_lines() {
        let text = line(1_700_000_001, "") + &line(1_700_000_002, "") + &line(1_700_000_003, "p");
        for at in 0..=text.len() {
            let mut seen = seen();
            seen.take(&text.as_bytes()[..at], Window::NotYet);
            seen.take(&text.as_bytes()[at..], Window::NotYet);
            let baseline = seen.baseline(Slot::One, NOW_MS + 3_000);
            assert_eq!(
                (baseline.whole.requests, seen.offset()),
                (2, text.len() as u64)
            );
            assert_eq!(baseline.span_ms, 2_004);
        }
    }

    #[test]
    fn what_a_run_left_behind_that_nobody_ended_is_no_baseline() {
        let mut seen = seen();
        let text = line(1_699_990_000, "") + &line(1_699_999_999, "");
        seen.take(text.as_bytes(), Window::NotYet);
        assert_eq!(seen.baseline(Slot::One, NOW_MS).whole.requests, 1);
    }

    #[test]
    fn bytes_that_are_no_text_spoil_no_line() {
        let mut seen = seen();
        seen.take(b"\xff\xfe\x00 | , \n\n", Window::NotYet);
        seen.take(line(1_700_000_001, "").as_bytes(), Window::NotYet);
        assert_eq!(seen.baseline(Slot::One, NOW_MS).whole.requests, 1);
    }
}

//! What the traffic log says: one line a request, read piece by piece into counters of fixed size. Pure.
//!
//! A line is what [`crate::host::nginx::flag`] has nginx write: the time of the answer in seconds, the slot that was
//! live when the request began, the status, the seconds it took, and the addresses that were asked.

use crate::protocol::receipt::Served;
use crate::protocol::slot::{PerSlot, Slot};

/// One answered request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// Who answered.
    pub(super) slot: Slot,
    pub(super) status: u16,
    /// When it began, milliseconds since the Unix epoch.
    pub(super) began_ms: u64,
    pub(super) took_ms: u64,
}

/// Reads a line; `None` for what no slot answered, and for what is not a line of ours.
pub(super) fn line(text: &str, ports: &PerSlot<u16>) -> Option<Line> {
    let mut words = text.split(' ');
    let at_ms = millis(words.next()?)?;
    let _live = words.next()?;
    let status = words.next()?.parse().ok()?;
    let took_ms = millis(words.next()?)?;
    // After a failed try at one slot comes the other; the last one answered.
    let port = words.next_back()?.rsplit(':').next()?.parse::<u16>().ok()?;
    let slot = Slot::BOTH
        .into_iter()
        .find(|slot| *ports.get(*slot) == port)?;
    Some(Line {
        slot,
        status,
        began_ms: at_ms.saturating_sub(took_ms),
        took_ms,
    })
}

/// Seconds with milliseconds, as nginx writes them.
fn millis(text: &str) -> Option<u64> {
    let (seconds, thousandths) = text.split_once('.')?;
    if thousandths.len() != 3 {
        return None;
    }
    let seconds: u64 = seconds.parse().ok()?;
    seconds
        .checked_mul(1000)?
        .checked_add(thousandths.parse().ok()?)
}

/// Below this every millisecond has a bucket of its own.
const EXACT: u64 = 64;
/// Above it each doubling has this many, so a percentile is at most 3 % too high.
const STEPS: u64 = 32;
const BUCKETS: usize = 64 + 32 * 16;

/// Answers of one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) requests: u64,
    pub(super) not_ok: u64,
    pub(super) server_errors: u64,
    buckets: Vec<u64>,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            requests: 0,
            not_ok: 0,
            server_errors: 0,
            buckets: vec![0; BUCKETS],
        }
    }
}

impl Counter {
    pub(super) fn add(&mut self, line: &Line) {
        self.requests += 1;
        self.not_ok += u64::from(!(200..400).contains(&line.status));
        self.server_errors += u64::from(line.status >= 500);
        if let Some(bucket) = self.buckets.get_mut(bucket_of(line.took_ms)) {
            *bucket += 1;
        }
    }

    /// What came since `earlier`, a past state of this counter.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let buckets = self.buckets.iter().zip(&earlier.buckets);
        Self {
            requests: self.requests - earlier.requests,
            not_ok: self.not_ok - earlier.not_ok,
            server_errors: self.server_errors - earlier.server_errors,
            buckets: buckets.map(|(now, then)| now - then).collect(),
        }
    }

    /// The milliseconds that `percent` of all answers did not exceed.
    pub(super) fn percentile_ms(&self, percent: u64) -> Option<u64> {
        let rank = (self.requests * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        found.filter(|_| self.requests > 0).map(highest_in)
    }

    pub(super) fn served(&self) -> Served {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of one request")]
        let ms = |percent| self.percentile_ms(percent).map(|ms| ms as f64);
        Served {
            requests: self.requests,
            not_ok: self.not_ok,
            server_errors: self.server_errors,
            p50_ms: ms(50),
            p99_ms: ms(99),
        }
    }
}

fn bucket_of(ms: u64) -> usize {
    let index = if ms < EXACT {
        ms
    } else {
        let doublings = u64::from(ms.ilog2() - EXACT.ilog2());
        let within = (ms >> (doublings + 1)) - STEPS;
        EXACT + doublings * STEPS + within
    };
    usize::try_from(index).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The longest time that goes into a bucket.
fn highest_in(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT {
        return bucket;
    }
    let (doublings, within) = ((bucket - EXACT) / STEPS, (bucket - EXACT) % STEPS);
    ((within + STEPS + 1) << (doublings + 1)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: PerSlot<u16> = PerSlot {
        one: 8080,
        two: 8081,
    };

    #[test]
    fn the_slot_that_answered_is_the_last_one_asked() {
        let read = |text| line(text, &PORTS);
        let plain = read("1700000000.250 1 200 0.040 127.0.0.1:8080").unwrap();
        assert_eq!(
            (plain.slot, plain.status, plain.took_ms),
            (Slot::One, 200, 40)
        );
        assert_eq!(plain.began_ms, 1_700_000_000_210);
        let rescued = read("1700000000.250 2 200 0.001 127.0.0.1:8081, 127.0.0.1:8080").unwrap();
        assert_eq!(rescued.slot, Slot::One);
        for other in [
            "",
            "1700000000.250 1 404 0.000 -",
            "x 1 200 0.1 127.0.0.1:8080",
            "1700000000.250 1 200 0.001 127.0.0.1:9",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn percentiles_are_close_and_never_too_low() {
        for ms in (0..300).chain([1_000, 59_999, 600_000, 3_000_000]) {
            let high = highest_in(bucket_of(ms));
            assert!(
                high >= ms && high <= ms + ms / 32 + 1,
                "{ms} becomes {high}"
            );
        }
        let mut counter = Counter::default();
        assert_eq!(counter.percentile_ms(99), None);
        for ms in 1..=100 {
            let status = if ms > 98 { 502 } else { 404 };
            counter.add(&Line {
                slot: Slot::One,
                status,
                began_ms: 0,
                took_ms: ms,
            });
        }
        assert_eq!(
            (counter.percentile_ms(50), counter.percentile_ms(99)),
            (Some(50), Some(99))
        );
        assert_eq!(
            (counter.requests, counter.not_ok, counter.server_errors),
            (100, 100, 2)
        );
        let mut later = counter.clone();
        later.add(&Line {
            slot: Slot::One,
            status: 200,
            began_ms: 0,
            took_ms: 7,
        });
        assert_eq!(later.since(&counter).percentile_ms(99), Some(7));
    }
}

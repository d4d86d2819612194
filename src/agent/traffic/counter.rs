//! What one slot did, added up in a fixed room.

use super::line::{TrafficEvent, TrafficLine};
use crate::agent::statistics::Part;
use crate::protocol::receipt::Served;
use crate::protocol::slot::Slot;

/// What one slot was asked and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::agent) struct Counter {
    /// Requests that it was asked and that ended; those that the client took back before an answer are apart.
    pub(in crate::agent) requests: u64,
    /// Answered neither with 2xx nor 3xx, nor with a change of protocol.
    pub(in crate::agent) not_ok: u64,
    /// Answered with 5xx by the slot, or by nginx in its place.
    pub(in crate::agent) server_errors: u64,
    /// Answered with 4xx.
    pub(in crate::agent) client_errors: u64,
    /// Not answered, so that nginx asked the other slot.
    pub(in crate::agent) retried: u64,
    /// Not answered on one connection, so that nginx asked it again on another.
    pub(in crate::agent) again: u64,
    /// Until the header.
    headers: Times,
    /// Until the connection ended, however.
    lives: Times,
    /// Until the client went away without an answer.
    given_up: Times,
}

impl Counter {
    /// Adds what a line says of `slot`.
    pub(in crate::agent) fn add(&mut self, line: &TrafficLine, slot: Slot) {
        let own = line.tries.iter().filter(|(tried, _)| *tried == slot);
        own.for_each(|(_, event)| self.note(event));
    }

    pub(in crate::agent) fn note(&mut self, event: &TrafficEvent) {
        match *event {
            TrafficEvent::Answered {
                status,
                header_ms,
                life_ms,
            } => {
                self.requests += 1;
                self.not_ok += u64::from(status != 101 && !(200..400).contains(&status));
                self.server_errors += u64::from(status >= 500);
                self.client_errors += u64::from((400..500).contains(&status));
                self.lives.add(life_ms);
                if let Some(ms) = header_ms {
                    self.headers.add(ms);
                }
            }
            TrafficEvent::Retried => {
                self.requests += 1;
                self.not_ok += 1;
                self.retried += 1;
            }
            TrafficEvent::Again => self.again += 1,
            TrafficEvent::GivenUp { life_ms } => {
                self.lives.add(life_ms);
                self.given_up.add(life_ms);
            }
        }
    }

    /// What came since `earlier`, a past state of this counter.
    pub(in crate::agent) fn since(&self, earlier: &Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            not_ok: self.not_ok - earlier.not_ok,
            server_errors: self.server_errors - earlier.server_errors,
            client_errors: self.client_errors - earlier.client_errors,
            retried: self.retried - earlier.retried,
            again: self.again - earlier.again,
            headers: self.headers.since(&earlier.headers),
            lives: self.lives.since(&earlier.lives),
            given_up: self.given_up.since(&earlier.given_up),
        }
    }

    /// Failed requests: whoever answered in the end.
    pub(in crate::agent) fn failed(&self) -> Part {
        let hits = self.server_errors + self.retried + self.dropped();
        Part {
            of: self.requests,
            hits: hits.min(self.requests),
        }
    }

    /// Connections that ended without an answer, beyond those that an app may just have been closing as idle.
    pub(in crate::agent) fn dropped(&self) -> u64 {
        self.again.saturating_sub(self.requests / CLOSING)
    }

    /// Requests that were refused as wrong.
    pub(in crate::agent) fn refused(&self) -> Part {
        Part {
            of: self.requests,
            hits: self.client_errors,
        }
    }

    /// Requests whose clients waited so long, and then no longer.
    pub(in crate::agent) fn given_up_after(&self, ms: u64) -> u64 {
        self.given_up.from(ms)
    }

    /// Requests whose connections lived so long, whatever came of them.
    pub(in crate::agent) fn lived(&self, ms: u64) -> u64 {
        self.lives.from(ms)
    }

    /// How many times until the header there are.
    pub(in crate::agent) fn timed(&self) -> u64 {
        self.headers.count
    }

    /// At least the time of the `rank`-th fastest answer.
    pub(in crate::agent) fn at_most_ms(&self, rank: u64) -> Option<u64> {
        self.headers.at(rank).map(highest_in)
    }

    /// At most the time of the `rank`-th fastest answer.
    pub(in crate::agent) fn at_least_ms(&self, rank: u64) -> Option<u64> {
        self.headers.at(rank).map(lowest_in)
    }

    /// The milliseconds that `percent` of all answers did not exceed.
    pub(in crate::agent) fn percentile_ms(&self, percent: u64) -> Option<u64> {
        self.at_most_ms((self.timed() * percent).div_ceil(100).max(1))
    }

    /// For the receipt; `patience_ms` is how long a request may go without an answer.
    pub(in crate::agent) fn served(&self, patience_ms: u64) -> Served {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of one request")]
        let ms = |percent| self.percentile_ms(percent).map(|ms| ms as f64);
        Served {
            requests: self.requests,
            not_ok: self.not_ok,
            server_errors: self.server_errors,
            client_errors: self.client_errors,
            retried: self.retried,
            unanswered: self.given_up_after(patience_ms),
            p50_ms: ms(50),
            p99_ms: ms(99),
        }
    }
}

/// Of so many requests one may meet a connection that the app is closing: the most that was measured, of an app that
/// closes each at once, is one of twenty.
const CLOSING: u64 = 10;
/// Below this every millisecond has a bucket of its own.
const EXACT: u64 = 64;
/// Above it each doubling has this many, so a time is at most 3 % off.
const STEPS: u64 = 32;
const BUCKETS: usize = 64 + 32 * 16;

/// How many requests took how long; no room before there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Times {
    count: u64,
    buckets: Vec<u64>,
}

impl Times {
    fn add(&mut self, ms: u64) {
        if self.buckets.is_empty() {
            self.buckets = vec![0; BUCKETS];
        }
        if let Some(bucket) = self.buckets.get_mut(bucket_of(ms)) {
            *bucket += 1;
            self.count += 1;
        }
    }

    fn since(&self, earlier: &Self) -> Self {
        let then = earlier.buckets.iter().copied().chain(std::iter::repeat(0));
        let buckets = self.buckets.iter().zip(then);
        Self {
            count: self.count - earlier.count,
            buckets: buckets.map(|(now, then)| now - then).collect(),
        }
    }

    /// The bucket of the `rank`-th, counted from 1.
    fn at(&self, rank: u64) -> Option<usize> {
        let mut seen = 0;
        let reached = |count: &u64| {
            seen += count;
            seen >= rank
        };
        let found = self.buckets.iter().position(reached);
        found.filter(|_| rank > 0)
    }

    /// How many took so long or longer.
    fn from(&self, ms: u64) -> u64 {
        self.buckets.iter().skip(bucket_of(ms)).sum()
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
    lowest_in(bucket + 1) - 1
}

/// The shortest one.
fn lowest_in(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT {
        return bucket;
    }
    let (doublings, within) = ((bucket - EXACT) / STEPS, (bucket - EXACT) % STEPS);
    (within + STEPS) << (doublings + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, ms: u64) -> TrafficEvent {
        TrafficEvent::Answered {
            status,
            header_ms: (status != 101).then_some(ms),
            life_ms: ms,
        }
    }

    #[test]
    fn bounds_are_close_and_on_the_safe_side() {
        for ms in (0..300).chain([1_000, 59_999, 600_000, 3_000_000]) {
            let (low, high) = (lowest_in(bucket_of(ms)), highest_in(bucket_of(ms)));
            assert!(low <= ms && ms <= high, "{ms}: {low} to {high}");
            assert!(high - low <= ms / 32 + 1, "{ms}: {low} to {high}");
        }
        let mut counter = Counter::default();
        assert_eq!(counter.percentile_ms(99), None);
        (1..=100).for_each(|ms| counter.note(&answered(200, ms)));
        assert_eq!(
            (counter.percentile_ms(50), counter.percentile_ms(99)),
            (Some(50), Some(99))
        );
        assert_eq!(
            (counter.at_least_ms(1), counter.at_least_ms(101)),
            (Some(1), None)
        );
        let mut later = counter.clone();
        later.note(&answered(200, 7));
        assert_eq!(later.since(&counter).percentile_ms(99), Some(7));
    }

    #[test]
    fn every_end_counts_where_it_belongs() {
        let mut counter = Counter::default();
        for event in [
            answered(200, 1),
            answered(101, 90_000),
            answered(404, 1),
            answered(503, 1),
            TrafficEvent::Retried,
            TrafficEvent::GivenUp { life_ms: 20 },
            TrafficEvent::GivenUp { life_ms: 2_000 },
        ] {
            counter.note(&event);
        }
        let part = |hits, of| Part { of, hits };
        assert_eq!(counter.failed(), part(2, 5), "a retry is a failure");
        assert_eq!(counter.refused(), part(1, 5));
        assert_eq!(counter.timed(), 3, "a WebSocket has no time");
        assert_eq!(
            (counter.given_up_after(1_000), counter.lived(1_000)),
            (1, 2)
        );
        let served = counter.served(1_000);
        assert_eq!(
            (served.requests, served.not_ok, served.server_errors),
            (5, 3, 1)
        );
        counter.note(&TrafficEvent::Again);
        assert_eq!(counter.failed().hits, 3, "one of five is too many");
        (0..5).for_each(|_| counter.note(&answered(200, 1)));
        assert_eq!(counter.failed().hits, 2, "one of ten is no failure");
        assert_eq!((served.retried, served.unanswered), (1, 1));
    }
}

//! Requests by time, counted in a fixed room however long a swap takes.

use std::collections::BTreeMap;

use super::line::{By, TrafficEvent, TrafficLine};
use crate::protocol::series::{Point, Series};
use crate::protocol::slot::{PerSlot, Slot};

/// Points before the switch, and from it on.
const BEFORE: usize = 20;
const AFTER: usize = Series::MOST - BEFORE;
/// Seconds that are kept while nobody knows when the switch will be.
const KEPT: usize = 64;
/// A step is never longer: what comes even later came by a clock that was set.
const LONGEST_STEP: u64 = 128;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    requests: u64,
    bad: u64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.bad += other.bad;
    }
}

/// Requests of users by the second in which they began.
#[derive(Debug, Clone, Default)]
pub(in crate::agent) struct Curve {
    /// The first second of which everything is known: what ended before the first line has none.
    since: Option<u64>,
    /// The newest seconds before the switch, by the host's clock.
    before: BTreeMap<u64, PerSlot<Count>>,
    /// The second of the switch.
    switch: Option<u64>,
    /// Steps from that second on.
    after: Vec<PerSlot<Count>>,
    /// The length of a step is a second, doubled so often.
    doublings: u32,
}

impl Curve {
    /// Traffic is about to be moved.
    pub(in crate::agent) fn switches(&mut self, now_ms: u64) {
        self.switch = Some(now_ms / 1000);
    }

    /// Adds what a line says.
    pub(in crate::agent) fn add(&mut self, line: &TrafficLine) {
        self.since.get_or_insert(line.ended_ms / 1000 + 1);
        if line.by == By::Us {
            return;
        }
        let Some(at) = self.at(line.began_ms / 1000) else {
            return;
        };
        for (slot, event) in &line.tries {
            let bad = match *event {
                TrafficEvent::Answered { status, .. } => status >= 500,
                TrafficEvent::Retried => true,
                // What came of it is told by the next try.
                TrafficEvent::Again => continue,
                // Nobody knows what it would have got.
                TrafficEvent::GivenUp { .. } => continue,
            };
            at.get_mut(*slot).add(Count {
                requests: 1,
                bad: u64::from(bad),
            });
        }
    }

    /// Where a second is counted; nowhere when it is far away.
    fn at(&mut self, second: u64) -> Option<&mut PerSlot<Count>> {
        match self.switch.and_then(|switch| second.checked_sub(switch)) {
            Some(after) => self.step(after),
            None if self.since.is_some_and(|since| second < since) => None,
            None => {
                if self.before.len() >= KEPT
                    && !self.before.contains_key(&second)
                    && let Some((oldest, _)) = self.before.pop_first()
                {
                    self.since = self.since.max(Some(oldest + 1));
                }
                Some(self.before.entry(second).or_default())
            }
        }
    }

    /// The step of a second after the switch. Steps get twice as long when there is no more room.
    fn step(&mut self, after: u64) -> Option<&mut PerSlot<Count>> {
        let place = |doublings: u32| usize::try_from(after >> doublings).unwrap_or(usize::MAX);
        if place(LONGEST_STEP.ilog2()) >= AFTER {
            return None;
        }
        while place(self.doublings) >= AFTER {
            self.doublings += 1;
            self.after = self.after.chunks(2).map(sum).collect();
        }
        let place = place(self.doublings);
        if self.after.len() <= place {
            self.after.resize(place + 1, PerSlot::default());
        }
        self.after.get_mut(place)
    }

    /// For the receipt, `open_ms` after the switch; `None` when there was no switch or no request.
    pub(in crate::agent) fn series(&self, new: Slot, open_ms: u64) -> Option<Series> {
        let switch = self.switch?;
        let step_seconds = 1 << self.doublings;
        let mut points = self.points_before(switch, step_seconds, new);
        // What is not over yet would look like a fall.
        let whole = usize::try_from(open_ms / 1000 / step_seconds).unwrap_or(AFTER);
        let count = whole.clamp(1, AFTER);
        let empty = PerSlot::default();
        let steps = self.after.iter().chain(std::iter::repeat(&empty));
        for (at, counts) in (0..).zip(steps.take(count)) {
            points.push(point(at * step_seconds.cast_signed(), counts, new));
        }
        let seen = points.iter().any(|point| point.old + point.new > 0);
        seen.then_some(Series {
            step_seconds,
            points,
        })
    }

    /// Whole steps, the last of which ends with the switch.
    fn points_before(&self, switch: u64, step_seconds: u64, new: Slot) -> Vec<Point> {
        let Some(since) = self.since else {
            return Vec::new();
        };
        let mut points = Vec::new();
        let mut begin = switch;
        while points.len() < BEFORE {
            let end = begin;
            begin = match end.checked_sub(step_seconds) {
                Some(begin) if begin >= since => begin,
                Some(_) | None => break,
            };
            let counts: Vec<_> = self.before.range(begin..end).map(|(_, c)| *c).collect();
            let second = -(switch - begin).cast_signed();
            points.push(point(second, &sum(&counts), new));
        }
        points.reverse();
        points
    }
}

fn sum(counts: &[PerSlot<Count>]) -> PerSlot<Count> {
    let mut sum = PerSlot::<Count>::default();
    for count in counts {
        for slot in Slot::BOTH {
            sum.get_mut(slot).add(*count.get(slot));
        }
    }
    sum
}

fn point(second: i64, counts: &PerSlot<Count>, new: Slot) -> Point {
    let (old, new) = (counts.get(new.other()), counts.get(new));
    Point {
        second,
        old: old.requests,
        new: new.requests,
        bad: old.bad + new.bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::traffic::line;

    const PORTS: PerSlot<u16> = PerSlot {
        one: 8080,
        two: 8081,
    };
    /// The second of the switch.
    const SWITCH: u64 = 1_700_000_000;

    /// Requests that a slot answered with `status` in one second.
    fn requests(curve: &mut Curve, second: i64, port: u16, status: u16, count: u64) {
        let at = SWITCH.cast_signed() + second;
        let text =
            format!("{at}.500 v2 {status} 0.004 127.0.0.1:{port} | {status} | 0.004 | 0.004");
        let line = line(&text, &PORTS).unwrap();
        (0..count).for_each(|_| curve.add(&line));
    }

    fn points(curve: &Curve, open_ms: u64) -> Vec<(i64, u64, u64, u64)> {
        let series = curve.series(Slot::Two, open_ms);
        let points = series.map_or_else(Vec::new, |series| series.points);
        points
            .iter()
            .map(|point| (point.second, point.old, point.new, point.bad))
            .collect()
    }

    #[test]
    fn a_switch_is_seen_second_by_second() {
        let mut curve = Curve::default();
        // Its second is not whole.
        requests(&mut curve, -3, 8080, 200, 2);
        requests(&mut curve, -1, 8080, 200, 12);
        curve.switches(SWITCH * 1000 + 600);
        // A line is written when its request ends, so one may be late.
        requests(&mut curve, -1, 8080, 503, 1);
        requests(&mut curve, 0, 8080, 200, 4);
        requests(&mut curve, 0, 8081, 200, 5);
        requests(&mut curve, 1, 8081, 502, 3);
        requests(&mut curve, 2, 8081, 200, 1);
        let wanted = [(-2, 0, 0, 0), (-1, 13, 0, 1), (0, 4, 5, 0), (1, 0, 3, 3)];
        assert_eq!(points(&curve, 2_999), wanted);
        assert_eq!(
            points(&curve, 0),
            wanted[..3],
            "the first step is always there"
        );
        let silent = points(&curve, 5_000);
        assert_eq!(silent[4..], [(2, 0, 1, 0), (3, 0, 0, 0), (4, 0, 0, 0)]);
    }

    #[test]
    fn both_slots_count_a_request_that_the_first_one_left_to_the_other_and_nobody_one_that_was_taken_back()
     {
        let mut curve = Curve::default();
        curve.switches(SWITCH * 1000);
        for text in [
            "1700000000.250 v2 200 0.012 127.0.0.1:8081, 127.0.0.1:8080 | 502, 200 | -, 0.004 | 0.001, 0.005",
            "1700000000.250 v2 499 0.100 127.0.0.1:8081 | - | - | 0.100",
        ] {
            curve.add(&line(text, &PORTS).unwrap());
        }
        assert_eq!(points(&curve, 1_000), [(0, 1, 1, 1)]);
    }

    #[test]
    fn a_long_watch_has_longer_steps_and_loses_no_request() {
        let mut curve = Curve::default();
        for second in -300..0 {
            requests(&mut curve, second, 8080, 200, 3);
        }
        curve.switches(SWITCH * 1000);
        for second in 0..500 {
            requests(&mut curve, second, 8081, 200, 2);
        }
        let series = curve.series(Slot::Two, 500_000).unwrap();
        assert_eq!(series.step_seconds, 16);
        assert!(series.points.len() <= Series::MOST);
        let seconds: Vec<i64> = series.points.iter().map(|point| point.second).collect();
        assert_eq!(seconds[..5], [-64, -48, -32, -16, 0]);
        assert!(seconds.windows(2).all(|pair| pair[1] - pair[0] == 16));
        assert!(
            series.points[..4]
                .iter()
                .all(|point| (point.old, point.new) == (48, 0))
        );
        let new: u64 = series.points.iter().map(|point| point.new).sum();
        assert_eq!(
            new,
            2 * (500 / 16 * 16),
            "but those of the step that is not over"
        );
    }

    #[test]
    fn a_clock_that_is_set_takes_no_room() {
        let mut curve = Curve::default();
        for second in (-400_000..0).step_by(1_000) {
            requests(&mut curve, second, 8080, 200, 1);
        }
        curve.switches(SWITCH * 1000);
        for second in (0..400_000).step_by(1_000) {
            requests(&mut curve, second, 8081, 200, 1);
        }
        assert!(curve.before.len() <= KEPT && curve.after.len() <= AFTER);
        let series = curve.series(Slot::Two, u64::MAX).unwrap();
        assert_eq!(series.step_seconds, LONGEST_STEP);
        assert!(series.points.len() <= Series::MOST);
    }

    #[test]
    fn nothing_is_told_of_no_switch_and_of_no_request() {
        let mut curve = Curve::default();
        requests(&mut curve, -2, 8080, 200, 1);
        assert_eq!(curve.series(Slot::Two, 5_000), None);
        let mut silent = Curve::default();
        silent.switches(SWITCH * 1000);
        assert_eq!(silent.series(Slot::Two, 5_000), None);
    }

    #[test]
    fn a_connection_that_is_older_than_the_log_makes_nothing_up() {
        let mut curve = Curve::default();
        let socket = "1699999995.000 v2 101 600.000 127.0.0.1:8080 | 101 | 0.002 | 600.000";
        curve.add(&line(socket, &PORTS).unwrap());
        let ours = "1699999996.000 v2p 200 0.001 127.0.0.1:8080 | 200 | 0.001 | 0.001";
        curve.add(&line(ours, &PORTS).unwrap());
        requests(&mut curve, -2, 8080, 200, 3);
        curve.switches(SWITCH * 1000);
        let wanted = [
            (-4, 0, 0, 0),
            (-3, 0, 0, 0),
            (-2, 3, 0, 0),
            (-1, 0, 0, 0),
            (0, 0, 0, 0),
        ];
        assert_eq!(points(&curve, 1_000), wanted);
    }

    #[test]
    fn a_first_release_has_nothing_before_the_switch() {
        let mut curve = Curve::default();
        curve.switches(SWITCH * 1000);
        requests(&mut curve, 0, 8081, 200, 7);
        assert_eq!(points(&curve, 1_200), [(0, 0, 7, 0)]);
    }
}

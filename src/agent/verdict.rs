//! Whether a new slot does worse than the old one: from counters to a word. Pure.

use super::traffic::Counter;
use crate::protocol::plan::Bake;
use crate::protocol::receipt::Probes;

/// Fewer bad answers than this are nobody's fault.
const LEAST_BAD: u64 = 3;
/// A new process is slower while it warms up; so much more than the old one is always fine.
const SLACK_MS: u64 = 500;

/// What the traffic says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As good as the old slot.
    Good,
    /// Too few requests to tell.
    TooFew,
    /// Worse than the budget; why, in words.
    Worse(String),
}

/// The share of bad answers, which can be told at any time.
pub(super) fn by_errors(bake: &Bake, old: &Counter, new: &Counter) -> Verdict {
    if new.requests < bake.min_requests.into() {
        return Verdict::TooFew;
    }
    let before = permille(old.server_errors, old.requests);
    let now = permille(new.server_errors, new.requests);
    if new.server_errors >= LEAST_BAD && now > before + u64::from(bake.errors_permille) {
        let text = format!(
            "{} of {} answers were 5xx ({}), the old slot had {}; {} more would be fine",
            new.server_errors,
            new.requests,
            percent(now),
            percent(before),
            percent(bake.errors_permille.into()),
        );
        return Verdict::Worse(text);
    }
    Verdict::Good
}

/// The 99th percentile, told at the end from what came after the new slot had warmed up.
pub(super) fn by_time(bake: &Bake, old: &Counter, warm: &Counter) -> Verdict {
    let least = u64::from(bake.min_requests);
    let (Some(before), Some(now)) = (old.percentile_ms(99), warm.percentile_ms(99)) else {
        return Verdict::TooFew;
    };
    if old.requests < least || warm.requests < least {
        return Verdict::TooFew;
    }
    let slowdown = u64::from(bake.slowdown);
    if slowdown > 0 && now > before * slowdown && now > before + SLACK_MS {
        return Verdict::Worse(format!(
            "99 of 100 answers took up to {now} ms, from the old slot {before} ms; {slowdown} times as long would be fine"
        ));
    }
    Verdict::Good
}

/// Our own requests, where those of people are too few.
pub(super) fn by_probes(bake: &Bake, probes: &Probes) -> Verdict {
    let bad = probes.lost + probes.failed;
    if bad >= LEAST_BAD && permille(bad, probes.sent) > bake.errors_permille.into() {
        return Verdict::Worse(format!(
            "{bad} of {} requests of our own were lost or answered badly",
            probes.sent
        ));
    }
    Verdict::Good
}

fn permille(part: u64, of: u64) -> u64 {
    (part * 1000).checked_div(of).unwrap_or(0)
}

fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::traffic::Line;
    use crate::protocol::slot::Slot;
    use crate::protocol::span::Span;

    const BAKE: Bake = Bake {
        time: Span::from_millis(5000),
        errors_permille: 20,
        slowdown: 5,
        min_requests: 20,
    };

    fn counter(good: u64, bad: u64, took_ms: u64) -> Counter {
        let mut counter = Counter::default();
        for n in 0..good + bad {
            let status = if n < bad { 500 } else { 200 };
            counter.add(&Line {
                slot: Slot::One,
                status,
                began_ms: 0,
                took_ms,
            });
        }
        counter
    }

    fn is_worse(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Worse(_))
    }

    #[test]
    fn errors_are_compared_with_those_of_the_old_slot() {
        let errors = |old, new| by_errors(&BAKE, &old, &new);
        assert_eq!(
            errors(counter(100, 0, 1), counter(10, 9, 1)),
            Verdict::TooFew
        );
        assert!(is_worse(&errors(counter(100, 0, 1), counter(14, 6, 1))));
        assert_eq!(errors(counter(70, 30, 1), counter(14, 6, 1)), Verdict::Good);
        assert_eq!(
            errors(counter(100, 0, 1), counter(980, 20, 1)),
            Verdict::Good
        );
        assert!(is_worse(&errors(counter(100, 0, 1), counter(970, 30, 1))));
        let few = errors(counter(0, 0, 1), counter(18, 2, 1));
        assert_eq!(few, Verdict::Good, "two bad answers of twenty are no proof");
        assert!(is_worse(&errors(counter(0, 0, 1), counter(17, 3, 1))));
    }

    #[test]
    fn a_slot_may_be_slower_but_not_much() {
        let time = |old, new| by_time(&BAKE, &counter(100, 0, old), &counter(100, 0, new));
        assert_eq!(time(10, 400), Verdict::Good, "less than half a second more");
        assert!(is_worse(&time(10, 600)));
        assert_eq!(time(1000, 4900), Verdict::Good);
        assert!(is_worse(&time(1000, 5500)));
        let blind = Bake {
            slowdown: 0,
            ..BAKE
        };
        assert_eq!(
            by_time(&blind, &counter(100, 0, 1), &counter(100, 0, 9000)),
            Verdict::Good
        );
        assert_eq!(
            by_time(&BAKE, &counter(5, 0, 1), &counter(100, 0, 9000)),
            Verdict::TooFew
        );
    }

    #[test]
    fn our_own_requests_tell_when_nobody_else_does() {
        let probes = |sent, lost, failed| by_probes(&BAKE, &Probes { sent, lost, failed });
        assert_eq!(probes(50, 0, 0), Verdict::Good);
        assert_eq!(probes(50, 1, 1), Verdict::Good);
        assert!(is_worse(&probes(50, 1, 2)));
    }
}

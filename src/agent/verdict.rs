//! Whether a new slot does worse than the old one: from counters to a word. Pure; the methods are in `statistics`.
//!
//! Four questions, each with its part of the one false alarm in a hundred deploys that the watch may give:
//! - *Failed*: 5xx, and requests that nginx had to ask the other slot for. From the first moment.
//! - *Refused*: 4xx, which a release may mean. From the first moment, with a wide budget.
//! - *No answer*: what goes in must come out. Requests that are in the slot for longer than the patience, and those whose
//!   clients gave up after it, against all of the old slot's that lived so long. After the warm-up.
//! - *Slow*: percentiles that both counts can carry, in the last half of the watch. Slow then, it is watched for longer: a
//!   new process warms up, a slow release stays slow.
//!
//! A share must be both larger beyond chance and larger by more than its budget.

use super::statistics::{Looks, Part, rank_above, rank_below, same_share, share_of};
use super::traffic::{Counter, Waiting};
use crate::protocol::plan::Bake;

/// What each question may err with; together less than one in a hundred.
const FAILED_ALPHA: f64 = 0.003;
const SILENT_ALPHA: f64 = 0.002;
const REFUSED_ALPHA: f64 = 0.0015;
const SLOW_ALPHA: f64 = 0.0025;
const OWN_ALPHA: f64 = 0.001;

/// A share that is bad whatever the old slot's was, when that is not known.
const PLAINLY_BAD: u64 = 100;
/// A request without an answer for less is nothing to speak of.
const LEAST_PATIENCE_MS: u64 = 1_000;
/// A new process may keep its first requests waiting for so long.
const WARM_UP_MS: u64 = 3_000;
/// A slot that is slower by less is as good.
const SLACK_MS: u64 = 50;
/// The percentiles that are compared, where there are enough requests.
const PERCENTS: [u32; 3] = [50, 90, 99];
/// A slow slot is watched so many times as long as it was to be.
const LONGEST: u64 = 3;

/// What the old slot did before traffic was moved.
#[derive(Debug, Clone, Default)]
pub(super) struct Baseline {
    /// Until the switch.
    pub(super) whole: Counter,
    /// Until the new container booted beside it.
    pub(super) quiet: Counter,
    /// How long `whole` lasted.
    pub(super) span_ms: u64,
    /// What was in it at the switch.
    pub(super) waiting: Waiting,
}

impl Baseline {
    /// How long a request may go without an answer: three times what nearly all take, and no longer than the watch can see.
    pub(super) fn patience_ms(&self, bake: &Bake) -> u64 {
        let longest = (ms(bake) / 2).max(LEAST_PATIENCE_MS);
        let usual = self.times(bake).percentile_ms(99).unwrap_or(0);
        usual.saturating_mul(3).clamp(LEAST_PATIENCE_MS, longest)
    }

    /// The times to compare with: those of the quiet, when there are enough.
    fn times(&self, bake: &Bake) -> &Counter {
        if self.has_quiet(bake) {
            &self.quiet
        } else {
            &self.whole
        }
    }

    /// Whether enough requests came while nothing booted.
    pub(super) fn has_quiet(&self, bake: &Bake) -> bool {
        self.quiet.timed() >= bake.min_requests.into()
    }

    /// Whether there is enough to compare with.
    pub(super) fn is_enough(&self, bake: &Bake) -> bool {
        self.whole.requests >= bake.min_requests.into()
    }

    /// Requests that should come in so long.
    fn expected(&self, ms: u64) -> u64 {
        let expected = u128::from(self.whole.requests) * u128::from(ms);
        u64::try_from(expected / u128::from(self.span_ms.max(1_000))).unwrap_or(u64::MAX)
    }

    /// Requests that lived so long, of all of them.
    fn long(&self, ms: u64) -> Part {
        let there = self.waiting.for_ms(ms);
        let hits = self.whole.lived(ms) + there;
        let ended = self.whole.requests + self.whole.given_up_after(0);
        Part {
            of: ended + there,
            hits,
        }
    }
}

/// What the traffic says in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As good as the old slot.
    Good,
    /// Too few requests to tell.
    TooFew,
    /// Worse than the budget; why, in words.
    Worse(String),
}

/// What one look says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    GoOn,
    /// The watch is prolonged; why, in words.
    Prolonged(String),
    Over(Verdict),
}

/// One watch.
#[derive(Debug)]
pub(super) struct Judge {
    bake: Bake,
    old: Baseline,
    patience_ms: u64,
    failed: Looks,
    refused: Looks,
    silent: Looks,
    /// Requests that were given up before the new slot was warm; `None` until it is.
    given_up_cold: Option<u64>,
    /// Its past, a quarter of the watch apart.
    past: Vec<(u64, Counter)>,
    /// When the time is looked at next.
    next_pace_ms: u64,
}

/// Which looks are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Due,
    All,
}

impl Judge {
    pub(super) fn new(bake: Bake, old: Baseline) -> Self {
        Self {
            patience_ms: old.patience_ms(&bake),
            bake,
            old,
            failed: Looks::new(FAILED_ALPHA),
            refused: Looks::new(REFUSED_ALPHA),
            silent: Looks::new(SILENT_ALPHA),
            given_up_cold: None,
            past: Vec::new(),
            next_pace_ms: ms(&bake),
        }
    }

    /// One look, `took_ms` after traffic was moved: what the new slot did since, and what is in it.
    pub(super) fn look(&mut self, took_ms: u64, new: &Counter, inside: &Waiting) -> Word {
        let whole = ms(&self.bake);
        if took_ms >= whole / 4 * self.past.len() as u64 {
            self.past.push((took_ms, new.clone()));
        }
        if took_ms >= WARM_UP_MS.min(whole / 2) && self.given_up_cold.is_none() {
            self.given_up_cold = Some(new.given_up_after(self.patience_ms));
        }
        let silent = self.silent_part(new, inside);
        let came = new.requests + silent.hits;
        let least = u64::from(self.bake.min_requests);
        let enough = came >= least || self.old.expected(took_ms) >= least;
        if enough && let Some(why) = self.worse(new, silent, Which::Due) {
            return Word::Over(Verdict::Worse(why));
        }
        if took_ms < whole || self.waits_for_answers(took_ms, new, inside) {
            return Word::GoOn;
        }
        if took_ms < self.next_pace_ms {
            return Word::GoOn;
        }
        match self.pace(took_ms, new) {
            Pace::Slow(why) if took_ms < whole * LONGEST => {
                self.next_pace_ms = took_ms + (whole / 2).max(1);
                return Word::Prolonged(why);
            }
            Pace::Surely(why) => return Word::Over(Verdict::Worse(why)),
            Pace::Slow(_) | Pace::Fine => {}
        }
        if !enough {
            return Word::Over(Verdict::TooFew);
        }
        if let Some(why) = self.worse(new, silent, Which::All) {
            return Word::Over(Verdict::Worse(why));
        }
        Word::Over(if came >= least {
            Verdict::Good
        } else {
            Verdict::TooFew
        })
    }

    /// Requests without an answer, of all of them; none before the slot was warm.
    fn silent_part(&self, new: &Counter, inside: &Waiting) -> Part {
        let Some(given_up) = self.given_up_cold else {
            return Part { of: 0, hits: 0 };
        };
        let since = new.given_up_after(self.patience_ms) - given_up;
        let hits = since + inside.for_ms(self.patience_ms);
        Part {
            of: new.requests + hits,
            hits,
        }
    }

    /// Far fewer came out than should, and some are inside: they get the time that an answer may take.
    fn waits_for_answers(&self, took_ms: u64, new: &Counter, inside: &Waiting) -> bool {
        let until = ms(&self.bake) + self.patience_ms + 500;
        let few = new.requests * 2 < self.old.expected(took_ms);
        took_ms < until && few && inside.for_ms(0) > 0
    }

    fn worse(&mut self, new: &Counter, silent: Part, which: Which) -> Option<String> {
        let failed = new.failed();
        if let Some(alpha) = alpha(&mut self.failed, failed.of, which)
            && let Some(old) = self.is_worse(failed, self.old.whole.failed(), alpha)
        {
            return Some(failed_words(new, old, self.bake.errors_permille));
        }
        if let Some(alpha) = alpha(&mut self.silent, silent.of, which)
            && let Some(old) = self.is_worse(silent, self.old.long(self.patience_ms), alpha)
        {
            return Some(format!(
                "{} of {} requests had no response after {} ms; {} of the old slot's took that long, and `bake-errors` allows {} more",
                silent.hits,
                silent.of,
                self.patience_ms,
                percent(old.permille()),
                percent(self.bake.errors_permille.into()),
            ));
        }
        let refused = new.refused();
        let (old, budget) = (self.old.whole.refused(), self.bake.client_errors_permille);
        let alpha = alpha(&mut self.refused, refused.of, which)?;
        let known = self.old.is_enough(&self.bake);
        let more = refused.exceeds(old, budget.into()) && same_share(refused, old) <= alpha;
        (known && more).then(|| {
            format!(
                "{} of {} responses were 4xx ({}); the old slot had {}, and `bake-client-errors` allows {} more",
                refused.hits,
                refused.of,
                percent(refused.permille()),
                percent(old.permille()),
                percent(budget.into()),
            )
        })
    }

    /// The old share, when the new one is larger beyond chance and budget. A share that is plainly bad needs no old one.
    fn is_worse(&self, new: Part, old: Part, alpha: f64) -> Option<Part> {
        let budget = u64::from(self.bake.errors_permille);
        let known = self.old.is_enough(&self.bake);
        let compared = new.exceeds(old, budget) && same_share(new, old) <= alpha;
        let bad = PLAINLY_BAD.max(budget);
        #[expect(clippy::cast_precision_loss, reason = "at most 1000")]
        let plainly = !known && share_of(new, bad as f64 / 1000.0) <= alpha;
        (compared || plainly).then_some(old)
    }

    /// How fast the new slot is in the last half of the watch so far.
    fn pace(&self, took_ms: u64, new: &Counter) -> Pace {
        let slowdown = u64::from(self.bake.slowdown);
        let half = self.past.iter().rev().find(|(at, _)| *at <= took_ms / 2);
        let Some((_, half)) = half.filter(|_| slowdown > 0) else {
            return Pace::Fine;
        };
        let (old, new) = (self.old.times(&self.bake), new.since(half));
        let alpha = SLOW_ALPHA / 6.0;
        let limit = |ms: u64| (ms * slowdown).max(ms + SLACK_MS);
        let mut pace = Pace::Fine;
        for percent in PERCENTS {
            let share = f64::from(percent) / 100.0;
            let (Some(above), Some(below)) = (
                rank_above(old.timed(), share, alpha),
                rank_below(new.timed(), share, alpha),
            ) else {
                continue;
            };
            let at = |counter: &Counter| counter.percentile_ms(percent.into());
            let (Some(before), Some(now)) = (at(old), at(&new)) else {
                continue;
            };
            if now <= limit(before) {
                continue;
            }
            let why = format!(
                "p{percent} response time {now} ms is more than {slowdown} × the old slot's {before} ms (`bake-slowdown`)"
            );
            let (most, least) = (old.at_most_ms(above), new.at_least_ms(below));
            let surely = most
                .zip(least)
                .is_some_and(|(most, least)| least > limit(most));
            if surely && took_ms >= ms(&self.bake) * LONGEST {
                return Pace::Surely(why);
            }
            pace = Pace::Slow(why);
        }
        pace
    }
}

enum Pace {
    Fine,
    /// By what was measured.
    Slow(String),
    /// Beyond chance, and for too long to be a warm-up.
    Surely(String),
}

fn alpha(looks: &mut Looks, of: u64, which: Which) -> Option<f64> {
    match which {
        Which::Due => looks.due(of),
        Which::All => Some(looks.last(of)),
    }
}

fn failed_words(new: &Counter, old: Part, budget: u16) -> String {
    let failed = new.failed();
    let what = match (new.server_errors, new.retried) {
        (0, 0) => format!(
            "{} of {} requests got no response at first, so that nginx asked again",
            new.again, failed.of
        ),
        (errors, 0) => format!("{errors} of {} responses were 5xx", failed.of),
        (0, retried) => format!(
            "{retried} of {} requests got no response and were sent to the other slot",
            failed.of
        ),
        (errors, retried) => format!(
            "of {} requests {errors} got a 5xx and {retried} no response at all, so that nginx asked the other slot",
            failed.of
        ),
    };
    format!(
        "{what} ({}); the old slot had {}, and `bake-errors` allows {} more",
        percent(failed.permille()),
        percent(old.permille()),
        percent(budget.into()),
    )
}

/// Our own requests, where those of users are too few: bad ones now, and through the same listener before the switch.
pub(super) fn by_probes(bake: &Bake, now: Part, before: Part) -> Verdict {
    let more = now.exceeds(before, bake.errors_permille.into());
    let chance = if before.of >= bake.min_requests.into() {
        same_share(now, before)
    } else {
        share_of(now, 0.1)
    };
    if more && chance <= OWN_ALPHA {
        let what = format!(
            "{} of our {} own requests were lost or failed; {} of {} before the switch",
            now.hits, now.of, before.hits, before.of
        );
        return Verdict::Worse(what);
    }
    Verdict::Good
}

fn ms(bake: &Bake) -> u64 {
    u64::try_from(bake.time.duration().as_millis()).unwrap_or(u64::MAX / LONGEST)
}

fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;

//! The watch against made-up sites, with fixed seeds: how often an identical release is taken back, and how soon a worse
//! one is. The judge is the real one; requests, connections and the clock are made up.
//!
//! The tables are in `docs/watch.md`: `UPDATE=1 cargo test --lib watch_simulation` writes them, the test compares.

use std::fmt::Write as _;
use std::path::Path;

use super::statistics::{Part, share_of};
use super::tests::BAKE;
use super::traffic::{Counter, TrafficEvent, Waiting};
use super::verdict::{Baseline, Judge, Verdict, Word};

const LOOK_MS: u64 = 250;
/// How long the host was connected before the switch.
const BASELINE_MS: u64 = 10_000;
/// Deploys of each cell.
const SAME: u64 = 200;
const WORSE: u64 = 100;
/// So many of [`SAME`] may be taken back: 1 of 100.
const MOST: u64 = SAME / 100;

/// xorshift64*: small, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// True with so many of 10,000.
    fn hits(&mut self, of_ten_thousand: u64) -> bool {
        self.roll() % 10_000 < of_ten_thousand
    }

    /// How many come in a quarter of a second: a binomial draw with many small chances.
    fn arrivals(&mut self, per_second: u64) -> u64 {
        let tries = per_second;
        (0..tries).filter(|_| self.roll().is_multiple_of(4)).count() as u64
    }

    /// A time of an answer with a long tail, in milliseconds: half of them take less than 30.
    fn time_ms(&mut self) -> u64 {
        let bits = self.roll();
        // Heads in a row double it; the rest spreads it.
        let doubled = (bits >> 32).trailing_ones().min(4);
        (15 + bits % 16) << doubled
    }
}

/// How a slot behaves.
#[derive(Debug, Clone, Copy)]
struct SlotBehaviour {
    per_second: u64,
    /// Of 10,000.
    errors: u64,
    /// Of 10,000, for about two seconds.
    slow: u64,
    /// Of 10,000, for ever.
    hung: u64,
    times: u64,
}

/// One slot at work.
struct SimulatedSlot {
    site: SlotBehaviour,
    now_ms: u64,
    counter: Counter,
    waiting: Waiting,
    /// Requests that take long: when they end, and when they began.
    open: Vec<(u64, u64)>,
}

impl SimulatedSlot {
    fn new(site: SlotBehaviour) -> Self {
        Self {
            site,
            now_ms: 0,
            counter: Counter::default(),
            waiting: Waiting::default(),
            open: Vec::new(),
        }
    }

    /// The next quarter of a second.
    fn go_on(&mut self, dice: &mut Dice) {
        let (began_ms, site) = (self.now_ms, self.site);
        self.now_ms += LOOK_MS;
        for _ in 0..dice.arrivals(site.per_second) {
            if dice.hits(site.hung) {
                self.open.push((u64::MAX, began_ms));
            } else if dice.hits(site.slow) {
                let took_ms = 1_500 + dice.roll() % 1_000;
                self.open.push((began_ms + took_ms, began_ms));
            } else {
                let ms = dice.time_ms() * site.times;
                let status = if dice.hits(site.errors) { 500 } else { 200 };
                self.counter.note(&answered(status, ms));
            }
        }
        let now_ms = self.now_ms;
        for (_, _) in self.open.extract_if(.., |(end, _)| *end <= now_ms) {
            self.counter.note(&answered(200, 2_000));
        }
        let ages = self.open.iter().map(|(_, began_ms)| now_ms - began_ms);
        self.waiting = Waiting::new(ages.collect());
    }
}

fn answered(status: u16, ms: u64) -> TrafficEvent {
    TrafficEvent::Answered {
        status,
        header_ms: Some(ms),
        life_ms: ms,
    }
}

/// One deploy: how the watch ended, and when.
fn deploy(old: SlotBehaviour, new: SlotBehaviour, seed: u64) -> (Verdict, u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut before, mut after) = (SimulatedSlot::new(old), SimulatedSlot::new(new));
    while before.now_ms < BASELINE_MS {
        before.go_on(&mut dice);
    }
    let baseline = Baseline {
        quiet: before.counter.clone(),
        whole: before.counter,
        span_ms: BASELINE_MS,
        waiting: before.waiting,
    };
    let mut judge = Judge::new(BAKE, baseline);
    loop {
        match judge.look(after.now_ms, &after.counter, &after.waiting) {
            Word::Over(verdict) => return (verdict, after.now_ms),
            Word::GoOn | Word::Prolonged(_) => after.go_on(&mut dice),
        }
    }
}

const GOOD: SlotBehaviour = SlotBehaviour {
    per_second: 20,
    errors: 50,
    slow: 0,
    hung: 0,
    times: 1,
};

/// With so many of so many, the share is below this with 95 % confidence (Clopper and Pearson), in tenths of a percent.
fn at_most_permille(part: Part) -> u64 {
    let possible = |permille: u64| {
        let good = Part {
            of: part.of,
            hits: part.of - part.hits,
        };
        let share = f64::from(u32::try_from(permille).unwrap()) / 1000.0;
        share_of(good, 1.0 - share) > 0.05
    };
    (1..1000).find(|permille| !possible(*permille)).unwrap()
}

fn same() -> String {
    let mut table = String::from(
        "| 5xx | slow | 5/s | 10/s | 20/s | 100/s | 500/s |\n|---|---|---|---|---|---|---|\n",
    );
    let mut all = Part { of: 0, hits: 0 };
    for errors in [0, 50, 100, 200, 500] {
        for slow in [0, 20, 100] {
            write!(table, "| {} % | {} % |", share(errors), share(slow)).unwrap();
            for per_second in [5, 10, 20, 100, 500] {
                let site = SlotBehaviour {
                    per_second,
                    errors,
                    slow,
                    ..GOOD
                };
                let back = |seed: &u64| {
                    let seed = seed + 1_000_000 * per_second + 10_000 * errors + slow;
                    matches!(deploy(site, site, seed).0, Verdict::Worse(_))
                };
                let hits = (0..SAME).filter(back).count() as u64;
                assert!(
                    hits <= MOST,
                    "{hits} of {SAME} identical releases: {site:?}"
                );
                all = Part {
                    of: all.of + SAME,
                    hits: all.hits + hits,
                };
                write!(table, " {hits} |").unwrap();
            }
            table.push('\n');
        }
    }
    let most = at_most_permille(all);
    writeln!(
        table,
        "\nDeploys taken back of {SAME} in each cell; the test fails above {MOST}.\nIn all {} of {}: less than {}.{} % with 95 % confidence.",
        all.hits,
        all.of,
        most / 10,
        most % 10,
    )
    .unwrap();
    table
}

fn share(of_ten_thousand: u64) -> String {
    match (of_ten_thousand / 100, of_ten_thousand % 100 / 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

/// What is worse about a release.
type Degradation = fn(&mut SlotBehaviour);

fn worse() -> String {
    let mut table =
        String::from("| the new release | 5/s | 20/s | 100/s | 500/s |\n|---|---|---|---|---|\n");
    let cases: [(&str, Degradation); 6] = [
        ("5 % more 5xx", |site| site.errors += 500),
        ("10 % more 5xx", |site| site.errors += 1_000),
        ("30 % more 5xx", |site| site.errors += 3_000),
        ("every request hangs", |site| site.hung = 10_000),
        ("three times slower", |site| site.times = 3),
        ("five times slower", |site| site.times = 5),
    ];
    for (name, change) in cases {
        write!(table, "| {name} |").unwrap();
        for per_second in [5, 20, 100, 500] {
            let old = SlotBehaviour { per_second, ..GOOD };
            let mut new = old;
            change(&mut new);
            let mut times: Vec<u64> = (0..WORSE)
                .map(|seed| deploy(old, new, seed + 77_000_000 + per_second))
                .filter(|(verdict, _)| matches!(verdict, Verdict::Worse(_)))
                .map(|(_, at_ms)| at_ms)
                .collect();
            times.sort_unstable();
            let at = |percent: usize| {
                let rank = (WORSE as usize * percent).div_ceil(100) - 1;
                let at_ms = times.get(rank).copied();
                at_ms.map_or("–".to_owned(), |ms| {
                    format!("{}.{:02} s", ms / 1000, ms % 1000 / 10)
                })
            };
            if name.starts_with("30") && per_second == 20 {
                assert!(times.get(94).is_some_and(|ms| *ms <= 2_250), "{times:?}");
                assert!(times[49] <= 2_000, "{times:?}");
            }
            write!(table, " {}, {} ({}) |", at(50), at(95), times.len()).unwrap();
        }
        table.push('\n');
    }
    writeln!(
        table,
        "\nHalf of them were caught by the first time, 95 of 100 by the second, counted from the switch; in brackets how many of\n{WORSE} were caught at all. `–`: not so many."
    )
    .unwrap();
    table
}

#[test]
fn identical_releases_stay_and_worse_ones_are_caught() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/watch.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut wanted = text.clone();
    for (mark, table) in [("same", same()), ("worse", worse())] {
        let (begin, end) = (
            format!("<!-- {mark} -->\n"),
            format!("<!-- {mark} ends -->"),
        );
        let (before, rest) = wanted.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        wanted = format!("{before}{begin}{table}{end}{after}");
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, wanted).unwrap();
    } else {
        assert!(
            text == wanted,
            "the tables in docs/watch.md are of another watch:\n{wanted}"
        );
    }
}

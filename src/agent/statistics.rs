//! The statistics of the watch: from counts to probabilities. Pure, exact, and nothing of our own invention.
//!
//! | question | method | source |
//! |---|---|---|
//! | is this share larger than that one? | Fisher's exact test, one-sided: the upper tail of the hypergeometric distribution | R. A. Fisher, *The Design of Experiments* (1935), ch. 2 |
//! | is this share larger than a number? | exact binomial test, one-sided | C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) |
//! | may one look again and again? | a union bound: the k-th look may err with `6 / (π² k²)` of the whole, and these add up to 1 | Bonferroni; the idea of spending: K. K. G. Lan and D. L. `DeMets`, Biometrika 70 (1983) |
//! | how long does a request take? | order statistics as confidence bounds of a quantile, whatever the distribution | W. R. Thompson, Ann. Math. Stat. 7 (1936); H. A. David and H. N. Nagaraja, *Order Statistics*, 3rd ed., § 7.1 |
//!
//! Anytime-valid tests (M. Lindon and A. Malek, *Anytime-Valid Inference for Multinomial Count Data*, Advances in Neural Information Processing Systems, 2022) may be
//! looked at after every request and need no plan of looks; they pay for it with a prior and, in the first seconds, with
//! power. A watch has some twenty looks and a few hundred requests, so exact tests at spaced looks decide sooner, and
//! their promise rests on counting alone.

use std::f64::consts::PI;

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) of: u64,
    pub(super) hits: u64,
}

impl Part {
    /// The share in tenths of a percent; nothing of nothing is none.
    pub(super) fn permille(self) -> u64 {
        (self.hits * 1000).checked_div(self.of).unwrap_or(0)
    }

    /// Whether this share is more than `budget` above the other one, in tenths of a percent.
    pub(super) fn exceeds(self, other: Self, budget: u64) -> bool {
        let (of, other_of) = (u128::from(self.of), u128::from(other.of.max(1)));
        let (hits, other_hits) = (u128::from(self.hits), u128::from(other.hits));
        of > 0 && 1000 * hits * other_of > of * (1000 * other_hits + u128::from(budget) * other_of)
    }
}

/// How likely it is to see `new` or more when both have the same share: Fisher's exact test. Without anything to
/// compare with it is certain.
pub(super) fn same_share(new: Part, old: Part) -> f64 {
    if old.of == 0 || !new.exceeds(old, 0) {
        return 1.0;
    }
    let (all, marked) = (new.of + old.of, new.hits + old.hits);
    let first = ln_choose(marked, new.hits) + ln_choose(all - marked, new.of - new.hits)
        - ln_choose(all, new.of);
    tail(first.exp(), new.hits, marked.min(new.of), |hits| {
        let left = real(marked - hits) * real(new.of - hits);
        left / (real(hits + 1) * real(all + hits + 1 - marked - new.of))
    })
}

/// How likely it is to see `new` or more when the share is `share`: the exact binomial test.
pub(super) fn share_of(new: Part, share: f64) -> f64 {
    let exactly = |hits: u64| {
        let (hit, rest) = (real(hits), real(new.of - hits));
        (ln_choose(new.of, hits) + hit * share.ln() + rest * (-share).ln_1p()).exp()
    };
    // From the middle outwards: what is far out is too small for a number.
    match new.hits.checked_sub(1) {
        None => 1.0,
        Some(fewer) if real(new.hits) <= real(new.of) * share => {
            let down = |missed: u64| {
                let hits = real(fewer - missed);
                hits / (real(new.of) - hits + 1.0) * (1.0 - share) / share
            };
            1.0 - tail(exactly(fewer), 0, fewer, down)
        }
        Some(_) => tail(exactly(new.hits), new.hits, new.of, |hits| {
            real(new.of - hits) / real(hits + 1) * share / (1.0 - share)
        }),
    }
}

/// Adds up the probabilities from `from` to `to`; `ratio` leads from each to the next.
fn tail(first: f64, from: u64, to: u64, ratio: impl Fn(u64) -> f64) -> f64 {
    let (mut term, mut sum) = (first, first);
    for hits in from..to {
        let ratio = ratio(hits);
        term *= ratio;
        sum += term;
        if ratio < 1.0 && term < sum * 1e-17 {
            break;
        }
    }
    sum.min(1.0)
}

/// Of `of` values in order, counted from 1, the last one that is below the quantile `share` but for a chance of
/// `alpha`; `None` when so few carry no bound.
pub(super) fn rank_below(of: u64, share: f64, alpha: f64) -> Option<u64> {
    // The r-th value is above the quantile when fewer than r of them are below it.
    let fewer = |rank: u64| {
        let above = Part {
            of,
            hits: of - (rank - 1),
        };
        share_of(above, 1.0 - share) <= alpha
    };
    let rank = first_without(1, of + 1, fewer) - 1;
    (rank > 0).then_some(rank)
}

/// The first one that is above the quantile but for a chance of `alpha`.
pub(super) fn rank_above(of: u64, share: f64, alpha: f64) -> Option<u64> {
    let too_low = |rank: u64| share_of(Part { of, hits: rank }, share) > alpha;
    let rank = first_without(1, of + 1, too_low);
    (rank <= of).then_some(rank)
}

/// The first number in `from..to` without a property that the lower ones have; `to` when all have it.
fn first_without(mut from: u64, mut to: u64, has: impl Fn(u64) -> bool) -> u64 {
    while from < to {
        let middle = from + (to - from) / 2;
        if has(middle) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}

/// What one test may err with over all its looks; a look is due whenever there is a quarter more to look at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Looks {
    alpha: f64,
    taken: u32,
    next: u64,
}

impl Looks {
    pub(super) fn new(alpha: f64) -> Self {
        Self {
            alpha,
            taken: 0,
            next: 1,
        }
    }

    /// What a look at `of` requests may err with, when it is due.
    pub(super) fn due(&mut self, of: u64) -> Option<f64> {
        (of >= self.next).then(|| self.take(of))
    }

    /// A look that is taken whether it is due or not: the last one.
    pub(super) fn last(&mut self, of: u64) -> f64 {
        self.take(of)
    }

    fn take(&mut self, of: u64) -> f64 {
        self.taken += 1;
        self.next = of + of.div_ceil(4).max(1);
        let taken = f64::from(self.taken);
        self.alpha * 6.0 / (PI * PI * taken * taken)
    }
}

fn ln_choose(of: u64, hits: u64) -> f64 {
    ln_factorial(of) - ln_factorial(hits) - ln_factorial(of - hits)
}

/// By Stirling's series, which is exact to 12 digits from 16 on; below that by multiplication.
fn ln_factorial(n: u64) -> f64 {
    if n < 16 {
        return (2..=n).map(real).product::<f64>().ln();
    }
    let x = real(n);
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5))
        - 1.0 / (1680.0 * x.powi(7));
    x * x.ln() - x + 0.5 * (2.0 * PI * x).ln() + series
}

#[expect(
    clippy::cast_precision_loss,
    reason = "requests of one deploy are far fewer than 2^52"
)]
fn real(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(hits: u64, of: u64) -> Part {
        Part { of, hits }
    }

    fn close(found: f64, wanted: f64) -> bool {
        (found / wanted - 1.0).abs() < 1e-9
    }

    #[test]
    fn fishers_test_is_that_of_the_books() {
        // The lady tasting tea: 4 of 4, and 3 of 4.
        assert!(close(same_share(part(4, 4), part(0, 4)), 1.0 / 70.0));
        assert!(close(same_share(part(3, 4), part(1, 4)), 17.0 / 70.0));
        // All of 8 against none of 500: one way of C(508, 8).
        let ways = (0..8).fold(1.0, |ways, n| ways * f64::from(508 - n) / f64::from(n + 1));
        assert!(close(same_share(part(8, 8), part(0, 500)), 1.0 / ways));
        assert!(close(same_share(part(1, 10), part(1, 10)), 1.0));
        assert!(close(same_share(part(9, 9), part(0, 0)), 1.0));
    }

    #[test]
    fn the_binomial_test_adds_up_every_case() {
        let by_hand: f64 = [
            120.0 * 0.001 * 0.9_f64.powi(7),
            210.0 * 1e-4 * 0.9_f64.powi(6),
        ]
        .into_iter()
        .chain((5..=10).map(|hits| {
            let ways = [252.0, 210.0, 120.0, 45.0, 10.0, 1.0][hits - 5];
            let hits = i32::try_from(hits).unwrap();
            ways * 0.1_f64.powi(hits) * 0.9_f64.powi(10 - hits)
        }))
        .sum();
        assert!(close(share_of(part(3, 10), 0.1), by_hand));
        assert!(close(share_of(part(0, 10), 0.1), 1.0));
        assert!(close(share_of(part(20, 20), 0.5), 0.5_f64.powi(20)));
        assert!(
            share_of(part(90_000, 100_000), 0.9) > 0.49,
            "large counts keep their digits"
        );
    }

    #[test]
    fn bounds_of_a_quantile_are_ranks_and_few_values_carry_none() {
        // The median of 10: all of them are on one side with 1 of 1024.
        assert_eq!(rank_above(10, 0.5, 0.001), Some(10));
        assert_eq!(rank_above(9, 0.5, 0.001), None);
        assert_eq!(rank_below(10, 0.5, 0.001), Some(1));
        assert_eq!(rank_below(9, 0.5, 0.001), None);
        // The book's table: the 95 % interval of a median of 20 is the 6th to the 15th.
        assert_eq!(
            (rank_below(20, 0.5, 0.025), rank_above(20, 0.5, 0.025)),
            (Some(6), Some(15))
        );
        assert_eq!(rank_above(600, 0.99, 0.0005), None);
        assert!(rank_above(800, 0.99, 0.0005).is_some());
        assert_eq!(rank_above(0, 0.5, 0.1), None);
        assert_eq!(rank_below(0, 0.5, 0.1), None);
    }

    #[test]
    fn looks_err_with_less_and_less_and_never_with_more_than_all() {
        let mut looks = Looks::new(0.01);
        let (mut spent, mut due) = (0.0, 0);
        for of in 0..1_000_000 {
            if let Some(alpha) = looks.due(of) {
                (spent, due) = (spent + alpha, due + 1);
            }
        }
        assert!(spent > 0.009 && spent < 0.01, "{spent}");
        assert!((40..70).contains(&due), "{due} looks at a million requests");
        assert!(looks.last(1_000_000) > 0.0);
    }

    #[test]
    fn shares_are_compared_in_whole_numbers() {
        assert_eq!((part(1, 3).permille(), part(0, 0).permille()), (333, 0));
        assert!(part(3, 100).exceeds(part(0, 50), 20));
        assert!(!part(2, 100).exceeds(part(0, 50), 20));
        assert!(!part(0, 0).exceeds(part(0, 0), 0));
        assert!(part(1, 2).exceeds(part(0, 0), 20));
    }
}

//! From counters to a word, case by case.

use super::*;
use crate::agent::tests::BAKE;
use crate::agent::traffic::TrafficEvent;
use crate::protocol::span::Span;

fn answers(count: u64, status: u16, ms: u64) -> Vec<TrafficEvent> {
    let event = TrafficEvent::Answered {
        status,
        header_ms: Some(ms),
        life_ms: ms,
    };
    (0..count).map(|_| event).collect()
}

fn counter(parts: &[Vec<TrafficEvent>]) -> Counter {
    let mut counter = Counter::default();
    parts.iter().flatten().for_each(|event| counter.note(event));
    counter
}

fn baseline(parts: &[Vec<TrafficEvent>], span_ms: u64) -> Baseline {
    Baseline {
        whole: counter(parts),
        quiet: counter(parts),
        span_ms,
        waiting: Waiting::default(),
    }
}

/// So many requests are in the slot, since `since_ms`, as seen at `now_ms`.
fn inside(count: u16, since_ms: u64, now_ms: u64) -> Waiting {
    Waiting::new(vec![now_ms - since_ms; count.into()])
}

/// A whole watch of a new slot that does the same again in each look.
fn watch(old: Baseline, each: &[Vec<TrafficEvent>], hanging: u16) -> (Verdict, u64) {
    let mut judge = Judge::new(BAKE, old);
    let mut new = Counter::default();
    for look in 0.. {
        let at_ms = look * 250;
        match judge.look(at_ms, &new, &inside(hanging, 0, at_ms)) {
            Word::Over(verdict) => return (verdict, at_ms),
            Word::GoOn | Word::Prolonged(_) => {}
        }
        assert!(at_ms < 60_000, "a watch has an end");
        each.iter().flatten().for_each(|event| new.note(event));
    }
    unreachable!()
}

fn worse(old: Baseline, each: &[Vec<TrafficEvent>], hanging: u16) -> (String, u64) {
    match watch(old, each, hanging) {
        (Verdict::Worse(why), at_ms) => (why, at_ms),
        (other, at_ms) => panic!("{other:?} after {at_ms} ms"),
    }
}

fn clean() -> Baseline {
    baseline(&[answers(300, 200, 4)], 15_000)
}

#[test]
fn the_same_again_is_good() {
    let same = [answers(5, 200, 4)];
    assert_eq!(watch(clean(), &same, 0), (Verdict::Good, 5_000));
    let poor = [answers(90, 200, 4), answers(10, 500, 4)];
    let as_poor = [answers(9, 200, 4), answers(1, 500, 4)];
    assert_eq!(watch(baseline(&poor, 15_000), &as_poor, 0).0, Verdict::Good);
}

#[test]
fn errors_beyond_chance_and_budget_are_worse_at_once() {
    let (why, at_ms) = worse(clean(), &[answers(4, 200, 4), answers(2, 500, 4)], 0);
    assert!(
        at_ms <= 1_250 && why.contains("5xx (33.3 %)"),
        "{at_ms}: {why}"
    );
    // Twice as many as before, well beyond chance, and still within the budget.
    let more = [answers(492, 200, 4), answers(8, 500, 4)];
    let old = baseline(&[answers(29_850, 200, 4), answers(150, 500, 4)], 15_000);
    assert_eq!(watch(old, &more, 0).0, Verdict::Good);
    // Three of the first twenty by accident, as in the rest of the log.
    let old = baseline(&[answers(285, 200, 4), answers(15, 500, 4)], 15_000);
    let mut judge = Judge::new(BAKE, old);
    let new = counter(&[answers(17, 200, 4), answers(3, 500, 4)]);
    assert_eq!(judge.look(1_000, &new, &Waiting::default()), Word::GoOn);
}

#[test]
fn a_retry_is_a_failure_of_the_slot_that_was_asked_first() {
    let dropped = vec![TrafficEvent::Retried; 2];
    let (why, at_ms) = worse(clean(), &[answers(4, 200, 4), dropped], 0);
    assert!(
        at_ms <= 1_250 && why.contains("the other slot"),
        "{at_ms}: {why}"
    );
}

#[test]
fn silence_is_not_health() {
    let (why, at_ms) = worse(clean(), &[], 8);
    assert!(
        at_ms <= 2_750 && why.contains("8 of 8 requests had no response"),
        "{at_ms}: {why}"
    );
    // A client that gives up leaves a line, and the next one comes.
    let gone = vec![TrafficEvent::GivenUp { life_ms: 1_500 }; 2];
    assert!(worse(clean(), &[gone], 0).1 <= 3_500);
    // Nobody comes any more: nothing goes in.
    assert_eq!(watch(clean(), &[], 0), (Verdict::TooFew, 5_000));
    // With a short watch, whoever is inside still gets the time that an answer takes.
    let bake = Bake {
        time: Span::from_millis(500),
        ..BAKE
    };
    let mut judge = Judge::new(bake, clean());
    let words: Vec<Word> = (0..8)
        .map(|look| judge.look(look * 250, &Counter::default(), &inside(8, 0, look * 250)))
        .collect();
    assert!(
        words
            .iter()
            .any(|word| matches!(word, Word::Over(Verdict::Worse(_)))),
        "{words:?}"
    );
}

#[test]
fn long_polls_and_websockets_that_were_there_before_are_no_silence() {
    let mut old = baseline(&[answers(270, 200, 4), answers(30, 200, 4_000)], 15_000);
    old.waiting = inside(10, 0, 10_000);
    assert_eq!(watch(old, &[answers(9, 200, 4)], 12).0, Verdict::Good);
}

#[test]
fn refusals_have_a_budget_of_their_own() {
    let (why, _) = worse(clean(), &[answers(5, 404, 4)], 0);
    assert!(why.contains("4xx (100.0 %)"), "{why}");
    let meant = [answers(8, 200, 4), answers(2, 401, 4)];
    assert_eq!(watch(clean(), &meant, 0).0, Verdict::Good);
    let closed = baseline(&[answers(300, 401, 4)], 15_000);
    assert_eq!(watch(closed, &[answers(5, 401, 4)], 0).0, Verdict::Good);
}

#[test]
fn a_slow_slot_is_worse_when_it_had_its_time_to_warm_up() {
    let (why, at_ms) = worse(clean(), &[answers(5, 200, 400)], 0);
    assert!(
        at_ms == 15_000 && why.contains("p50 response time"),
        "{at_ms}: {why}"
    );
    assert_eq!(
        watch(clean(), &[answers(5, 200, 50)], 0),
        (Verdict::Good, 5_000)
    );
    let old = || baseline(&[answers(300, 200, 100)], 15_000);
    assert_eq!(
        watch(old(), &[answers(5, 200, 190)], 0),
        (Verdict::Good, 5_000)
    );
    assert_eq!(worse(old(), &[answers(5, 200, 300)], 0).1, 15_000);
    // It warms up in eight seconds.
    let mut judge = Judge::new(BAKE, clean());
    let mut new = Counter::default();
    let mut prolonged = 0;
    for look in 0.. {
        match judge.look(look * 250, &new, &Waiting::default()) {
            Word::Over(verdict) => {
                assert_eq!(verdict, Verdict::Good);
                break;
            }
            Word::Prolonged(_) => prolonged += 1,
            Word::GoOn => {}
        }
        let ms = if look < 32 { 300 } else { 4 };
        answers(5, 200, ms).iter().for_each(|event| new.note(event));
    }
    assert!(prolonged >= 1);
}

/// While a container boots on the same processor the old slot is slow, and that is no measure for the new one.
#[test]
fn times_are_compared_with_those_from_before_the_boot() {
    let slow_while_it_boots = || Baseline {
        whole: counter(&[answers(300, 200, 4), answers(600, 200, 400)]),
        ..clean()
    };
    assert_eq!(
        worse(slow_while_it_boots(), &[answers(5, 200, 400)], 0).1,
        15_000
    );
    // Too few from before: all of them have to do.
    let few_before = Baseline {
        quiet: counter(&[answers(5, 200, 4)]),
        ..slow_while_it_boots()
    };
    assert_eq!(
        watch(few_before, &[answers(5, 200, 400)], 0),
        (Verdict::Good, 5_000)
    );
}

#[test]
fn few_requests_prove_nothing_and_an_unknown_past_excuses_nothing() {
    let quiet = || baseline(&[answers(8, 200, 4)], 15_000);
    let mut judge = Judge::new(BAKE, quiet());
    let some = counter(&[answers(3, 200, 4), answers(2, 500, 4)]);
    assert_eq!(
        judge.look(5_000, &some, &Waiting::default()),
        Word::Over(Verdict::TooFew)
    );
    let (why, _) = worse(quiet(), &[answers(3, 200, 4), answers(3, 500, 4)], 0);
    assert!(why.contains("5xx"), "{why}");
    assert_eq!(
        watch(Baseline::default(), &[answers(5, 200, 9_000)], 0).0,
        Verdict::Good
    );
}

#[test]
fn our_own_requests_tell_when_nobody_else_does() {
    let probes = |hits, before| {
        let part = |hits| Part { of: 100, hits };
        by_probes(&BAKE, part(hits), part(before))
    };
    assert_eq!(probes(0, 0), Verdict::Good);
    assert_eq!(probes(3, 0), Verdict::Good);
    assert!(matches!(probes(30, 0), Verdict::Worse(_)));
    assert_eq!(
        probes(30, 30),
        Verdict::Good,
        "the listener was no better before"
    );
}

#[test]
fn patience_follows_the_old_slot_within_what_a_watch_can_see() {
    let patience = |ms| baseline(&[answers(300, 200, ms)], 15_000).patience_ms(&BAKE);
    assert_eq!((patience(4), patience(60_000)), (1_000, 2_500));
    assert!((1_500..1_600).contains(&patience(500)));
}

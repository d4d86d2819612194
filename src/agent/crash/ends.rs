//! A release that ends or falls sick by itself, sooner or later: before the commit it goes back; after it the old slot
//! is stopped only when the new one serves.

use std::collections::BTreeMap;

use super::stories::{SECOND, Story, SwitchMethod};
use super::{heal, live};
use crate::agent::tests::image;
use crate::host::sim::{Behaviour, Death, SimHost};
use crate::protocol::outcome::{Finished, Outcome};

/// Longer than a whole swap takes.
const LATEST_MS: u64 = 3_000;

/// One swap by a release that goes bad after any time; `end` names how each came out, and there are three ways.
fn at_any_time(
    behaviour: fn(u64) -> Behaviour,
    end: impl Fn(&SimHost, &Finished) -> Option<&'static str>,
) {
    for switch in SwitchMethod::BOTH {
        let mut ends = BTreeMap::<_, usize>::new();
        for ms in (0..LATEST_MS).step_by(10) {
            let story = Story {
                behaviour: behaviour(ms),
                ..SECOND
            };
            let (begin, plan) = story.begin(switch);
            let host = begin.after(Death::Kill);
            host.world.borrow_mut().done.clear();
            let finished = live(&host, &plan).unwrap();
            let at = format!("{switch:?}, {:?}: {finished:?}", story.behaviour);
            let broken = host.world.borrow().broken.clone();
            assert_eq!(broken, Vec::<String>::new(), "{at}");
            let end = match finished.outcome {
                Outcome::RolledBack => {
                    assert_eq!(host.serves(), Some(image(1)), "{at}");
                    "went back"
                }
                _ => end(&host, &finished).unwrap_or_else(|| panic!("{at}")),
            };
            *ends.entry(end).or_default() += 1;
        }
        println!("{switch:?}: {ends:?}");
        assert_eq!(ends.len(), 3, "{ends:?}");
    }
}

#[test]
fn whenever_the_new_release_ends_it_serves_again_before_the_old_slot_is_stopped() {
    at_any_time(Behaviour::EndsAfter, |host, finished| {
        let well = finished.outcome == Outcome::Deployed && host.serves() == Some(image(2));
        let done = &host.world.borrow().done;
        well.then_some(if done.contains(&"container_start") {
            "were started again"
        } else {
            "lived long enough"
        })
    });
}

#[test]
fn whenever_the_new_release_falls_sick_somebody_can_serve() {
    at_any_time(Behaviour::SickAfter, |host, finished| {
        match (finished.outcome, finished.reason.as_str()) {
            (Outcome::Deployed, "cleanup-incomplete") => {
                assert_eq!(host.running(), ["db", "web-1", "web-2"], "{finished:?}");
                Some("were left beside the old one")
            }
            (Outcome::Deployed, "deployed") => Some("lived long enough"),
            _ => None,
        }
    });
}

#[test]
fn after_a_boot_that_brings_no_container_back_nothing_is_started_out_of_order() {
    for switch in SwitchMethod::BOTH {
        let (begin, plan) = SECOND.begin(switch);
        let calm = begin.after(Death::Kill);
        live(&calm, &plan);
        let mut committed = 0;
        for at in 0..calm.points() {
            let host = begin.after(Death::Kill);
            host.crash_at.set(Some(at));
            live(&host, &plan);
            let host = host.after(Death::PowerLoss);
            if !host.world.borrow().has_noted("committed") {
                continue;
            }
            committed += 1;
            host.stop_everything();
            host.world.borrow_mut().done.clear();
            assert!(matches!(heal(&host), Some(Ok(_))), "{switch:?}, {at}");
            let started = host.world.borrow().done.contains(&"compose_up");
            assert!(!started, "{switch:?}, {at}: without what it needs");
        }
        assert!(committed > 3, "{committed}");
    }
}

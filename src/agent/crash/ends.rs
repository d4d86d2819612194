//! A release that ends or falls sick by itself, sooner or later: before the commit it goes back; after it the old slot
//! is stopped only when the new one serves.

use std::collections::BTreeMap;

use super::stories::{SECOND, Story, Switch};
use super::{heal, live, paths};
use crate::agent::tests::image;
use crate::host::sim::{Behaviour, Death, SimHost};
use crate::protocol::outcome::{Finished, Outcome};

/// Longer than a whole swap takes.
const LATEST_MS: u64 = 3_000;

fn with(behaviour: Behaviour, switch: Switch) -> (SimHost, Finished) {
    let story = Story {
        behaviour,
        ..SECOND
    };
    let (begin, plan) = story.begin(switch);
    let host = begin.after(Death::Kill);
    host.world.borrow_mut().done.clear();
    let finished = live(&host, &plan).unwrap();
    let broken = host.world.borrow().broken.clone();
    assert_eq!(broken, Vec::<String>::new(), "{behaviour:?}: {finished:?}");
    (host, finished)
}

#[test]
fn whenever_the_new_release_ends_it_serves_again_before_the_old_slot_is_stopped() {
    for switch in Switch::BOTH {
        let mut ends = BTreeMap::<_, usize>::new();
        for ms in (0..LATEST_MS).step_by(5) {
            let (host, finished) = with(Behaviour::EndsAfter(ms), switch);
            let end = match finished.outcome {
                Outcome::RolledBack => {
                    assert_eq!(host.serves(), Some(image(1)), "{ms} ms");
                    "went back"
                }
                Outcome::Deployed => {
                    assert_eq!(host.serves(), Some(image(2)), "{ms} ms");
                    let done = &host.world.borrow().done;
                    match done.iter().filter(|verb| **verb == "compose_up").count() {
                        1 => "lived long enough",
                        _ => "were started again",
                    }
                }
                _ => panic!("{ms} ms: {finished:?}"),
            };
            *ends.entry(end).or_default() += 1;
        }
        println!("{switch:?}: {ends:?}");
        assert_eq!(ends.len(), 3, "{ends:?}");
    }
}

#[test]
fn whenever_the_new_release_falls_sick_somebody_can_serve() {
    for switch in Switch::BOTH {
        let mut ends = BTreeMap::<_, usize>::new();
        for ms in (0..LATEST_MS).step_by(5) {
            let (host, finished) = with(Behaviour::SickAfter(ms), switch);
            let end = match (finished.outcome, finished.reason.as_str()) {
                (Outcome::RolledBack, _) => {
                    assert_eq!(host.serves(), Some(image(1)), "{ms} ms");
                    "went back"
                }
                (Outcome::Deployed, "cleanup-incomplete") => {
                    assert_eq!(host.running(), ["db", "web-1", "web-2"], "{finished:?}");
                    "were left beside the old one"
                }
                (Outcome::Deployed, "deployed") => "lived long enough",
                _ => panic!("{ms} ms: {finished:?}"),
            };
            *ends.entry(end).or_default() += 1;
        }
        println!("{switch:?}: {ends:?}");
        assert_eq!(ends.len(), 3, "{ends:?}");
    }
}

#[test]
fn after_a_boot_that_brings_no_container_back_nothing_is_started_out_of_order() {
    for switch in Switch::BOTH {
        let (begin, plan) = SECOND.begin(switch);
        let calm = begin.after(Death::Kill);
        live(&calm, &plan);
        let mut committed = 0;
        for at in 0..calm.points() {
            let host = begin.after(Death::Kill);
            host.crash_at.set(Some(at));
            live(&host, &plan);
            let host = host.after(Death::PowerLoss);
            let journal = host.world.borrow().files.get(&paths().journal()).cloned();
            let noted = journal.is_some_and(|journal| {
                String::from_utf8_lossy(&journal).contains("\"entry\":\"committed\"")
            });
            if !noted {
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

//! Verbs that fail once, at every place; undos that fail again and again; a disk that is full.

use super::histories::Histories;
use super::stories::{
    ENDS, ENDS_IN_ONE, FAILS_PEOPLE, FAILS_PEOPLE_IN_ONE, ROLLBACK, SECOND, Story, SwitchMethod,
};
use super::{drive, heal, live, paths};
use crate::agent::tests::{image, plan};
use crate::error::Reason;
use crate::host::sim::{Behaviour, Death, SimHost};
use crate::host::{Files as _, LockAttempt};
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::Target;

/// Nobody holds the lock.
pub(super) fn lock_is_free(host: &SimHost) {
    let lock = drive(host, host.try_lock(&paths().lock(), "a look")).map(Result::ok);
    assert!(!matches!(lock, Some(Some(LockAttempt::HeldBy(_)))));
}

/// How a run without any fault goes.
fn calm(story: &Story, switch: SwitchMethod) -> SimHost {
    let (begin, plan) = story.begin(switch);
    live(&begin, &plan);
    begin
}

/// What a run that met a fault, and was then left alone, must have said.
fn well_said(finished: &Finished) -> Result<(), String> {
    let hints = finished.failed.as_ref().map(|(_, failure)| &failure.hints);
    match finished.outcome {
        Outcome::Stuck => {
            let command = format!("`{}`", crate::protocol::place::RECOVER);
            let told = hints.is_some_and(|hints| hints.iter().any(|hint| hint.contains(&command)));
            told.then_some(())
                .ok_or_else(|| format!("it does not say what to type: {finished:?}"))
        }
        Outcome::Deployed | Outcome::RolledBack | Outcome::Failed => Ok(()),
        Outcome::Unchanged | Outcome::Skipped | Outcome::Cancelled => Err(format!("{finished:?}")),
    }
}

fn is_about(finished: &Finished, reason: Reason) -> bool {
    let failed = finished.failed.as_ref();
    failed.is_some_and(|(_, failure)| failure.reason == reason)
}

/// Runs a story with a fault, dies at every point of it, and mends the fault afterwards.
fn endure(histories: &mut Histories, fault: impl Fn(&SimHost)) -> Result<Finished, String> {
    let host = histories.begin.after(Death::Kill);
    fault(&host);
    histories.film(&host);
    let finished = live(&host, &histories.plan).ok_or("it died")?;
    well_said(&finished)?;
    let behaviours = histories.begin.world.borrow().behaviours.clone();
    let by_itself = |ends: &Behaviour| matches!(ends, Behaviour::EndsAfter(_));
    // What ended by itself, with no way back to the old slot yet, serves nobody; nginx's backup server may.
    let ended = finished.outcome == Outcome::Stuck && behaviours.values().any(by_itself);
    if host.serves().is_none() && !ended {
        return Err(format!("nobody serves: {finished:?}"));
    }
    // Left as it is, and mended: what is open settles.
    histories.settle(&host)?;
    histories.visit_once(&host)?;
    Ok(finished)
}

#[test]
fn whichever_verb_fails_once_and_whenever_the_agent_dies_then_everything_settles() {
    for switch in SwitchMethod::BOTH {
        for story in [SECOND, ROLLBACK, ENDS] {
            let (begin, plan) = story.begin(switch);
            let mut histories = Histories::new((begin, plan));
            let calls = calm(&story, switch).calls();
            for call in 0..calls {
                let told = endure(&mut histories, |host| host.faults.call.set(Some(call)));
                match told {
                    // A journal that cannot be written stops everything at once, also on the way back.
                    Ok(finished)
                        if finished.outcome != Outcome::Stuck
                            || is_about(&finished, Reason::JournalUnwritable) => {}
                    bad => panic!("{switch:?}, {}, call {call} fails: {bad:?}", story.name),
                }
            }
            println!(
                "{switch:?}, {}: {calls} calls fail, {} histories, {} worlds",
                story.name,
                histories.told,
                histories.worlds()
            );
        }
    }
}

#[test]
fn an_undo_that_fails_twice_is_tried_again_and_one_that_keeps_failing_waits_for_a_person() {
    let by = |switch| match switch {
        SwitchMethod::Reload | SwitchMethod::Contained => {
            ["nginx_reload", "nginx_test", "nginx_workers"].as_slice()
        }
        SwitchMethod::Flag => &[],
    };
    let everywhere = [
        "replace",
        "remove",
        "connections_to",
        "compose_stop",
        "compose_remove",
    ];
    for switch in SwitchMethod::BOTH {
        for story in [ENDS, ENDS_IN_ONE] {
            let (begin, plan) = story.begin(switch);
            let mut histories = Histories::new((begin, plan));
            for verb in everywhere.iter().chain(by(switch)) {
                for times in [1, 2, 3, 9] {
                    let host = histories.begin.after(Death::Kill);
                    host.faults.in_undo.set(Some((verb, times)));
                    live(&host, &histories.plan);
                    let left = host.faults.in_undo.get().map_or(0, |(_, left)| left);
                    let told = endure(&mut histories, |host| {
                        host.faults.in_undo.set(Some((verb, times)));
                    });
                    let wanted = if left + 3 <= times {
                        Outcome::Stuck
                    } else {
                        Outcome::RolledBack
                    };
                    let outcome = told.map(|finished| finished.outcome);
                    let at = format!("{switch:?}, {}: {verb} fails {times} times", story.name);
                    assert_eq!(outcome, Ok(wanted), "{at}");
                }
            }
        }
    }
}

#[test]
fn a_stuck_swap_stops_the_next_deploy_until_its_cause_is_mended() {
    for switch in SwitchMethod::BOTH {
        let (begin, ends) = ENDS.begin(switch);
        begin.faults.always.set(Some("compose_remove"));
        let finished = live(&begin, &ends).unwrap();
        assert_eq!(finished.outcome, Outcome::Stuck);
        let next = plan(9, Target::Image(image(9)));
        let refused = live(&begin, &next).unwrap();
        assert_eq!(refused.outcome, Outcome::Stuck, "{refused:?}");
        well_said(&refused).unwrap();
        assert!(matches!(heal(&begin), Some(Err(_))), "still stuck");
        begin.faults.always.set(None);
        assert!(matches!(heal(&begin), Some(Ok(_))));
        assert_eq!(live(&begin, &next).unwrap().outcome, Outcome::Deployed);
    }
}

#[test]
fn wherever_the_disk_is_full_somebody_serves_and_it_settles_when_there_is_room() {
    for switch in SwitchMethod::BOTH {
        let by_flag = [FAILS_PEOPLE, FAILS_PEOPLE_IN_ONE];
        let own: &[Story] = match switch {
            SwitchMethod::Flag => &by_flag,
            SwitchMethod::Reload | SwitchMethod::Contained => &[],
        };
        for story in [SECOND, ENDS, ENDS_IN_ONE].iter().chain(own) {
            let (begin, plan) = story.begin(switch);
            let mut histories = Histories::new((begin, plan));
            let writes = calm(story, switch).faults.writes();
            let mut ends = std::collections::BTreeMap::<_, usize>::new();
            for first in 0..writes {
                let told = endure(&mut histories, |host| {
                    host.faults.disk_full.set(Some(first));
                });
                match told {
                    Ok(finished) if finished.outcome == Outcome::Stuck => panic!(
                        "{switch:?}, {}, full at write {first}: no room for the way back: {finished:?}",
                        story.name
                    ),
                    Ok(finished) => *ends.entry(finished.outcome.as_str()).or_default() += 1,
                    Err(why) => panic!("{switch:?}, {}, full at write {first}: {why}", story.name),
                }
            }
            println!(
                "{switch:?}, {}: the disk is full at {writes} writes: {ends:?}",
                story.name
            );
        }
    }
}

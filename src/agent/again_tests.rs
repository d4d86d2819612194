//! A release that is live already is started anew, in the other slot.

use std::cell::Cell;

use super::tests::{deployed, image, plan, swap, swap_plan};
use crate::host::sim::SimHost;
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::{Plan, Target};

fn forced(host: &SimHost, n: u8, target: Target) -> Finished {
    let plan = Plan {
        force: true,
        ..plan(n, target)
    };
    swap_plan(host, &plan, &Cell::new(false), |_| {})
}

fn place(finished: &Finished) -> (String, String) {
    let live = finished.live.clone().unwrap();
    (live.service, live.release.unwrap().to_string())
}

#[test]
fn a_deploy_of_what_is_live_changes_nothing_unless_it_is_forced() {
    for host in [SimHost::new(), SimHost::provisioned()] {
        let (slot, release) = place(&deployed(&host, 1));
        let same = swap(&host, 2, Target::Image(image(1)));
        assert_eq!(same.outcome, Outcome::Unchanged);
        let again = forced(&host, 3, Target::Image(image(1)));
        assert_eq!(again.outcome, Outcome::Deployed, "{:?}", again.failed);
        let (other, same_release) = place(&again);
        assert_eq!(same_release, release);
        assert_ne!(other, slot);
        assert_eq!(host.serves(), Some(image(1)));
        assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    }
}

#[test]
fn one_that_is_taken_back_leaves_the_live_one_and_its_settings() {
    let host = SimHost::provisioned();
    deployed(&host, 1);
    let (slot, release) = place(&deployed(&host, 2));
    for (n, target) in [(3, Target::Image(image(2))), (4, Target::Live)] {
        let plan = Plan {
            force: true,
            ..plan(n, target)
        };
        let cancel = Cell::new(false);
        let again = swap_plan(&host, &plan, &cancel, |host| {
            let world = host.world.borrow();
            let runs = |slot| world.containers.get(slot).is_some_and(|one| one.running);
            if runs("web-1") && runs("web-2") {
                cancel.set(true);
            }
        });
        assert_eq!(again.outcome, Outcome::Cancelled, "{:?}", again.failed);
        assert_eq!(host.serves(), Some(image(2)));
    }
    assert_eq!(swap(&host, 5, Target::Previous).outcome, Outcome::Deployed);
    let back = swap(&host, 6, Target::Release(release.parse().unwrap()));
    assert_eq!(place(&back), (slot, release));
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
}

#[test]
fn a_restart_starts_the_live_release_as_it_ran() {
    let host = SimHost::provisioned();
    let none = swap(&host, 1, Target::Live);
    let (_, failure) = none.failed.unwrap();
    assert!(
        failure.chain.concat().contains("nothing to restart"),
        "{failure:?}"
    );
    host.set_environment("old");
    let (slot, release) = place(&deployed(&host, 2));
    let ran = host.environment();
    host.set_environment("new");
    let again = swap(&host, 3, Target::Live);
    assert_eq!(again.outcome, Outcome::Deployed, "{:?}", again.failed);
    let (other, same_release) = place(&again);
    assert_eq!((same_release, host.environment()), (release, ran));
    assert_ne!(other, slot);
}

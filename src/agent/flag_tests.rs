//! Swaps by the flag, with people and without, on a simulated host.

use std::cell::Cell;

use super::tests::{behaves, deployed, image, plan, swap, swap_plan};
use crate::host::sim::{Behaviour, SimHost};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::{SwitchChoice, Target};
use crate::protocol::receipt::{BakeVerdict, SwitchKind};
use crate::protocol::slot::Slot;

fn busy_host() -> SimHost {
    let host = SimHost::provisioned();
    host.world.borrow_mut().visitors = 400;
    host
}

#[test]
fn the_flag_moves_traffic_and_nginx_is_never_reloaded() {
    let host = busy_host();
    deployed(&host, 1);
    let second = deployed(&host, 2);
    assert_eq!(
        (host.serves(), second.receipt.switch),
        (Some(image(2)), Some(SwitchKind::Flag))
    );
    deployed(&host, 3);
    let world = host.world.borrow();
    assert_eq!(
        (
            world.broken.as_slice(),
            world.done.contains(&"nginx_reload")
        ),
        (&[][..], false)
    );
}

#[test]
fn the_receipt_tells_what_each_slot_answered() {
    let host = busy_host();
    deployed(&host, 1);
    behaves(&host, 2, Behaviour::HealthyAfter(2_000));
    let receipt = deployed(&host, 2).receipt;
    let (traffic, before) = (receipt.traffic.unwrap(), receipt.baseline.unwrap());
    assert!(before.requests > 300, "{before:?}");
    assert!(traffic.get(Slot::Two).requests > 300, "{traffic:?}");
    assert_eq!(traffic.get(Slot::Two).server_errors, 0);
    let bake = receipt.bake.clone().unwrap();
    assert_eq!((bake.verdict, bake.watched_ms), (BakeVerdict::Good, 1_000));
    assert!(receipt.probes.unwrap().sent > 10 && receipt.healthy_to_first_request_ms.is_some());
    assert_eq!(receipt.requests_failed(), Some(0));
    let measure = host
        .world
        .borrow()
        .files
        .keys()
        .any(|path| path.ends_with("measure"));
    assert!(!measure, "nginx logs no more");
}

#[test]
fn the_receipt_pictures_the_switch() {
    let host = busy_host();
    deployed(&host, 1);
    behaves(&host, 2, Behaviour::HealthyAfter(6_000));
    let mut plan = plan(2, Target::Image(image(2)));
    plan.site.bake.time = "8s".parse().unwrap();
    let finished = swap_plan(&host, &plan, &Cell::new(false), |_| {});
    assert_eq!(finished.outcome, Outcome::Deployed);
    let series = finished.receipt.series.unwrap();
    let (before, after) = series.points.split_at(
        series
            .points
            .iter()
            .position(|point| point.second == 0)
            .unwrap(),
    );
    assert!(before.len() >= 4 && after.len() >= 7, "{series:?}");
    let busy = |count: u64| (350..450).contains(&count);
    for point in before {
        assert!(busy(point.old) && point.new == 0, "{point:?}");
    }
    for point in &after[1..] {
        assert!(busy(point.new) && point.old == 0, "{point:?}");
    }
    assert!(series.points.iter().all(|point| point.bad == 0));
    assert_eq!(deployed(&SimHost::new(), 1).receipt.series, None);
}

#[test]
fn a_release_that_fails_people_goes_back_by_itself() {
    let host = busy_host();
    deployed(&host, 1);
    behaves(&host, 2, Behaviour::FailsPeople(30));
    let finished = swap(&host, 2, Target::Image(image(2)));
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::RolledBack, "bake-failed")
    );
    assert_eq!(
        (host.serves(), host.running()),
        (Some(image(1)), vec!["db".into(), "web-1".into()])
    );
    let bake = finished.receipt.bake.clone().unwrap();
    assert_eq!(bake.verdict, BakeVerdict::Worse);
    assert!(
        bake.watched_ms < 500 && bake.new.server_errors >= 3,
        "{bake:?}"
    );
    let served = finished
        .receipt
        .traffic
        .as_ref()
        .unwrap()
        .get(Slot::Two)
        .server_errors;
    assert!(
        served >= bake.new.server_errors,
        "the receipt counts what was served until traffic was back"
    );
    assert_eq!(finished.receipt.requests_failed(), Some(served));
    assert!(finished.receipt.flip_back_ms.unwrap() <= 100);
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
}

#[test]
fn a_rollback_is_not_rolled_back_for_its_traffic() {
    let host = busy_host();
    deployed(&host, 1);
    deployed(&host, 2);
    behaves(&host, 1, Behaviour::FailsPeople(30));
    let back = swap(&host, 3, Target::Previous);
    assert_eq!(
        (back.outcome, host.serves()),
        (Outcome::Deployed, Some(image(1)))
    );
    assert_eq!(back.receipt.bake.unwrap().verdict, BakeVerdict::Worse);
}

#[test]
fn a_first_release_is_better_than_none_and_few_people_prove_nothing() {
    let host = busy_host();
    behaves(&host, 1, Behaviour::FailsPeople(30));
    let first = deployed(&host, 1);
    assert_eq!(first.receipt.bake.unwrap().verdict, BakeVerdict::Worse);
    host.world.borrow_mut().visitors = 10;
    behaves(&host, 2, Behaviour::FailsPeople(30));
    let finished = deployed(&host, 2);
    assert_eq!(
        finished.receipt.bake.unwrap().verdict,
        BakeVerdict::Inconclusive
    );
}

#[test]
fn a_cancel_during_the_watch_goes_back() {
    let host = SimHost::provisioned();
    deployed(&host, 1);
    let cancel = Cell::new(false);
    let mut plan = plan(2, Target::Image(image(2)));
    plan.site.bake.time = "30s".parse().unwrap();
    let mut asked = false;
    let finished = swap_plan(&host, &plan, &cancel, |host| {
        let switched = host.serves() == Some(image(2));
        if switched && !asked {
            asked = true;
            cancel.set(true);
        }
    });
    assert_eq!(
        (finished.outcome, host.serves()),
        (Outcome::Cancelled, Some(image(1)))
    );
    assert_eq!(finished.receipt.bake, None);
}

#[test]
fn the_setting_and_the_include_must_agree() {
    let refused = |host: &SimHost, choice| {
        let mut plan = plan(1, Target::Image(image(1)));
        plan.site.switch = choice;
        let finished = swap_plan(host, &plan, &Cell::new(false), |_| {});
        assert_eq!(
            (finished.outcome, finished.reason.as_str()),
            (Outcome::Failed, "preflight-failed")
        );
        finished.failed.unwrap().1
    };
    let flag = refused(&SimHost::new(), SwitchChoice::Flag);
    assert!(flag.hints[0].contains("pct-deploy provision"), "{flag:?}");
    let reload = refused(&SimHost::provisioned(), SwitchChoice::Reload);
    assert!(reload.hints[0].contains("switch: auto"), "{reload:?}");
}

#[test]
fn the_flag_is_taken_back_when_nginx_goes_on_with_the_old_slot() {
    let host = SimHost::provisioned();
    deployed(&host, 1);
    host.world.borrow_mut().forget_reload();
    let finished = swap(&host, 2, Target::Image(image(2)));
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::RolledBack, "route-not-verified")
    );
    assert_eq!(host.serves(), Some(image(1)));
}

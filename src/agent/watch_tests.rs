//! What the watch must never believe, on a simulated host: releases that are bad for users while their health is fine.

use std::cell::Cell;

use super::crash::drive;
use super::meter::start_logging;
use super::paths::AppPaths;
use super::tests::{behaves, deployed, image, plan, swap, swap_plan};
use crate::host::nginx::flag::FlagVersion;
use crate::host::sim::{Behaviour, SimHost};
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::Target;
use crate::protocol::receipt::{BakeVerdict, NotMeasured};
use crate::protocol::slot::Slot;
use crate::protocol::step::Step;

fn host(visitors: u64) -> SimHost {
    let host = SimHost::provisioned();
    deployed(&host, 1);
    host.world.borrow_mut().visitors = visitors;
    host
}

/// Deploys release 2 ten seconds after the host was prepared, with a watch as long as people have it.
fn with_bake(host: &SimHost, behaviour: Behaviour, bake: &str) -> Finished {
    behaves(host, 2, behaviour);
    let mut plan = plan(2, Target::Image(image(2)));
    plan.site.bake.time = bake.parse().unwrap();
    let paths = AppPaths::new(&plan.site.app);
    drive(host, start_logging(host, &paths));
    host.world.borrow_mut().let_pass(10_000);
    let finished = swap_plan(host, &plan, &Cell::new(false), |_| {});
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    finished
}

#[track_caller]
fn goes_back(host: &SimHost, behaviour: Behaviour, words: &str) -> u64 {
    let finished = with_bake(host, behaviour, "5s");
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::RolledBack, "bake-failed"),
        "{:?}",
        finished.receipt.bake
    );
    assert_eq!(host.serves(), Some(image(1)));
    let bake = finished.receipt.bake.unwrap();
    assert_eq!(bake.verdict, BakeVerdict::Worse);
    assert!(bake.why.contains(words), "{}", bake.why);
    bake.watched_ms
}

#[test]
fn requests_that_hang_are_worse_while_the_health_check_is_fine() {
    for visitors in [5, 20, 400] {
        let took = goes_back(&host(visitors), Behaviour::HangsUsers, "no response");
        assert!(took <= 4_000, "{visitors}/s: {took} ms");
    }
}

#[test]
fn a_release_that_hangs_whole_is_worse_also_when_nobody_comes() {
    for visitors in [0, 20] {
        let host = host(visitors);
        // Healthy, switched, verified; then nothing.
        let took = goes_back(&host, Behaviour::HangsAfter(1_500), "");
        assert!(took <= 5_000, "{took} ms");
    }
}

/// The log of a container at its memory limit takes its time; users do not wait for it.
#[test]
fn nothing_is_read_for_the_report_before_traffic_is_back() {
    let host = host(20);
    let finished = with_bake(&host, Behaviour::AnswersUsers(500), "5s");
    let (step, failure) = finished.failed.unwrap();
    assert_eq!(
        (step, failure.log_tail),
        (Step::Bake, vec!["last words".to_owned()])
    );
    let world = host.world.borrow();
    let watched = world.done.iter().rposition(|done| *done == "incidents");
    let after = &world.done[watched.unwrap()..];
    let first = |verb: &str| after.iter().position(|done| *done == verb).unwrap();
    assert!(first("remove") < first("container_log"), "{after:?}");
}

#[test]
fn dropped_connections_are_worse_though_the_other_slot_answers() {
    for percent in [30, 90] {
        let took = goes_back(&host(20), Behaviour::DropsUsers(percent), "the other slot");
        assert!(took <= 2_000, "{percent} %: {took} ms");
    }
}

#[test]
fn refusing_everybody_is_worse() {
    for status in [404, 401] {
        let took = goes_back(&host(20), Behaviour::AnswersUsers(status), "4xx (100.0 %)");
        assert!(took <= 1_500, "{took} ms");
    }
}

#[test]
fn a_slow_release_is_worse_when_it_did_not_warm_up() {
    let took = goes_back(&host(20), Behaviour::SlowFor(700), "response time");
    assert_eq!(took, 15_000);
}

#[test]
fn three_of_ten_requests_of_twenty_a_second_are_caught_in_two_seconds() {
    let took = goes_back(&host(20), Behaviour::FailsPeople(30), "5xx");
    assert!(took <= 2_000, "{took} ms");
}

#[test]
fn a_release_that_fails_as_often_as_the_old_one_stays() {
    let host = host(20);
    behaves(&host, 1, Behaviour::FailsPeople(5));
    let finished = with_bake(&host, Behaviour::FailsPeople(5), "5s");
    assert_eq!(
        finished.outcome,
        Outcome::Deployed,
        "{:?}",
        finished.receipt.bake
    );
    assert_eq!(finished.receipt.bake.unwrap().verdict, BakeVerdict::Good);
}

#[test]
fn the_baseline_is_the_quiet_before_the_new_container_boots() {
    let host = host(20);
    let finished = with_bake(&host, Behaviour::HealthyAfter(8_000), "5s");
    let baseline = finished.receipt.baseline.unwrap();
    assert!(baseline.requests >= 350, "{baseline:?}");
    assert_eq!(finished.receipt.not_measured, []);
}

#[test]
fn a_log_that_falls_silent_is_not_believed() {
    // Fine for half a second under traffic.
    let took = goes_back(
        &host(100),
        Behaviour::FillsDiskAfter(1_000),
        "no longer logs its requests",
    );
    assert!(took <= 2_500, "{took}");
    // Where no one comes any more nothing is to be logged.
    let gone = host(0);
    assert_eq!(
        with_bake(&gone, Behaviour::FillsDiskAfter(500), "5s").outcome,
        Outcome::Deployed
    );
}

#[test]
fn the_last_health_check_before_commit_is_good_however_short_the_watch() {
    // Sick from the end of the watch on.
    let finished = with_bake(&host(0), Behaviour::SickAfter(1_150), "1s");
    assert_eq!(finished.outcome, Outcome::RolledBack, "{finished:?}");
    let why = finished.receipt.bake.unwrap().why;
    assert!(why.contains("health check failed"), "{why}");
}

#[test]
fn what_was_not_measured_is_said() {
    let silent = host(50);
    silent.world.borrow_mut().own_log = true;
    let finished = with_bake(&silent, Behaviour::HealthyAfter(0), "5s");
    assert_eq!(finished.outcome, Outcome::Deployed);
    let missing = &finished.receipt.not_measured;
    for what in [NotMeasured::SilentLog, NotMeasured::TooFewRequests] {
        assert!(missing.contains(&what), "{missing:?}");
    }
    let earlier = host(50);
    earlier
        .world
        .borrow_mut()
        .provisioned_earlier(FlagVersion::One);
    let finished = with_bake(&earlier, Behaviour::HealthyAfter(0), "5s");
    assert_eq!(finished.receipt.not_measured, [NotMeasured::EarlierFormat]);
    assert!(finished.receipt.traffic.unwrap().get(Slot::Two).requests > 200);
    let finished = with_bake(&SimHost::new(), Behaviour::HealthyAfter(0), "1s");
    assert!(
        finished
            .receipt
            .not_measured
            .contains(&NotMeasured::NoTrafficLog)
    );
    for file_answers in [false, true] {
        let spa = SimHost::new();
        deployed(&spa, 1);
        spa.faults.file_answers.set(file_answers);
        let finished = with_bake(&spa, Behaviour::HealthyAfter(0), "1s");
        let missing = finished.receipt.not_measured;
        assert_eq!(missing.contains(&NotMeasured::NotProven), file_answers);
    }
    let nobody = with_bake(&host(0), Behaviour::HealthyAfter(0), "1s");
    assert!(
        nobody
            .receipt
            .not_measured
            .contains(&NotMeasured::NoBaseline)
    );
}

#[test]
fn the_nginx_files_of_an_earlier_version_still_show_a_bad_release() {
    for (behaviour, words) in [
        (Behaviour::DropsUsers(30), "the other slot"),
        (Behaviour::FailsPeople(30), "5xx"),
        (Behaviour::HangsUsers, "no response"),
    ] {
        let earlier = host(20);
        earlier
            .world
            .borrow_mut()
            .provisioned_earlier(FlagVersion::One);
        goes_back(&earlier, behaviour, words);
    }
}

#[test]
fn a_rollback_and_a_first_release_stay_though_users_hang() {
    let host = host(20);
    deployed(&host, 3);
    behaves(&host, 1, Behaviour::HangsUsers);
    let back = swap(&host, 4, Target::Previous);
    assert_eq!(
        (back.outcome, host.serves()),
        (Outcome::Deployed, Some(image(1)))
    );
    assert_eq!(back.receipt.bake.unwrap().verdict, BakeVerdict::Worse);
}

#[test]
fn what_hangs_on_its_own_port_is_stopped_before_any_user_meets_it() {
    let finished = with_bake(&host(20), Behaviour::HangsElsewhere, "5s");
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::RolledBack, "smoke-failed")
    );
    assert_eq!(finished.receipt.switch, None, "traffic was never moved");
    // A path that hangs in both is as it was.
    let both = host(0);
    behaves(&both, 1, Behaviour::HangsElsewhere);
    let finished = with_bake(&both, Behaviour::HangsElsewhere, "1s");
    assert_eq!(finished.outcome, Outcome::Deployed, "{finished:?}");
    // A first release has to answer; a rollback goes on with a warning.
    let first = SimHost::provisioned();
    behaves(&first, 1, Behaviour::HangsElsewhere);
    let finished = swap(&first, 1, Target::Image(image(1)));
    assert_eq!(finished.reason, "smoke-failed");
    let back = host(0);
    deployed(&back, 3);
    behaves(&back, 1, Behaviour::HangsElsewhere);
    assert_eq!(swap(&back, 4, Target::Previous).outcome, Outcome::Deployed);
}

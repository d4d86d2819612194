//! The watch over a new slot: what does worse than the old one goes back by itself.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::BakeVerdict;
use pct_deploy::protocol::result::RunResult;
use sandbox::load::{Load, LoadReport};

use crate::world::{Host, Release, World};

/// The product's promise is 100 ms; this machine may have other things to do.
const FLIP_BACK_MS: u64 = 250;

fn live(bake: &str) -> World {
    let mut world = World::provisioned(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world.set("bake", bake);
    world
}

/// Deploys under load to the end of the run.
fn under_load(world: &World, release: &Release) -> (crate::world::Run, LoadReport) {
    let load = world.load();
    std::thread::sleep(Duration::from_secs(1));
    let run = world.deploy(release);
    std::thread::sleep(Duration::from_secs(1));
    (run, load.stop_blocking())
}

#[track_caller]
fn went_back(result: &RunResult, report: &LoadReport, world: &World) {
    let receipt = &result.receipt;
    let bake = receipt.bake.as_ref().unwrap();
    let flip = receipt.flip_back_ms.unwrap();
    eprintln!(
        "bake: {} after {} ms ({}), back in {flip} ms; {} requests lost of {}",
        result.reason_code, bake.watched_ms, bake.why, report.lost, report.sent
    );
    assert_eq!(bake.verdict, BakeVerdict::Worse);
    assert!(flip <= FLIP_BACK_MS, "{flip} ms");
    assert_eq!(result.slot.as_deref(), Some("hello-1"));
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let left = world.ask_host("docker ps -a --format '{{.Names}}' | grep hello-2 || true");
    assert_eq!(left, "", "the slot that was given up is removed");
}

#[test]
fn a_release_that_fails_three_of_ten_real_requests_goes_back_by_itself() {
    let world = live("10s");
    let (run, report) = under_load(&world, &Release::new("bad").fails_percent(30));
    let result = run.expect(Outcome::RolledBack, "bake-failed");
    went_back(&result, &report, &world);
    let seen = report.non_200.get(&500).copied().unwrap_or(0);
    let told = result.receipt.traffic.unwrap().two.server_errors;
    let watched = result.receipt.bake.as_ref().unwrap().watched_ms;
    eprintln!("bake: {seen} answers of 500 reached clients, the receipt says {told}");
    assert!(seen > 0 && seen == told, "{report}");
    assert!(watched < 10_000, "decided before the time is over");
    assert_eq!((report.lost, report.broken, report.timeouts), (0, 0, 0));
    assert!(result.requests_failed.unwrap() >= told);
    assert!(
        run.stderr.contains("5xx") && run.stderr.contains("bake-errors"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_slow_release_goes_back_when_its_time_is_over() {
    let world = live("6s");
    let (run, report) = under_load(&world, &Release::new("slow").slow_ms(700));
    let result = run.expect(Outcome::RolledBack, "bake-failed");
    went_back(&result, &report, &world);
    assert!(report.is_clean(), "slow is not wrong: {report}");
    let bake = result.receipt.bake.as_ref().unwrap();
    assert!(bake.new.p99_ms.unwrap() >= 700.0 && bake.watched_ms >= 6_000);
    assert!(run.stderr.contains("response time"), "{}", run.stderr);
}

#[test]
fn a_release_that_runs_out_of_memory_goes_back_and_says_so() {
    let world = live("30s");
    let (run, report) = under_load(&world, &Release::new("leak").leaks_later(32));
    let result = run.expect(Outcome::RolledBack, "oom-killed");
    went_back(&result, &report, &world);
    eprintln!("{report}");
    // What was on its way, and POSTs until the engine has closed the dead slot's port.
    let bad = report.sent - report.ok;
    assert!(bad <= 200, "the old slot answers meanwhile: {report}");
}

#[test]
fn a_slot_that_is_killed_in_its_watch_is_answered_for_by_the_other_one() {
    let world = live("30s");
    // A POST that is on its way is never sent twice: nginx answers it with 502, as it must.
    let load = Load::new(world.http())
        .connections(20)
        .think(Duration::ZERO..=Duration::from_millis(10))
        .start()
        .unwrap();
    let args = Release::new("v2").build_args();
    let run = world.spawn(&["deploy", "--json"], &[("BUILD_ARGS", &args)]);
    world.wait_until("the new slot takes traffic", |world| {
        world.serves().as_deref() == Some("v2")
    });
    world.ask_host("docker kill ec2-user-hello-2-1");
    let run = run.wait();
    std::thread::sleep(Duration::from_secs(1));
    let report = load.stop_blocking();
    // Its end or its last answers, whichever is seen first.
    let result = run.result();
    let reasons = ["killed", "bake-failed"];
    assert_eq!(result.outcome, Outcome::RolledBack, "{:?}", result.failure);
    assert!(
        reasons.contains(&result.reason_code.as_str()),
        "{:?}",
        result.failure
    );
    went_back(&result, &report, &world);
    let bad = report.sent - report.ok;
    eprintln!("bake: killed; {bad} of {} not well answered", report.sent);
    assert!(bad <= 2, "the old slot answers for it: {report}");
}

#[test]
fn too_little_traffic_is_inconclusive_and_stays() {
    let world = live("2s");
    let result = world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    let bake = result.receipt.bake.unwrap();
    assert_eq!(bake.verdict, BakeVerdict::Inconclusive, "{bake:?}");
    assert!(bake.why.contains("too few") && bake.watched_ms >= 2_000);
    assert_eq!(world.serves().as_deref(), Some("v2"));
}

#[test]
fn a_rollback_to_a_bad_release_is_not_rolled_back_and_says_so() {
    let mut world = live("0s");
    world
        .deploy(&Release::new("bad").fails_percent(30))
        .expect(Outcome::Deployed, "deployed");
    world
        .deploy(&Release::new("v3"))
        .expect(Outcome::Deployed, "deployed");
    world.set("bake", "4s");
    let load = world.load();
    std::thread::sleep(Duration::from_secs(1));
    let run = world.run(&["rollback", "--json"], &[]);
    drop(load.stop_blocking());
    let result = run.expect(Outcome::Deployed, "deployed");
    assert_eq!(result.receipt.bake.unwrap().verdict, BakeVerdict::Worse);
    assert_eq!(result.receipt.flip_back_ms, None);
    for words in ["does worse than allowed", "never rolled back automatically"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let slot =
        world.ask_host("curl -s -H 'Host: localhost' http://127.0.0.1/.pct-deploy/slot/hello");
    assert_eq!(slot, "2", "`bad` lives there and stays");
}

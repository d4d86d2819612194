//! What is open during a switch: it ends where it began, and the old slot waits for it, or says what it cut.

use std::time::{Duration, SystemTime};

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;
use pct_deploy::protocol::result::RunResult;

use crate::world::held::{download, websocket};
use crate::world::{Host, Release, Run, World};

fn live(drain: &str) -> World {
    let mut world = World::provisioned(Host::V2);
    world.set("bake", "0s");
    world.set("drain-timeout", drain);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world
}

/// When the old slot was told to stop, as it says itself.
fn told_to_stop(world: &World) -> SystemTime {
    let line = world.ask_host("docker logs -t ec2-user-hello-1-1 2>&1 | grep 'signal 15'");
    let stamp = line.split(' ').next().unwrap();
    let at = world.ask_host(&format!("date -d {stamp} +%s%3N"));
    SystemTime::UNIX_EPOCH + Duration::from_millis(at.parse().unwrap())
}

fn drain_seconds(result: &RunResult) -> f64 {
    let step = result.steps.iter().find(|step| step.name == "drain_old");
    step.unwrap().seconds
}

#[test]
fn a_websocket_and_a_download_end_whole_before_the_old_slot_is_stopped() {
    let world = live("60s");
    // Longer than a deploy takes up to its switch.
    let length = Duration::from_secs(12);
    let held = [
        websocket(world.http(), length),
        download(world.http(), 300_000, length),
    ];
    let run = world.deploy(&Release::new("v2"));
    let result = run.expect(Outcome::Deployed, "deployed");
    let ended = held.map(|held| held.wait());
    eprintln!("{ended:?} {:?}", result.receipt);
    for end in &ended {
        assert!(end.whole && end.version == "v1", "{end:?}");
        assert!(told_to_stop(&world) >= end.at, "stopped before {end:?}");
    }
    assert_eq!(result.receipt.switch, Some(SwitchKind::Flag));
    assert_eq!(result.receipt.cut_connections, Some(0));
    assert!(drain_seconds(&result) > 0.5, "it was waited for");
    assert_eq!(world.serves().as_deref(), Some("v2"));
}

#[test]
fn what_is_longer_than_the_drain_timeout_is_cut_counted_and_told() {
    let world = live("2s");
    let length = Duration::from_secs(60);
    let held = [
        websocket(world.http(), length),
        download(world.http(), 600_000, length),
    ];
    let run: Run = world.deploy(&Release::new("v2"));
    let result = run.expect(Outcome::Deployed, "deployed");
    assert_eq!(result.receipt.cut_connections, Some(2));
    assert!(drain_seconds(&result) >= 2.0, "{:?}", result.steps);
    assert!(
        run.stderr.contains("2 connections were still open")
            && run.stderr.contains("drain-timeout"),
        "{}",
        run.stderr
    );
    for end in held.map(|held| held.wait()) {
        assert!(!end.whole && told_to_stop(&world) <= end.at, "{end:?}");
    }
    assert_eq!(world.serves().as_deref(), Some("v2"));
}

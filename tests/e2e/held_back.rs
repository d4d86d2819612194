//! The new slot has a low weight until it is healthy, in the kernel alone.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World};

const BOOT: Duration = Duration::from_secs(4);

#[test]
fn on_compose_v2() {
    is_held_back_while_it_boots(Host::V2);
}

fn is_held_back_while_it_boots(host: Host) {
    let world = World::fresh(host);
    let first = world.deploy(&Release::new("v1"));
    first.expect(Outcome::Deployed, "deployed");
    let own = weights(&world, "hello-1").unwrap();
    let slow = Release::new("v2").boots_in(BOOT);
    let run = world.spawn(&["deploy", "--json"], &[("BUILD_ARGS", &slow.build_args())]);
    world.wait_until("the new slot is held back", |world| {
        let low = weights(world, "hello-2");
        low.is_some_and(|low| low.lines().any(|line| line.ends_with(":10")))
    });
    assert_eq!(weights(&world, "hello-1").unwrap(), own, "the live one");
    run.wait().expect(Outcome::Deployed, "deployed");
    assert_eq!(weights(&world, "hello-2").unwrap(), own, "healthy");

    // The words for a host that does not let us.
    let broken =
        "printf '#!/bin/sh\\nexit 1\\n' > /usr/local/bin/tee && chmod +x /usr/local/bin/tee";
    world.ask_host(broken);
    let run = world.deploy(&Release::new("v3"));
    world.ask_host("rm /usr/local/bin/tee");
    run.expect(Outcome::Deployed, "deployed");
    let note = "`hello-1` boots with its own weight";
    assert!(run.stderr.contains(note), "{}", run.stderr);
}

/// What the kernel says of a slot's group, file by file; `None` while it does not run.
fn weights(world: &World, service: &str) -> Option<String> {
    let label = format!("label=com.docker.compose.service={service}");
    let id = world.ask_host(&format!("docker ps -q --no-trunc --filter {label}"));
    if id.is_empty() {
        return None;
    }
    let files = format!("-path '*/{id}/cpu.shares' -o -path '*/{id}/blkio*weight'");
    let found = world.on_host(&format!(
        "find /sys/fs/cgroup/cpu /sys/fs/cgroup/blkio {files} | sort | xargs grep -H ."
    ));
    let text = String::from_utf8_lossy(&found.stdout).replace(&id, "slot");
    found.status.success().then_some(text)
}

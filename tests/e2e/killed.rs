//! Exit code 137 is the end by SIGKILL, whoever sent it: three senders, three words.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World};

const SLOT: &str = "ec2-user-hello-2-1";

/// Deploys `release`, lets `strike` happen when it takes traffic, and tells reason and words.
fn end(world: &World, release: &Release, strike: impl FnOnce(&World)) -> (String, String) {
    // Without users, so that the end itself is seen and not what they were answered.
    let args = release.build_args();
    let run = world.spawn(&["deploy", "--json"], &[("BUILD_ARGS", &args)]);
    world.wait_until("the new slot takes traffic", |world| {
        world.serves().as_deref() == Some("v2")
    });
    strike(world);
    let run = run.wait();
    let result = run.result();
    let why = result.failure.as_ref().unwrap().failure.summary();
    assert_eq!(result.outcome, Outcome::RolledBack, "{why}");
    assert_eq!(world.serves().as_deref(), Some("v1"));
    eprintln!("killed: {} ({why})", result.reason_code);
    (result.reason_code, why)
}

/// `pkill` in the container's own world of processes, where PID 1 is beyond the reach of SIGKILL.
fn pkill_inside(world: &World) {
    world.ask_host(&format!(
        "nsenter -t $(docker inspect -f '{{{{.State.Pid}}}}' {SLOT}) -p \
         unshare -m sh -c 'mount -t proc proc /proc && pkill -9 -x hello'"
    ));
}

#[test]
fn three_ends_with_137_have_three_words() {
    let mut world = World::provisioned(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world.set("bake", "20s");
    let v2 = || Release::new("v2");
    let killed = end(&world, &v2(), |world| {
        drop(world.ask_host(&format!("docker kill -s KILL {SLOT}")));
    });
    let inside = end(&world, &v2().has_worker(), pkill_inside);
    let memory = end(&world, &v2().leaks_later(48), |_| {
        std::thread::sleep(Duration::from_millis(100));
    });
    assert_eq!(memory.0, "oom-killed", "{memory:?}");
    assert!(
        memory.1.contains("64 MiB"),
        "the limit is named: {memory:?}"
    );
    for (reason, why) in [&killed, &inside] {
        assert!(
            !["oom-killed", "bake-failed"].contains(&reason.as_str()),
            "{reason}: {why}"
        );
        assert!(!why.contains("memory"), "{why}");
    }
    let words = [&killed.1, &inside.1, &memory.1];
    let distinct: std::collections::BTreeSet<_> = words.iter().collect();
    assert_eq!(distinct.len(), 3, "{words:#?}");
}

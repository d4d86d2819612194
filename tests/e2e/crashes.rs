//! Somebody dies in the middle of a swap: the site serves, and the journal is closed by whoever comes next.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, Started, World};

/// Starts a deploy and waits until its slot is booting.
fn half_way(world: &World, version: &str, boot: Duration) -> Started {
    let args = Release::new(version).boots_in(boot).build_args();
    let run = world.spawn(&["deploy", "--json"], &[("BUILD_ARGS", &args)]);
    world.wait_until("the new slot is starting", |world| {
        world
            .on_host("docker ps --format '{{.Names}}' | grep -q hello-2-1")
            .status
            .success()
    });
    run
}

fn is_open(world: &World) -> bool {
    world
        .on_host("test -e /var/lib/pct-deploy/hello/open.jsonl")
        .status
        .success()
}

const KILL_AGENT: &str = "pkill -9 -f 'agent serv[e]'";
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_killed_agent_is_undone_by_the_runner_that_followed_it() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    let run = half_way(&world, "v2", LONG);
    world.ask_host(KILL_AGENT);
    let run = run.wait();
    let result = run.expect(Outcome::RolledBack, "interrupted");
    assert_eq!(result.slot.as_deref(), Some("hello-1"));
    assert!(!is_open(&world));
    assert!(load.stop_blocking().is_clean(), "nobody noticed");
    let left = world.ask_host("docker ps -a --format '{{.Names}}' | grep hello-2 || true");
    assert_eq!(left, "", "the half-started slot is removed");
}

#[test]
fn when_runner_and_agent_are_gone_recovery_or_the_next_deploy_settles_it() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    let both_die = |version: &str| {
        let mut run = half_way(&world, version, LONG);
        run.child.kill().unwrap();
        world.ask_host(KILL_AGENT);
        run.wait();
        assert!(is_open(&world));
    };
    both_die("v2");
    let agent = world.ask_host("ls -t /var/lib/pct-deploy/bin/* | head -1");
    let said = world.ask_host(&format!(
        "sudo -u ec2-user env HOME=/home/ec2-user {agent} agent recover"
    ));
    assert!(
        said.contains("hello") && said.contains("rolled-back"),
        "{said}"
    );
    assert!(!is_open(&world));
    both_die("v3");
    assert!(load.stop_blocking().is_clean(), "nobody noticed any of it");
    let next = world.deploy(&Release::new("v4"));
    next.expect(Outcome::Deployed, "deployed");
    assert!(
        next.stderr.contains("cut short"),
        "it says what it settled: {}",
        next.stderr
    );
    assert_eq!(world.serves().as_deref(), Some("v4"));
}

#[test]
fn a_cut_connection_changes_nothing_and_the_runner_comes_back() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let run = half_way(&world, "v2", Duration::from_secs(6));
    world.ask_host("pkill -9 -f 'sshd.*: ec2-use[r]'");
    let run = run.wait();
    let result = run.expect(Outcome::Deployed, "deployed");
    assert!(run.stderr.contains("lost"), "{}", run.stderr);
    let twice = result
        .steps
        .iter()
        .filter(|step| step.name == "await_healthy")
        .count();
    assert_eq!(twice, 1, "no event is told twice");
    assert_eq!(world.serves().as_deref(), Some("v2"));
}

#[test]
fn a_runner_that_is_gone_for_good_is_not_missed() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let mut run = half_way(&world, "v2", Duration::from_secs(3));
    run.child.kill().unwrap();
    run.wait();
    world.wait_until("the host has finished by itself", |world| {
        !is_open(world) && world.serves().as_deref() == Some("v2")
    });
}

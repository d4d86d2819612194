//! Somebody dies in the middle of a swap: the site serves, and the journal is closed by whoever comes next.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;

use pct_deploy::protocol::place::RECOVER;

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

/// The process that does the work, and the one that sshd started to listen to it.
const KILL_WORKER: &str = "pkill -9 -f 'agent wor[k]'";
const KILL_FRONT: &str = "pkill -9 -f 'agent serv[e]'";
const CUT_CONNECTIONS: &str = "pkill -9 -f 'sshd.*: ec2-use[r]'";
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_killed_agent_is_undone_by_the_runner_that_followed_it() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    let run = half_way(&world, "v2", LONG);
    world.ask_host(KILL_WORKER);
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
        world.on_host(KILL_FRONT);
        world.ask_host(KILL_WORKER);
        run.wait();
        assert!(is_open(&world));
    };
    both_die("v2");
    // As the message has it, pasted into a shell of root's.
    let said = world.ask_host(RECOVER);
    assert!(
        said.contains("hello") && said.contains("rolled-back"),
        "{said}"
    );
    assert!(!is_open(&world));
    let strangers =
        world.ask_host("find /var/lib/pct-deploy ! -user ec2-user ! -path '*/backup/*'");
    assert_eq!(strangers, "", "root has acted as the user who deploys");
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
    world.ask_host(CUT_CONNECTIONS);
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

#[test]
fn the_worker_has_a_session_of_its_own_and_outlives_who_started_it() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let run = half_way(&world, "v2", Duration::from_secs(6));
    let worker = world.ask_host("pgrep -f 'agent wor[k]'");
    let process = |what: &str| world.ask_host(&format!("ps -o {what}= -p {worker}"));
    assert_eq!(process("sid").trim(), worker, "its session");
    let front = world.ask_host("pgrep -f 'agent serv[e]'");
    assert!(front.lines().any(|pid| pid == process("ppid").trim()));
    let lock = world.ask_host("cat /var/lib/pct-deploy/hello/lock");
    assert!(
        lock.contains(&format!("process {worker}, since 20")),
        "{lock}"
    );
    world.ask_host(KILL_FRONT);
    world.wait_until("the worker belongs to init", |_| {
        process("ppid").trim() == "1"
    });
    let run = run.wait();
    run.expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v2"));
    let left = world.ask_host("pgrep -f 'agent (wor[k]|serv[e])' || true");
    assert_eq!(left, "", "nobody stays behind");
}

#[test]
fn a_cancel_while_the_connection_is_lost_reaches_the_host() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    let run = half_way(&world, "v2", LONG);
    world.ask_host(CUT_CONNECTIONS);
    // The runner pauses for a second before it connects anew.
    std::thread::sleep(Duration::from_millis(300));
    let pid = run.child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(killed.unwrap().success());
    let run = run.wait();
    let result = run.result();
    assert_eq!(
        (result.outcome, result.reason_code.as_str(), run.code),
        (Outcome::Cancelled, "cancelled", Some(130)),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("lost"), "{}", run.stderr);
    assert_eq!(
        result.slot.as_deref(),
        Some("hello-1"),
        "the host has said so"
    );
    assert!(!is_open(&world));
    assert!(load.stop_blocking().is_clean(), "nobody noticed");
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let left = world.ask_host("ls /var/lib/pct-deploy/hello | grep cancel || true");
    assert_eq!(left, "", "the cancel is over with its run");
}

#[test]
fn a_worker_that_is_told_to_end_rolls_back() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let run = half_way(&world, "v2", LONG);
    world.ask_host("pkill -TERM -f 'agent wor[k]'");
    let run = run.wait();
    let result = run.result();
    assert_eq!(
        (result.outcome, result.slot.as_deref()),
        (Outcome::Cancelled, Some("hello-1")),
        "{}",
        run.stderr
    );
    assert!(!is_open(&world));
    assert_eq!(world.serves().as_deref(), Some("v1"));
}

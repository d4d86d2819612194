//! Releases that go wrong: each is rolled back, the old one serves, and the report says why.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::result::{RunResult, StepOutcome};

use crate::world::{Host, Release, World};

/// Deploys v1, then `bad` under load, and checks everything that all bad releases have in common.
fn rolled_back(bad: &Release, more: &[(&str, &str)], reason: &str) -> (World, RunResult) {
    let mut world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    for (key, value) in more {
        world.set(key, value);
    }
    let load = world.load();
    let result = world.deploy(bad).expect(Outcome::RolledBack, reason);
    let report = load.stop_blocking();
    assert!(
        report.is_clean(),
        "nginx was never touched, so nobody may notice: {report}"
    );
    assert_eq!(
        report.by_version.keys().collect::<Vec<_>>(),
        ["v1"],
        "{report}"
    );
    assert_eq!(world.serves().as_deref(), Some("v1"));
    assert_eq!(result.slot.as_deref(), Some("hello-1"));
    let left = world.ask_host("docker ps -a --format '{{.Names}}' | grep hello-2 || true");
    assert_eq!(left, "", "the failed slot is removed");
    let slack = world.slack.shown();
    let told = slack.last().unwrap().to_string();
    assert!(
        told.contains("await_healthy"),
        "Slack names the failed step: {told}"
    );
    (world, result)
}

fn failed_step(result: &RunResult) -> (&str, String, String) {
    let failed = result.failure.as_ref().unwrap();
    let tail = failed.failure.log_tail.join("\n");
    (
        failed.name.as_deref().unwrap(),
        failed.failure.summary(),
        tail,
    )
}

#[test]
fn a_release_that_never_gets_healthy() {
    let bad = Release::new("v2").unhealthy();
    let (world, result) = rolled_back(&bad, &[("HEALTH_TIMEOUT", "4s")], "never-healthy");
    let (step, why, _) = failed_step(&result);
    assert_eq!(step, "await_healthy");
    assert!(why.contains("HTTP 503") && why.contains("/health"), "{why}");
    let undone: Vec<_> = result
        .steps
        .iter()
        .filter(|step| step.outcome == StepOutcome::Undone)
        .map(|step| step.name.as_str())
        .collect();
    assert!(
        undone.contains(&"stage_release") && undone.contains(&"start_slot"),
        "{undone:?}"
    );
    // The next deploy works.
    world
        .deploy(&Release::new("v3"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v3"));
}

#[test]
fn a_release_that_crashes_at_boot_fails_at_once_with_its_last_words() {
    let began = std::time::Instant::now();
    let (_world, result) = rolled_back(&Release::new("v2").crashes(), &[], "crashed-at-boot");
    assert!(
        began.elapsed() < Duration::from_secs(50),
        "it must not wait for the health deadline"
    );
    let (_, why, tail) = failed_step(&result);
    assert!(why.contains("exit code 3"), "{why}");
    assert!(
        tail.contains("at "),
        "the stack trace is in the report: {tail}"
    );
}

#[test]
fn a_release_that_is_killed_for_its_memory() {
    let (_world, result) = rolled_back(&Release::new("v2").leaks(), &[], "oom-killed");
    let (_, why, _) = failed_step(&result);
    assert!(why.contains("64 MiB"), "the limit is named: {why}");
}

#[test]
fn a_first_deploy_that_fails_leaves_nothing_behind() {
    let world = World::fresh(Host::V2);
    let result = world
        .deploy(&Release::new("v1").crashes())
        .expect(Outcome::RolledBack, "crashed-at-boot");
    assert_eq!(result.slot, None);
    assert_eq!(world.serves(), None);
    let left = world.ask_host("ls /var/lib/pct-deploy/hello; docker ps -a --format '{{.Names}}'");
    assert!(
        !left.contains("override") && !left.contains("hello-1"),
        "{left}"
    );
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
}

#[test]
fn what_the_app_prints_cannot_forge_workflow_commands() {
    let world = World::fresh(Host::V2);
    let bad = Release::new("v1").forges_commands().crashes();
    let run = world.deploy(&bad);
    run.expect(Outcome::RolledBack, "crashed-at-boot");
    assert!(run.stderr.contains("forged"), "the log is shown");
    for line in run.stderr.lines().map(str::trim_start) {
        assert!(!line.starts_with("::set-output"), "{line}");
    }
}

#[test]
fn what_a_crash_prints_of_its_environment_is_masked_and_read_by_nobody_else() {
    const SECRET: &str = "correct-horse-battery";
    let world = World::fresh(Host::V2);
    world.ask_host(&format!(
        "sed -i 's|    - PROFILE=prod|    - PROFILE=prod\\n    - DB_PASSWORD={SECRET}|' ~ec2-user/docker-compose.yml"
    ));
    let run = world.deploy(&Release::new("v1").crashes().prints_environment());
    let result = run.expect(Outcome::RolledBack, "crashed-at-boot");
    let (_, _, tail) = failed_step(&result);
    assert!(
        tail.contains("DB_PASSWORD="),
        "the look was worth something: {tail}"
    );
    let told = format!("{} {} {:?}", run.stderr, run.stdout, world.slack.messages());
    assert!(!told.contains(SECRET), "{told}");
    let kept = world.ask_host(&format!(
        "grep -rlF --include='*.jsonl' {SECRET} /var/lib/pct-deploy || true; \
         find /var/lib/pct-deploy -name '*.jsonl' ! -perm 600"
    ));
    assert_eq!(kept, "");
}

#[test]
fn a_cancel_before_commit_rolls_back() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let args = Release::new("v2")
        .boots_in(Duration::from_secs(60))
        .build_args();
    let run = world.spawn(&["deploy", "--json"], &[("BUILD_ARGS", &args)]);
    world.wait_until("the new slot is starting", |world| {
        world
            .on_host("docker ps --format '{{.Names}}' | grep -q hello-2-1")
            .status
            .success()
    });
    let pid = i32::try_from(run.child.id()).unwrap();
    std::process::Command::new("kill")
        .args(["-TERM", &pid.to_string()])
        .status()
        .unwrap();
    run.wait().expect(Outcome::Cancelled, "cancelled");
    assert_eq!(world.serves().as_deref(), Some("v1"));
    world.wait_until("the new slot is gone", |world| {
        !world
            .on_host("docker ps -a --format '{{.Names}}' | grep -q hello-2-1")
            .status
            .success()
    });
    let told = world
        .slack
        .shown()
        .last()
        .unwrap()
        .to_string()
        .to_lowercase();
    assert!(told.contains("cancelled"), "{told}");
}

#[test]
fn two_deploys_at_once_take_turns() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let slow = Release::new("v2")
        .boots_in(Duration::from_secs(6))
        .build_args();
    let first = world.spawn(&["deploy", "--json"], &[("BUILD_ARGS", &slow)]);
    world.wait_until("the first one is at work", |world| {
        world
            .on_host("docker ps --format '{{.Names}}' | grep -q hello-2-1")
            .status
            .success()
    });
    let second = world.deploy(&Release::new("v3"));
    first.wait().expect(Outcome::Deployed, "deployed");
    second.expect(Outcome::Deployed, "deployed");
    assert!(
        second.stderr.contains("lock"),
        "it says whom it waits for: {}",
        second.stderr
    );
    assert_eq!(world.serves().as_deref(), Some("v3"));
}

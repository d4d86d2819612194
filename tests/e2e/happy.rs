//! Deploys that go well.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::step::Step;

use crate::world::{Host, Release, World};

#[test]
fn a_first_deploy_starts_the_dependencies_and_serves() {
    let world = World::fresh(Host::V2);
    let run = world.deploy(&Release::new("v1"));
    let result = run.expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v1"));
    assert_eq!(result.slot.as_deref(), Some("hello-1"));
    assert_eq!(result.previous_slot, None);
    let running = world.ask_host("docker ps --format '{{.Names}}'");
    assert!(running.contains("hello-dep"), "{running}");
    let image = world.ask_host("docker inspect -f '{{.Config.Image}}' ec2-user-hello-1-1");
    assert_eq!(
        image,
        format!("localhost:5000/pct/hello@{}", result.digest.unwrap())
    );
    let names: Vec<_> = result.steps.iter().map(|step| step.name.as_str()).collect();
    let on_runner = ["build", "push", "connect", "install_agent"];
    let on_host = Step::ALL.iter().map(|step| step.as_str());
    let all: Vec<_> = on_runner.into_iter().chain(on_host).collect();
    assert_eq!(names, all);
    let last = run.stderr.lines().last().unwrap();
    assert!(
        last.contains("deployed") && last.contains("hello-1"),
        "{last}"
    );
}

#[test]
fn a_second_deploy_of_a_slow_app_under_load_answers_nothing_but_200() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    let slow = Release::new("v2").boots_in(Duration::from_secs(8));
    let result = world.deploy(&slow).expect(Outcome::Deployed, "deployed");
    std::thread::sleep(Duration::from_secs(2));
    let report = load.stop_blocking();
    eprintln!("{report}");
    assert_eq!(report.non_200.len(), 0, "{report}");
    assert_eq!(
        (report.connect_errors, report.broken, report.timeouts),
        (0, 0, 0),
        "{report}"
    );
    // The seed's reload may cut idle keep-alive connections: counted and printed, few.
    assert!(report.lost <= 100, "{report}");
    assert!(
        report.ok > 1_000 && report.by_version.contains_key("v2"),
        "{report}"
    );
    assert_eq!(world.serves().as_deref(), Some("v2"));
    assert_eq!(
        (result.slot.as_deref(), result.previous_slot.as_deref()),
        (Some("hello-2"), Some("hello-1"))
    );
    let old = world
        .ask_host("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' ec2-user-hello-1-1");
    assert_eq!(
        old, "exited 0",
        "the old slot must be stopped, after its requests, and stay"
    );
}

#[test]
fn the_same_release_again_changes_nothing() {
    let world = World::fresh(Host::V2);
    let first = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let began = world.ask_host("docker inspect -f '{{.State.StartedAt}}' ec2-user-hello-1-1");
    let again = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Unchanged, "already-live");
    assert_eq!(first.digest, again.digest);
    assert_eq!(
        world.ask_host("docker inspect -f '{{.State.StartedAt}}' ec2-user-hello-1-1"),
        began
    );
}

#[test]
fn slack_hears_of_success_with_the_seeds_fields() {
    let world = World::fresh(Host::V2);
    let result = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(result.slack_sent, Some(true));
    let shown = world.slack.shown();
    assert_eq!(shown.len(), 1);
    let text = shown.first().unwrap().to_string();
    assert!(text.contains("took") && text.contains("hello"), "{text}");
}

#[test]
fn on_the_host_itself_no_ssh_is_needed() {
    let world = World::fresh(Host::V2);
    let first = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    let agent = "/var/lib/pct-deploy/bin/current".to_owned();
    let local = |command: &str| {
        world.ask_host(&format!(
            "cd ~ec2-user && sudo -u ec2-user env PCT_DEPLOY_APP=hello PCT_DEPLOY_SLOTS=hello-1,hello-2 \
             PCT_DEPLOY_HEALTH_PATH=/health {agent} {command} --host local --json 2>/tmp/err || cat /tmp/err"
        ))
    };
    let status: serde_json::Value = serde_json::from_str(&local("status")).unwrap();
    assert_eq!(status.pointer("/live/service").unwrap(), "hello-2");
    let back: serde_json::Value = serde_json::from_str(&local("rollback")).unwrap();
    assert_eq!(back.get("outcome").unwrap(), "deployed");
    assert_eq!(back.get("digest").unwrap(), first.digest.unwrap().as_str());
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let image = format!("{}", first.image.unwrap());
    let again: serde_json::Value =
        serde_json::from_str(&local(&format!("deploy --image {image}"))).unwrap();
    assert_eq!(again.get("outcome").unwrap(), "unchanged");
}

//! Somebody pushes to the branch while the image that was asked for is on its way.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::result::RunResult;
use sandbox::event::Event;
use sandbox::github::GitHub;
use sandbox::pull::Pull;

use crate::world::{Host, Release, World};

const LABEL: &str = "🎅🏼deploy";
const TOKEN: &str = "made-up-github-token";

/// Deploys v1 by hand and v2 by label; the head moves once the pull request was read `reads` times.
fn moved_after(reads: usize) -> (World, GitHub, RunResult) {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let pull = Pull::new("octo-org/pct-backend", 7)
        .head("feature", &"a".repeat(40))
        .label(LABEL);
    let github = GitHub::start(pull.clone()).unwrap();
    github.require_token(TOKEN);
    let event: PathBuf = world.context.path().join("event.json");
    Event::labeled(pull, LABEL).write(&event).unwrap();
    let run = world.spawn(
        &["deploy", "--json", "--event", "event.json"],
        &[
            ("BUILD_ARGS", &Release::new("v2").build_args()),
            ("GITHUB_TOKEN", TOKEN),
            ("GITHUB_API_URL", &github.url()),
        ],
    );
    wait_for_reads(&github, reads);
    github.change_pull(|pull| pull.head("feature", &"b".repeat(40)));
    let result = run.wait().expect(Outcome::Failed, "head-moved");
    (world, github, result)
}

fn wait_for_reads(github: &GitHub, reads: usize) {
    let until = Instant::now() + Duration::from_secs(60);
    let count = || {
        let requests = github.requests();
        // Answered ones: what changes after that is not in the answer.
        let read = requests
            .iter()
            .filter(|one| one.path.ends_with("/pulls/7") && one.status.is_some());
        read.count()
    };
    while count() < reads {
        assert!(Instant::now() < until, "{:#?}", github.requests());
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn nothing_changed(world: &World, github: &GitHub) {
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let slots = world.ask_host("docker ps -a --format '{{.Names}}'");
    assert!(!slots.contains("hello-2"), "{slots}");
    let deployments = github.deployments();
    let id = deployments.first().and_then(|one| one.get("id")?.as_u64());
    assert_eq!(
        github.states(id.unwrap()).unwrap(),
        ["in_progress", "failure"]
    );
    let comments = github.comments().join("\n");
    assert!(comments.contains("moved on to the commit"), "{comments}");
    assert!(github.labels().is_empty(), "the label is used up");
}

#[test]
fn a_push_during_the_build_keeps_the_image_from_the_registry() {
    let (world, github, result) = moved_after(1);
    let failed = result.failure.as_ref().unwrap();
    assert_eq!(failed.name.as_deref(), Some("push"));
    nothing_changed(&world, &github);
}

#[test]
fn a_push_after_the_push_keeps_the_host_as_it_is() {
    let (world, github, result) = moved_after(2);
    let pushed = result.steps.iter().find(|step| step.name == "push");
    assert!(pushed.is_some(), "{:#?}", result.steps);
    let why = result.failure.as_ref().unwrap().failure.summary();
    assert!(why.contains("the host is not told to deploy"), "{why}");
    nothing_changed(&world, &github);
}

//! Signals, state, and the post step.

use std::time::{Duration, Instant};

use sandbox::github::{Endpoint, Fault};
use serde_json::Value;

use crate::act::container::{Container, Finished};
use crate::bench::Bench;
use crate::world::docker;

/// A runner whose GitHub takes its time about the first question.
fn waiting(bench: &Bench) -> Container {
    let runner = bench.runner();
    let slow = Fault::Slow(Duration::from_secs(30));
    runner.github.fail_always(Endpoint::GetPermission, slow);
    runner
}

pub(crate) fn fact_12_signals(bench: &Bench) {
    let runner = waiting(bench);
    let mut running = runner.start(&bench.project);
    running.until("gate  …");
    let (ended, took) = running.cancel();
    assert!(took < Duration::from_secs(7), "{took:?}");
    assert_eq!(
        (ended.code, ended.output("outcome")),
        (Some(130), "cancelled")
    );

    // Nobody answers the reports either; a second signal does not wait for them.
    let runner = waiting(bench);
    let mut running = runner.start(&bench.project);
    running.until("gate  …");
    runner.github.fail_everywhere(Fault::Hang);
    let asked = Instant::now();
    running.signal("INT");
    running.until("SIGINT");
    running.signal("TERM");
    let ended = running.wait();
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(ended.code, Some(143), "{}", ended.log);
}

/// A run that is killed while its new slot boots.
fn killed(bench: &Bench, runner: &Container) -> Finished {
    let mut running = runner.start(&bench.project);
    running.until("await_healthy  …");
    let killed = docker(&["kill", "--signal", "KILL", &running.name]);
    assert!(killed.status.success());
    running.wait()
}

fn states(runner: &Container) -> Vec<String> {
    let deployments = runner.github.deployments();
    let id = deployments.last().and_then(|one| one["id"].as_u64());
    runner.github.states(id.unwrap()).unwrap()
}

pub(crate) fn fact_13_state_and_post(bench: &Bench) {
    let boot = "HELLO_VERSION=post\nHELLO_BOOT_DELAY_MS=3000";
    let runner = bench.runner().input("build-args", boot);
    let main = killed(bench, &runner);
    let saved: Value = serde_json::from_str(&main.state["run"]).unwrap();
    assert_eq!(
        saved["point"], "swapping",
        "written before the host was asked"
    );
    assert!(saved["deployment"].is_string() && saved["github_deployment"].is_u64());

    let before = bench.world.slack.messages().len();
    let post = runner.post(&bench.project, &main.state);
    assert_eq!(post.code, Some(0), "{}", post.log);
    assert_eq!(states(&runner), ["in_progress", "success"]);
    assert_eq!(bench.world.slack.messages().len(), before + 1);

    // Once more, as after a post step that was cut off right at its end.
    let mut state = main.state;
    state.insert("slack".to_owned(), "tried".to_owned());
    runner.post(&bench.project, &state);
    assert_eq!(states(&runner), ["in_progress", "success"]);
    assert_eq!(bench.world.slack.messages().len(), before + 1);
    assert_eq!(runner.github.comments().len(), 1);

    // Told everything: nothing to do, nothing to say. Told nothing (act): the same.
    state.insert("finished".to_owned(), "true".to_owned());
    for state in [state, std::collections::BTreeMap::new()] {
        let requests = runner.github.requests().len();
        let post = runner.post(&bench.project, &state);
        assert_eq!((post.code, post.log.as_str()), (Some(0), ""));
        assert_eq!(runner.github.requests().len(), requests);
    }
}

pub(crate) fn fact_14_post_has_a_deadline(bench: &Bench) {
    let boot = "HELLO_VERSION=deadline\nHELLO_BOOT_DELAY_MS=1000";
    let runner = bench.runner().input("build-args", boot);
    let main = killed(bench, &runner);
    // The host cannot be reached any more, and GitHub answers nothing but the last call.
    let runner = runner.input("ssh-port", "9");
    let began = Instant::now();
    let post = runner.post(&bench.project, &main.state);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(61), "{took:?}");
    assert_eq!(post.code, Some(0), "{}", post.log);
    assert!(
        post.log.contains("cannot be asked how it ended"),
        "{}",
        post.log
    );
    assert_eq!(states(&runner), ["in_progress", "error"]);
    // What the host did meanwhile is its own affair, and goes well.
    bench.world.wait_until("the host has finished", |world| {
        world.serves().as_deref() == Some("deadline")
    });
}

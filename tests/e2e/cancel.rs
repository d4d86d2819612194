//! A run that is cancelled, at each of its steps, with the real runner's signals and timing.
//!
//! What must hold wherever the signal comes: the container ends within seven seconds, one slot serves, and once
//! the post step is through, GitHub and Slack say what really happened, once.

mod phases;
mod post;

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use serde_json::Value;

use crate::act::container::{Container, Finished};
use crate::act::project::Project;
use crate::world::{Host, Release, World};

/// The contract's limit for the end of a cancelled step.
const LIMIT: Duration = Duration::from_secs(7);

/// A host where v1 serves, and a repository whose label was just set.
fn live(name: &str) -> (World, Project) {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let project = Project::new(&world, name);
    project.write_event(crate::act::pull(&project), crate::act::project::LABEL);
    (world, project)
}

/// A release that does not listen for longer than any test waits.
fn boots_for_ever(runner: Container) -> Container {
    runner
        .input("build-args", "HELLO_VERSION=v2\nHELLO_BOOT_DELAY_MS=120000")
        .input("stop-timeout", "2s")
}

/// The slots whose containers run.
fn slots(world: &World) -> Vec<String> {
    let names = world.ask_host("docker ps --format '{{.Names}}' | grep -E 'hello-[12]-1' || true");
    names.lines().map(str::to_owned).collect()
}

/// The states of the newest deployment on GitHub, none when there is no deployment.
fn states(runner: &Container) -> Vec<String> {
    let newest = runner.github.deployments();
    let id = newest
        .last()
        .and_then(|one| one.get("id").and_then(Value::as_u64));
    id.map_or_else(Vec::new, |id| runner.github.states(id).unwrap())
}

/// The host has settled: one slot runs, and it answers as `version`.
fn settled(world: &World, version: &str) {
    world.wait_until("one slot serves", |world| {
        slots(world).len() == 1 && world.serves().as_deref() == Some(version)
    });
    let open = world.on_host("test -e /var/lib/pct-deploy/hello/open.jsonl");
    assert!(!open.status.success(), "the journal is closed");
}

/// Whether the main step told its end itself, so that the post step must do nothing.
fn told_everything(finished: &Finished) -> bool {
    finished.state.contains_key("finished")
}

//! SIGINT while each step is at work.

use std::time::Duration;

use sandbox::github::{Endpoint, Fault};
use sandbox::relay::Relay;

use super::{LIMIT, boots_for_ever, live, settled, states, told_everything};
use crate::act::container::{Container, Finished};
use crate::act::project::Project;
use crate::world::{Release, World};

/// Cancels a run as soon as it says `line`, lets its post step do the rest, and checks all that must hold
/// whatever the step. Answers what the main step left, and the version that serves.
fn cancelled_at(
    world: &World,
    project: &Project,
    runner: &Container,
    line: &str,
    versions: (&str, &str),
) -> (Finished, String) {
    let before = world.slack.messages().len();
    let mut running = runner.start(project);
    running.until(line);
    let (main, took) = running.cancel();
    eprintln!(
        "cancelled at `{line}`: ended after {took:.1?} with {:?}",
        main.code
    );
    assert!(took < LIMIT, "`{line}`: {took:?}\n{}", main.log);
    assert!(main.log.contains("SIGINT"), "`{line}`: {}", main.log);

    let post = runner.post(project, &main.state);
    assert_eq!(post.code, Some(0), "`{line}`: {}", post.log);
    assert_eq!(
        told_everything(&main),
        post.log.is_empty(),
        "`{line}`: {}",
        post.log
    );
    let (old, new) = versions;
    let serving = world.serves().unwrap();
    assert!(serving == old || serving == new, "`{line}`: {serving}");
    settled(world, &serving);

    let deployed = serving == new;
    let shown = world.slack.shown();
    let told: Vec<String> = shown.iter().map(ToString::to_string).collect();
    let of_this_run = world.slack.messages().len() - before;
    assert_eq!(of_this_run, 1, "`{line}`: {told:#?}");
    let word = if deployed { "deployed" } else { "cancelled" };
    assert!(told.last().unwrap().contains(word), "`{line}`: {told:#?}");
    let states = states(runner);
    let last = if deployed { "success" } else { "error" };
    assert!(
        states.is_empty() || states.last().map(String::as_str) == Some(last),
        "`{line}`: {states:?}"
    );
    if told_everything(&main) {
        let outcome = main.output("outcome");
        assert_eq!(outcome, word, "`{line}`");
        let code = if deployed { Some(0) } else { Some(130) };
        assert_eq!(main.code, code, "`{line}`");
    }
    (main, serving)
}

#[test]
fn before_the_host_is_changed() {
    let (world, project) = live("cancel-early");
    let never = |main: &Finished, serving: &str| {
        assert_eq!(
            (main.code, main.output("outcome")),
            (Some(130), "cancelled")
        );
        assert_eq!(serving, "v1");
    };
    // The gate waits for GitHub.
    let runner = Container::new(&world, &project).verbose();
    let slow = Fault::Slow(Duration::from_secs(20));
    runner.github.fail_always(Endpoint::GetPermission, slow);
    let (main, serving) = cancelled_at(&world, &project, &runner, "gate  …", ("v1", "v2"));
    never(&main, &serving);

    // A build that takes its time.
    let dockerfile = "FROM debian:bookworm-slim\nRUN echo build is at work && sleep 30\n";
    std::fs::write(project.app().join("Slow"), dockerfile).unwrap();
    let runner = Container::new(&world, &project)
        .verbose()
        .input("dockerfile", "Slow");
    let line = "build is at work";
    let (main, serving) = cancelled_at(&world, &project, &runner, line, ("v1", "v2"));
    never(&main, &serving);

    // A host that takes the connection and says nothing.
    let target = std::net::SocketAddr::from(([127, 0, 0, 1], world.env.ssh_port));
    let relay = Relay::start(target, Duration::from_secs(15)).unwrap();
    let runner = Container::new(&world, &project)
        .verbose()
        .input("ssh-port", &relay.addr().port().to_string())
        .input("connect-timeout", "60s");
    let line = "connecting to";
    let (main, serving) = cancelled_at(&world, &project, &runner, line, ("v1", "v2"));
    never(&main, &serving);
}

/// Two hundred megabytes that no registry has seen.
fn heavy(project: &Project, version: &str) -> String {
    let text = format!(
        "FROM debian:bookworm-slim\nCOPY hello /hello\n\
         RUN echo {version} && head -c 200000000 /dev/urandom >/heavy\nENV HELLO_VERSION={version}\n\
         ENTRYPOINT [\"/hello\"]\n"
    );
    let name = format!("Heavy.{version}");
    std::fs::write(project.app().join(&name), text).unwrap();
    name
}

#[test]
fn while_the_image_travels() {
    let (world, project) = live("cancel-image");
    for (version, line) in [("v2", "push  …"), ("v3", "pull_image  …")] {
        let runner = Container::new(&world, &project)
            .verbose()
            .input("dockerfile", &heavy(&project, version));
        let (main, serving) = cancelled_at(&world, &project, &runner, line, ("v1", version));
        assert_eq!((main.code, serving.as_str()), (Some(130), "v1"), "{line}");
    }
}

#[test]
fn while_the_new_slot_starts() {
    let (world, project) = live("cancel-start");
    for line in ["start_slot  …", "await_healthy  …"] {
        let runner = boots_for_ever(Container::new(&world, &project).verbose());
        let (main, serving) = cancelled_at(&world, &project, &runner, line, ("v1", "v2"));
        assert_eq!((main.code, serving.as_str()), (Some(130), "v1"), "{line}");
    }
}

/// Near the commit either end is right, as long as everybody is told the one that happened.
#[test]
fn around_the_commit() {
    let (world, project) = live("cancel-commit");
    let mut old = "v0".to_owned();
    // As every run has them; one that watches the new slot is cancelled there, too.
    let steps = world.deploy(&Release::new("v0")).result().steps;
    let lines = [
        ("v2", "switch_traffic"),
        ("v3", "verify_route"),
        ("v4", "bake"),
        ("v5", "stop_old"),
    ];
    for (version, step) in lines {
        if !steps.iter().any(|one| one.name == step) {
            assert_eq!(step, "bake", "{steps:#?}");
            continue;
        }
        let line = &format!("{step}  …");
        let runner = Container::new(&world, &project)
            .verbose()
            .input("build-args", &format!("HELLO_VERSION={version}"));
        let versions = (old.as_str(), version);
        let (_main, serving) = cancelled_at(&world, &project, &runner, line, versions);
        if step == "stop_old" {
            assert_eq!(serving, version, "after the commit only forward");
        }
        old = serving;
    }
}

#[test]
fn while_the_old_slot_drains() {
    let (world, project) = live("cancel-drain");
    let runner = Container::new(&world, &project)
        .verbose()
        .input("build-args", "HELLO_VERSION=v2")
        .input("drain-timeout", "40s");
    // A request that the old slot answers for longer than a cancelled run may last.
    let url = "http://127.0.0.1/slow?ms=25000";
    let slow = format!("curl -s -H 'Host: localhost' --max-time 60 '{url}'");
    std::thread::scope(|scope| {
        let request = scope.spawn(|| world.on_host(&slow));
        let (main, serving) = cancelled_at(&world, &project, &runner, "drain_old  …", ("v1", "v2"));
        assert_eq!(serving, "v2", "after the commit only forward");
        // The main step did not wait for it, and its post step did.
        assert_eq!(main.code, Some(0), "{}", main.log);
        assert!(!told_everything(&main));
        let answer = request.join().unwrap();
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert!(
            answer.contains("hello v1"),
            "the request was not cut: {answer}"
        );
    });
}

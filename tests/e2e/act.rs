//! The action as it is used: through its image, from inputs and an event, by `act` and by the real
//! runner's own command line.

mod clone;
pub(crate) mod container;
mod files;
pub(crate) mod job;
pub(crate) mod project;

use sandbox::github::GitHub;
use sandbox::pull::Pull;

use self::container::Container;
use self::project::{LABEL, Project, TOKEN};
use crate::world::{Host, World, docker};

/// GitHub as the action sees it: one pull request whose head is the project's.
pub(crate) fn github(project: &Project) -> GitHub {
    let github = GitHub::start(pull(project)).unwrap();
    github.require_token(TOKEN);
    github
}

pub(crate) fn pull(project: &Project) -> Pull {
    Pull::new(project::REPOSITORY, 7)
        .head("feature", &project.head)
        .label(LABEL)
}

#[test]
fn the_image_is_what_the_runner_needs_and_no_more() {
    drop(project::staged());
    let facts = ["Entrypoint", "User", "WorkingDir"].map(|fact| {
        let format = format!("{{{{json .Config.{fact}}}}}");
        ask(&["image", "inspect", "-f", &format, container::IMAGE])
    });
    assert_eq!(
        facts,
        [r#"["/usr/local/bin/pct-deploy"]"#, r#""""#, r#""""#]
    );
    for shell in [
        "/bin/sh",
        "/bin/bash",
        "/bin/dash",
        "/bin/busybox",
        "/usr/bin/sh",
    ] {
        let tried = docker(&[
            "run",
            "--rm",
            "--entrypoint",
            shell,
            container::IMAGE,
            "-c",
            ":",
        ]);
        assert_eq!(tried.status.code(), Some(127), "{shell} is in the image");
    }
    let version = ask(&["run", "--rm", container::IMAGE, "--version"]);
    assert_eq!(version, format!("pct-deploy {}", env!("CARGO_PKG_VERSION")));
}

pub(crate) fn ask(args: &[&str]) -> String {
    let output = docker(args);
    assert!(
        output.status.success(),
        "docker {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_label_deploys_and_everybody_hears_of_it() {
    let world = World::fresh(Host::V2);
    let project = Project::new(&world, "label-deploys");
    let github = github(&project);
    project.write_event(pull(&project), LABEL);
    let job = project.act(&github, &[]);

    assert_eq!(
        (job.code, job.result()),
        (Some(0), Some("success")),
        "{}",
        job.log()
    );
    let outputs = job.outputs();
    let output = |name: &str| outputs.get(name).map(String::as_str);
    assert_eq!(output("outcome"), Some("deployed"), "{outputs:#?}");
    assert_eq!(
        (output("slot"), output("slack-sent")),
        (Some("hello-1"), Some("true"))
    );
    assert_eq!(world.serves().as_deref(), Some(project.head.as_str()));
    let summary = job.summary();
    for word in ["deployed", "hello-1", "switch_traffic"] {
        assert!(
            summary.contains(word),
            "`{word}` is not in the summary: {summary}"
        );
    }

    let deployments = github.deployments();
    let [deployment] = deployments.as_slice() else {
        panic!("one deployment: {deployments:#?}")
    };
    assert_eq!(deployment.get("sha").unwrap(), project.head.as_str());
    let id = deployment
        .get("id")
        .and_then(serde_json::Value::as_u64)
        .unwrap();
    assert_eq!(github.states(id).unwrap(), ["in_progress", "success"]);
    let comments = github.comments();
    let [comment] = comments.as_slice() else {
        panic!("one comment: {comments:#?}")
    };
    assert!(comment.contains("hello-1"), "{comment}");
    assert!(
        !github.labels().contains(&LABEL.to_owned()),
        "the label is taken off"
    );
    assert_eq!(world.slack.shown().len(), 1);
    assert!(
        !job.log().contains(&world.env.registry_password),
        "a secret is in the log"
    );
    // act starts the post step without its state: it must find nothing to do and say nothing.
    assert!(job.log().contains(container::POST), "{}", job.log());
    let post = job.log().split_once(container::POST).unwrap().1.to_owned();
    assert!(!post.contains("pct-deploy "), "{post}");
}

#[test]
fn a_wrong_label_or_base_touches_nothing() {
    let world = World::fresh(Host::V2);
    let project = Project::new(&world, "label-skips");
    let other_base = || pull(&project).base("develop");
    for (pull, put, reason) in [
        (pull(&project), "documentation", "wrong-label"),
        (other_base(), LABEL, "wrong-base"),
    ] {
        let github = github(&project);
        let before = connections(&world);
        project.write_event(pull, put);
        // Without Docker's socket: the gate decides before anybody could miss it.
        let job = project.act(&github, &["--container-daemon-socket", "-"]);
        assert_eq!(
            (job.code, job.result()),
            (Some(0), Some("success")),
            "{}",
            job.log()
        );
        let outputs = job.outputs();
        let output = |name: &str| outputs.get(name).map(String::as_str);
        assert_eq!(
            (output("outcome"), output("reason-code")),
            (Some("skipped"), Some(reason)),
            "{}",
            job.log()
        );
        assert_eq!(github.requests().len(), 0, "{:#?}", github.requests());
        assert_eq!(world.slack.messages().len(), 0);
        assert_eq!(connections(&world), before, "nobody logged in on the host");
        assert_eq!(world.serves(), None);
    }
}

/// How often somebody logged in on the host by SSH.
fn connections(world: &World) -> String {
    world.ask_host("journalctl --no-pager -u ssh | grep -c Accepted || true")
}

#[test]
fn the_real_runners_command_line_skips_and_deploys() {
    let world = World::fresh(Host::V2);
    let project = Project::new(&world, "runner");

    let runner = Container::new(&world, &project);
    project.write_event(pull(&project), "documentation");
    // The gate needs no network, and finds the event where act mounts it, too.
    let offline = Container::new(&world, &project)
        .network("none")
        .workflow_at("/var/run/act/workflow");
    assert_eq!(offline.start(&project).wait().output("outcome"), "skipped");
    let skipped = runner.start(&project).wait();
    assert_eq!(skipped.code, Some(0), "{}", skipped.log);
    assert_eq!(skipped.output("outcome"), "skipped");
    assert_eq!(skipped.output("reason-code"), "wrong-label");
    assert_eq!(runner.github.requests().len(), 0);

    project.write_event(pull(&project), LABEL);
    let deployed = runner.start(&project).wait();
    assert_eq!(deployed.code, Some(0), "{}", deployed.log);
    assert_eq!(deployed.output("outcome"), "deployed");
    assert_eq!(world.serves().as_deref(), Some(project.head.as_str()));
    assert!(deployed.summary.contains("hello-1"), "{}", deployed.summary);
    assert_eq!(runner.github.deployments().len(), 1);
    assert_eq!(world.slack.shown().len(), 1);

    // The main step has told everything: its post step does nothing and says nothing.
    let (requests, posts) = (runner.github.requests().len(), world.slack.messages().len());
    for finished in [skipped, deployed] {
        let post = runner.post(&project, &finished.state);
        assert_eq!((post.code, post.log.as_str()), (Some(0), ""));
    }
    assert_eq!(runner.github.requests().len(), requests);
    assert_eq!(world.slack.messages().len(), posts);
}

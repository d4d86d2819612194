//! What the main step could not wait for, the post step finds out, once.

use std::time::{Duration, Instant};

use sandbox::github::{Endpoint, Fault};
use sandbox::slack::Reply;
use serde_json::Value;

use super::{LIMIT, boots_for_ever, live, settled, slots, states, told_everything};
use crate::act::container::Container;
use crate::world::docker;

#[test]
fn a_killed_step_is_told_by_its_post_step_once() {
    let (world, project) = live("post-killed");
    let runner = Container::new(&world, &project)
        .input("build-args", "HELLO_VERSION=v2\nHELLO_BOOT_DELAY_MS=4000");
    let before = world.slack.messages().len();
    let mut running = runner.start(&project);
    running.until("await_healthy");
    // As when the machine takes it away: no signal that could be handled.
    let killed = docker(&["kill", "--signal", "KILL", &running.name]);
    assert!(killed.status.success());
    let main = running.wait();
    assert_eq!(main.code, Some(137), "{}", main.log);
    assert!(main.state.contains_key("run") && !told_everything(&main));
    assert_eq!(states(&runner), ["in_progress"]);
    assert_eq!(world.slack.messages().len(), before);

    let post = runner.post(&project, &main.state);
    assert_eq!(post.code, Some(0));
    assert!(post.log.contains("deployed release"), "{}", post.log);
    assert!(post.summary.contains("deployed"), "{}", post.summary);
    settled(&world, "v2");
    assert_eq!(states(&runner), ["in_progress", "success"]);
    assert_eq!(world.slack.shown().len(), before + 1);
    let told = world.slack.shown().last().unwrap().to_string();
    assert!(told.contains("deployed"), "{told}");

    // A second post step (a re-run of the job's last part) finds the final state and changes nothing.
    let mut state = main.state.clone();
    state.insert("slack".to_owned(), "tried".to_owned());
    let again = runner.post(&project, &state);
    assert_eq!(again.code, Some(0), "{}", again.log);
    assert_eq!(states(&runner), ["in_progress", "success"]);
    assert_eq!(world.slack.shown().len(), before + 1);
    assert_eq!(runner.github.comments().len(), 1);
}

#[test]
fn a_second_signal_ends_at_once_and_the_host_settles_by_itself() {
    let (world, project) = live("post-second");
    let runner = boots_for_ever(Container::new(&world, &project));
    let mut running = runner.start(&project);
    running.until("await_healthy");
    let began = Instant::now();
    running.signal("INT");
    std::thread::sleep(Duration::from_millis(100));
    running.signal("TERM");
    let main = running.wait();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(main.code, Some(143), "{}", main.log);
    settled(&world, "v1");

    let post = runner.post(&project, &main.state);
    assert!(post.log.contains("cancelled"), "{}", post.log);
    assert_eq!(states(&runner), ["in_progress", "error"]);
    let told = world.slack.shown().last().unwrap().to_string();
    assert!(told.contains("cancelled"), "{told}");
}

#[test]
fn a_cancel_while_github_and_slack_hang_ends_in_time_all_the_same() {
    let (world, project) = live("post-hang");
    let runner = boots_for_ever(Container::new(&world, &project));
    let mut running = runner.start(&project);
    running.until("await_healthy");
    runner.github.fail_everywhere(Fault::Hang);
    world.slack.script([Reply::Hang]);
    let (main, took) = running.cancel();
    assert!(took < LIMIT, "{took:?}\n{}", main.log);
    assert_eq!(
        (main.code, main.output("outcome")),
        (Some(130), "cancelled")
    );
    settled(&world, "v1");
    // Nobody was told for sure: the post step tells GitHub; a message that may be there is not repeated.
    assert!(!told_everything(&main), "{:?}", main.state);
    runner.github.heal();
    let posts = world.slack.messages().len();
    let post = runner.post(&project, &main.state);
    assert_eq!(post.code, Some(0), "{}", post.log);
    assert_eq!(states(&runner).last().map(String::as_str), Some("error"));
    let tried = usize::from(!main.state.contains_key("slack"));
    assert_eq!(world.slack.messages().len(), posts + tried);
}

#[test]
fn a_cancel_during_the_reports_ends_in_time_and_the_deploy_stands() {
    let (world, project) = live("post-report");
    let runner = Container::new(&world, &project)
        .verbose()
        .input("build-args", "HELLO_VERSION=v2");
    runner
        .github
        .fail_always(Endpoint::CreateComment, Fault::Hang);
    runner
        .github
        .fail_always(Endpoint::ListComments, Fault::Hang);
    let mut running = runner.start(&project);
    running.until("prune  done");
    world.wait_until("Slack was told", |world| {
        world
            .slack
            .shown()
            .iter()
            .any(|told| told.to_string().contains("hello-2"))
    });
    let (main, took) = running.cancel();
    assert!(took < LIMIT, "{took:?}\n{}", main.log);
    // What really happened is a deploy.
    assert_eq!((main.code, main.output("outcome")), (Some(0), "deployed"));
    settled(&world, "v2");
    assert_eq!(states(&runner), ["in_progress", "success"]);
    runner.github.heal();
    let posts = world.slack.messages().len();
    runner.post(&project, &main.state);
    assert_eq!(runner.github.comments().len(), 1, "the comment was owed");
    assert_eq!(states(&runner), ["in_progress", "success"]);
    assert_eq!(world.slack.messages().len(), posts, "Slack was told before");
}

/// What is told; what the gate asks is answered, or it would say no.
const REPORTS: [Endpoint; 9] = [
    Endpoint::ListDeployments,
    Endpoint::CreateDeployment,
    Endpoint::ListStatuses,
    Endpoint::CreateStatus,
    Endpoint::ListComments,
    Endpoint::CreateComment,
    Endpoint::UpdateComment,
    Endpoint::RemoveLabel,
    Endpoint::GetCommit,
];

/// GitHub and Slack refuse everything, each in its own way: the deploy is as good as it was, and says so.
#[test]
fn sinks_that_fail_in_every_way_never_fail_a_good_deploy() {
    let (world, project) = live("post-faults");
    let ways = [
        (Fault::Forbidden, Reply::InvalidBlocks),
        (Fault::NotFound, Reply::ServerError),
        (Fault::Unprocessable("no".to_owned()), Reply::Drop),
        (
            Fault::RateLimited { retry_after_s: 60 },
            Reply::RateLimited { retry_after_s: 600 },
        ),
        (Fault::ServerError(502), Reply::ServerError),
        (Fault::Drop, Reply::Drop),
    ];
    for (number, (fault, reply)) in ways.into_iter().enumerate() {
        let version = format!("w{number}");
        let runner = Container::new(&world, &project)
            .input("require-write", "false")
            .env("RUNNER_DEBUG", "1")
            .input("build-args", &format!("HELLO_VERSION={version}"));
        for call in REPORTS {
            runner.github.fail_always(call, fault.clone());
        }
        world.slack.script([reply]);
        let posts = world.slack.messages().len();
        let main = runner.start(&project).wait();
        assert_eq!(
            (main.code, main.output("outcome"), main.output("slack-sent")),
            (Some(0), "deployed", "false"),
            "{fault:?} {reply:?}"
        );
        assert!(main.log.contains("::warning"), "{fault:?}: {}", main.log);
        if fault == Fault::Forbidden {
            assert!(main.log.contains("deployments: write"), "{}", main.log);
        }
        settled(&world, &version);
        assert_eq!(slots(&world).len(), 1);
        assert_eq!(
            world.slack.messages().len(),
            posts + 1,
            "no blind repeat: {reply:?}"
        );
        let created =
            runner.github.requests().into_iter().filter(|request| {
                request.method == "POST" && request.path.ends_with("/deployments")
            });
        assert_eq!(created.count(), 1, "no blind repeat: {fault:?}");
    }
}

#[test]
fn a_post_step_without_state_is_silent() {
    let (world, project) = live("post-none");
    let runner = Container::new(&world, &project);
    let post = runner.post(&project, &std::collections::BTreeMap::new());
    assert_eq!((post.code, post.log.as_str()), (Some(0), ""));
    assert_eq!(runner.github.requests().len(), 0);
    assert_eq!(states(&runner), Vec::<String>::new());
    let nothing: Vec<Value> = runner.github.deployments();
    assert!(nothing.is_empty());
}

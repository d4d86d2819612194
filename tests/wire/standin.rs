//! Two deploys against the stand-ins of the end-to-end tests, which keep state and know the limits.

use pct_deploy::clients::github::DeploymentHandle;
use pct_deploy::protocol::outcome::Outcome;
use sandbox::github::{Fault, GitHub};
use sandbox::pull::Pull;
use sandbox::slack::{Receiver, Reply, Slack};

use crate::world::{
    Ending, SHA, TOKEN, config_for, config_with, context_for, reporter, result, started,
};

#[tokio::test]
async fn the_second_deploy_retires_the_first_and_rewrites_its_comment() {
    let label = "🎅🏼deploy";
    let pull = Pull::new("org/parking", 7)
        .head("feature/x", SHA)
        .message("Fix the map")
        .label(label);
    let github = GitHub::start(pull).unwrap();
    github.require_token(TOKEN);
    let slack = Slack::start().unwrap();
    let config = config_for(&slack.url());
    let context = context_for(github.url());

    for outcome in [Outcome::Deployed, Outcome::RolledBack, Outcome::Deployed] {
        let (reporter, log) = reporter();
        let handle = started(&config, &context, &reporter).await;
        let mut result = result(outcome);
        let gate = Some(label);
        let ending = Ending {
            label: gate,
            handle,
            ..Ending::new(&config, &context, &reporter)
        };
        ending.finish(&mut result).await;
        assert_eq!(result.slack_sent, Some(true), "{}", log.text());
        assert!(!log.text().contains("warning"), "{}", log.text());
    }

    let ids: Vec<u64> = github
        .deployments()
        .iter()
        .filter_map(|deployment| deployment["id"].as_u64())
        .collect();
    let states: Vec<_> = ids.iter().filter_map(|id| github.states(*id)).collect();
    assert_eq!(
        states,
        [
            vec!["in_progress", "success", "inactive"],
            vec!["in_progress", "failure"],
            vec!["in_progress", "success"],
        ]
    );
    assert_eq!(github.comments().len(), 1, "{:?}", github.comments());
    assert!(!github.labels().contains(&label.to_owned()));
    let shown = slack.shown();
    assert_eq!(shown.len(), 3);
    let message = shown[0].to_string();
    assert!(message.contains("*message*\\nFix the map"), "{message}");
}

/// The clock is paused, so a wait without a deadline would never end.
#[tokio::test(start_paused = true)]
async fn sinks_that_hang_do_not_hold_the_run() {
    let github = GitHub::start(Pull::new("org/parking", 7)).unwrap();
    github.fail_everywhere(Fault::Hang);
    let slack = Slack::start().unwrap();
    slack.script([Reply::Hang, Reply::Hang]);
    let (config, context) = (config_for(&slack.url()), context_for(github.url()));
    for outcome in [Outcome::Deployed, Outcome::Cancelled] {
        let begun = tokio::time::Instant::now();
        let (reporter, log) = reporter();
        assert_eq!(started(&config, &context, &reporter).await, None);
        let mut result = result(outcome);
        let handle = Some(DeploymentHandle::from_id(1));
        let gate = Some("deploy");
        let ending = Ending {
            label: gate,
            handle,
            ..Ending::new(&config, &context, &reporter)
        };
        ending.finish(&mut result).await;
        assert_eq!(result.slack_sent, Some(false));
        assert_eq!(result.outcome, outcome);
        assert!(log.text().contains("warning"), "{}", log.text());
        let limit = match outcome {
            Outcome::Cancelled => 25,
            _ => 80,
        };
        assert!(begun.elapsed().as_secs() <= limit, "{:?}", begun.elapsed());
    }
}

/// What each takes, told by its address alone; a workflow's is told where its host is not Slack's.
#[tokio::test]
async fn every_receiver_takes_both_ends_and_shows_them() {
    for (receiver, format) in [
        (Receiver::Slack, "auto"),
        (Receiver::Workflow, "workflow"),
        (Receiver::Mattermost, "auto"),
        (Receiver::Discord, "auto"),
    ] {
        let github = GitHub::start(Pull::new("org/parking", 7)).unwrap();
        let slack = Slack::start().unwrap();
        let config = config_with(&slack.url_of(receiver), &[("slack-format", format)]);
        let context = context_for(github.url());
        for outcome in [Outcome::Deployed, Outcome::RolledBack] {
            let (reporter, log) = reporter();
            let mut result = result(outcome);
            Ending::new(&config, &context, &reporter)
                .finish(&mut result)
                .await;
            assert_eq!(result.slack_sent, Some(true), "{receiver:?} {}", log.text());
        }
        let shown = slack.shown();
        assert_eq!(shown.len(), 2, "{receiver:?}");
        assert!(
            shown[1].to_string().contains("cannot push with"),
            "{receiver:?}"
        );
        assert!(!shown[1].to_string().contains("hunter2"), "{receiver:?}");
    }
}

//! Each call fails in each way: the deploy ends as it did, and what is printed says what to do.

use std::thread;
use std::time::{Duration, Instant};

use pct_deploy::protocol::outcome::Outcome;
use sandbox::github::{Endpoint, Fault, GitHub};
use sandbox::pull::Pull;
use sandbox::slack::{Reply, Slack};

use crate::world::{Ending, SHA, TOKEN, config_for, context_for, reporter, result, started};

const LABEL: &str = "🎅🏼deploy";

/// The calls of a deploy, what a person is told when one fails, and what it needs.
const CALLS: [(Endpoint, &str, &str); 9] = [
    (
        Endpoint::CreateDeployment,
        "cannot create a deployment on GitHub",
        "deployments: write",
    ),
    (
        Endpoint::CreateStatus,
        "cannot set the deployment's state on GitHub",
        "deployments: write",
    ),
    (
        Endpoint::ListDeployments,
        "cannot mark the previous deployment as inactive",
        "deployments: write",
    ),
    (
        Endpoint::ListStatuses,
        "cannot mark the previous deployment as inactive",
        "deployments: write",
    ),
    (
        Endpoint::ListComments,
        "cannot comment on the pull request",
        "pull-requests: write",
    ),
    (
        Endpoint::CreateComment,
        "cannot comment on the pull request",
        "pull-requests: write",
    ),
    (
        Endpoint::UpdateComment,
        "cannot comment on the pull request",
        "pull-requests: write",
    ),
    (
        Endpoint::RemoveLabel,
        "cannot take the label off",
        "pull-requests: write",
    ),
    (
        Endpoint::GetCommit,
        "cannot ask GitHub for the commit's message and author",
        "contents: read",
    ),
];

fn faults() -> Vec<(Fault, &'static str)> {
    vec![
        (Fault::Forbidden, "under `permissions:`"),
        (Fault::NotFound, "under `permissions:`"),
        (
            Fault::Unprocessable("no".to_owned()),
            "GitHub answered 422: no",
        ),
        (
            Fault::RateLimited { retry_after_s: 60 },
            "takes no more calls",
        ),
        (Fault::ServerError(502), "GitHub answered 502"),
        (Fault::Slow(Duration::from_millis(50)), ""),
        (Fault::Drop, "no answer from GitHub"),
        (Fault::DropAfter, "no answer from GitHub"),
    ]
}

/// One deploy while every call of one kind fails; returns what was printed.
async fn deploy(hub: &GitHub, slack: &Slack, sent: bool) -> String {
    let config = config_for(&slack.url());
    let context = context_for(hub.url());
    let (reporter, log) = reporter();
    let handle = started(&config, &context, &reporter).await;
    let mut result = result(Outcome::Deployed);
    let ending = Ending {
        label: Some(LABEL),
        handle,
        ..Ending::new(&config, &context, &reporter)
    };
    ending.finish(&mut result).await;
    let log = log.text();
    assert_eq!(result.outcome, Outcome::Deployed, "{log}");
    assert_eq!(result.slack_sent, Some(sent), "{log}");
    let last = log.lines().last().unwrap();
    assert!(
        last.contains("deployed the new release (commit 0a1b2c3d4e5f) on parking-2"),
        "{log}"
    );
    assert!(!log.contains(TOKEN) && !log.contains("/T000/"), "{log}");
    log
}

fn warnings(log: &str) -> Vec<&str> {
    log.split('\n')
        .filter(|line| line.contains("warning: "))
        .collect()
}

/// What one call looks like under each fault.
fn rows(endpoint: Endpoint, told: &str, permission: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut rows = Vec::new();
    for (fault, why) in faults() {
        let pull = Pull::new("org/parking", 7)
            .head("feature/x", SHA)
            .label(LABEL);
        let (hub, slack) = (GitHub::start(pull).unwrap(), Slack::start().unwrap());
        // An earlier deploy leaves a comment to update and a deployment to retire.
        if matches!(endpoint, Endpoint::UpdateComment | Endpoint::ListStatuses) {
            runtime.block_on(deploy(&hub, &slack, true));
            hub.change_pull(|pull| pull.label(LABEL));
        }
        hub.fail_always(endpoint, fault.clone());
        let begun = Instant::now();
        let log = runtime.block_on(deploy(&hub, &slack, true));
        assert!(
            begun.elapsed() < Duration::from_secs(8),
            "{:?}",
            begun.elapsed()
        );
        let what = format!("{endpoint:?} {fault:?}\n{log}");
        let found = match (endpoint, &fault) {
            // What was created is found although its answer is lost.
            (
                Endpoint::CreateDeployment | Endpoint::CreateStatus | Endpoint::CreateComment,
                Fault::DropAfter,
            ) => true,
            // A label that is gone is gone.
            (Endpoint::RemoveLabel, Fault::NotFound) => true,
            (_, Fault::Slow(_)) => true,
            _ => false,
        };
        let warned = warnings(&log);
        if found {
            assert!(warned.is_empty(), "{what}");
        } else {
            assert!(warned.iter().any(|line| line.contains(told)), "{what}");
            assert!(log.contains(why), "{what}");
            let hint = format!("add `{permission}` under `permissions:`");
            let lacks = matches!(fault, Fault::Forbidden | Fault::NotFound);
            assert_eq!(log.contains(&hint), lacks, "{what}");
            assert!(log.contains("the deploy itself is not affected"), "{what}");
        }
        assert!(
            hub.deployments().len() <= 2 && hub.comments().len() <= 1,
            "{what}"
        );
        let said = warned
            .first()
            .map_or("–", |line| line.split("warning: ").last().unwrap());
        rows.push(format!("{endpoint:?} | {fault:?} | {said}"));
    }
    rows
}

#[test]
fn a_github_that_fails_in_any_way_is_a_warning() {
    let all: Vec<_> = CALLS
        .into_iter()
        .map(|(endpoint, told, needs)| thread::spawn(move || rows(endpoint, told, needs)))
        .collect();
    let mut count = 0;
    for rows in all {
        for row in rows.join().unwrap() {
            count += 1;
            println!("{row}");
        }
    }
    assert_eq!(count, CALLS.len() * faults().len());
}

#[tokio::test]
async fn a_slack_that_fails_in_any_way_is_a_warning() {
    let cases: [(&[Reply], bool, &str, usize); 7] = [
        (&[Reply::RateLimited { retry_after_s: 1 }], true, "", 2),
        (
            &[Reply::RateLimited { retry_after_s: 900 }],
            false,
            "Slack takes no message for another 900 s",
            1,
        ),
        (
            &[
                Reply::RateLimited { retry_after_s: 0 },
                Reply::RateLimited { retry_after_s: 7 },
            ],
            false,
            "Slack takes no message for another 7 s",
            2,
        ),
        (
            &[Reply::ServerError],
            false,
            "Slack failed over the message: 500 Internal Server Error rollup_error",
            1,
        ),
        (
            &[Reply::InvalidBlocks],
            false,
            "Slack refused the message: 400 Bad Request invalid_blocks",
            1,
        ),
        (&[Reply::Slow(Duration::from_millis(50))], true, "", 1),
        (&[Reply::Drop], false, "cannot post to Slack", 1),
    ];
    for (script, sent, told, posts) in cases {
        let hub = GitHub::start(Pull::new("org/parking", 7).head("feature/x", SHA)).unwrap();
        let slack = Slack::start().unwrap();
        slack.script(script.iter().copied());
        let log = deploy(&hub, &slack, sent).await;
        assert_eq!(slack.messages().len(), posts, "{script:?}");
        assert_eq!(warnings(&log).is_empty(), sent, "{log}");
        assert!(log.contains(told), "{script:?}\n{log}");
        println!("Slack | {script:?} | {}", if sent { "–" } else { told });
    }
}

/// Nobody listens where the webhook was.
#[tokio::test]
async fn a_slack_that_is_gone_is_a_warning() {
    let hub = GitHub::start(Pull::new("org/parking", 7).head("feature/x", SHA)).unwrap();
    let gone = Slack::start().unwrap();
    let url = gone.url();
    drop(gone);
    let config = config_for(&url);
    let (reporter, log) = reporter();
    let mut result = result(Outcome::Deployed);
    let context = context_for(hub.url());
    let ending = Ending::new(&config, &context, &reporter);
    ending.finish(&mut result).await;
    assert_eq!(result.slack_sent, Some(false));
    let log = log.text();
    assert!(
        log.contains("cannot post to Slack (`slack-webhook-url`)"),
        "{log}"
    );
    assert!(!log.contains("/T000/"), "{log}");
}

//! The whole end of a run.

use pct_deploy::clients::github::DeploymentHandle;
use pct_deploy::config::types::{LabelAfter, LogMode, ReportConfig};
use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::report::after::finish;
use pct_deploy::report::context::RunContext;
use pct_deploy::report::outputs::OutputFiles;
use serde_json::json;

use crate::server::{Reply, Seen, Server, json as answer, text};
use crate::world::{HOOK, SHA, TOKEN, config, context, reporter, result};

const LABEL: Option<(&str, LabelAfter)> = Some(("🎅🏼deploy", LabelAfter::Removed));

/// GitHub with one earlier deployment of this app that was live, one of another app, one that failed, and
/// old ones that were seen to already.
fn hub(seen: &Seen) -> Reply {
    let (method, path) = seen.line.split_once(" /api/v3/repos/org/parking/").unwrap();
    match (method, path) {
        ("GET", "deployments?environment=production&per_page=30") => answer(
            200,
            &json!([
                { "id": 11, "payload": { "app": "parking" } },
                { "id": 10, "payload": { "app": "other" } },
                { "id": 9, "payload": "{\"app\":\"parking\"}" },
                { "id": 8, "payload": { "app": "parking" } },
                { "id": 7, "payload": { "app": "parking" } },
                { "id": 6, "payload": { "app": "parking" } },
            ]),
        ),
        ("GET", "deployments/9/statuses?per_page=1") => {
            answer(200, &json!([{ "state": "failure" }]))
        }
        ("GET", "deployments/8/statuses?per_page=1") => {
            answer(200, &json!([{ "state": "success" }]))
        }
        ("GET", "deployments/7/statuses?per_page=1") => {
            answer(200, &json!([{ "state": "inactive" }]))
        }
        ("GET", path) if path.starts_with("commits/") => {
            let commit = json!({ "message": "Fix hunter2!", "author": { "name": "Kim" } });
            answer(200, &json!({ "commit": commit }))
        }
        ("GET", path) if path.starts_with("issues/7/comments") => answer(200, &json!([])),
        ("DELETE", _) => answer(200, &json!([])),
        ("POST", _) => answer(201, &json!({ "id": 1 })),
        _ => answer(404, &json!({ "message": "Not Found" })),
    }
}

#[tokio::test]
async fn a_deploy_is_told_to_everyone() {
    let hub = Server::start(hub).await;
    let slack = Server::start(|_| text(200, "ok")).await;
    let folder = tempfile::tempdir().unwrap();
    let files = OutputFiles {
        output: Some(folder.path().join("output")),
        summary: Some(folder.path().join("summary")),
        state: None,
    };
    let (reporter, log) = reporter();
    let mut result = result(Outcome::Deployed);
    let handle = Some(DeploymentHandle::from_id(11));
    let (config, context) = (config(&slack), context(&hub));
    finish(
        &config,
        &context,
        LABEL,
        handle,
        &mut result,
        &reporter,
        &files,
    )
    .await;

    assert_eq!(result.slack_sent, Some(true), "{}", log.text());
    let base = "/api/v3/repos/org/parking";
    let status = hub.body(&format!("POST {base}/deployments/11/statuses"));
    assert_eq!(status["state"], "success");
    assert_eq!(status["environment_url"], "https://parking.example");
    let retired = hub.body(&format!("POST {base}/deployments/8/statuses"));
    assert_eq!(retired["state"], "inactive");
    let lines = hub.lines();
    assert!(
        !lines.iter().any(|line| line.contains("deployments/6/")),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.contains("deployments/10/")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("DELETE") && line.ends_with("deploy"))
    );
    let comment = hub.body(&format!("POST {base}/issues/7/comments"));
    let comment = comment["body"].as_str().unwrap();
    assert!(comment.starts_with("<!-- pct-deploy parking production -->\n### ✅ parking deployed"));

    let message = slack.body(&format!("POST {HOOK}")).to_string();
    assert!(message.contains("*message*\\nFix ***"), "{message}");
    assert!(message.contains("*author*\\nKim"), "{message}");
    assert!(message.contains(&SHA[..12]), "{message}");

    let output = std::fs::read_to_string(folder.path().join("output")).unwrap();
    assert!(output.contains("\ntrue\n"), "{output}");
    let summary = std::fs::read_to_string(folder.path().join("summary")).unwrap();
    assert!(summary.starts_with("### ✅ parking deployed"), "{summary}");
    let last = log.text().lines().last().unwrap().to_owned();
    assert!(
        last.ends_with("deployed the new release (commit 0a1b2c3d4e5f) on parking-2 in 1.5s"),
        "{last}"
    );
    assert!(!log.text().contains("warning"), "{}", log.text());
}

/// What an app says when it dies may be nobody's business.
#[tokio::test]
async fn with_report_log_off_the_log_stays_in_the_run() {
    for (mode, is_told) in [(LogMode::Everywhere, true), (LogMode::RunOnly, false)] {
        let hub = Server::start(hub).await;
        let slack = Server::start(|_| text(200, "ok")).await;
        let folder = tempfile::tempdir().unwrap();
        let files = OutputFiles {
            output: Some(folder.path().join("output")),
            summary: Some(folder.path().join("summary")),
            state: None,
        };
        let (reporter, _log) = reporter();
        let mut result = result(Outcome::Failed);
        result.failure.as_mut().unwrap().failure.log_tail = vec!["a line of the app".to_owned()];
        let config = ReportConfig {
            log: mode,
            ..config(&slack)
        };
        let context = context(&hub);
        finish(
            &config,
            &context,
            None,
            None,
            &mut result,
            &reporter,
            &files,
        )
        .await;
        let comment = hub.body("POST /api/v3/repos/org/parking/issues/7/comments");
        let summary = std::fs::read_to_string(folder.path().join("summary")).unwrap();
        let message = slack.body(&format!("POST {HOOK}")).to_string();
        for told in [comment.to_string(), summary, message] {
            assert_eq!(told.contains("a line of the app"), is_told, "{told}");
            assert!(told.contains("cannot push"), "{told}");
        }
        // The outputs are for the workflow's own steps.
        let output = std::fs::read_to_string(folder.path().join("output")).unwrap();
        assert!(output.contains("a line of the app"));
    }
}

#[tokio::test]
async fn a_failure_is_told_without_secrets() {
    let hub = Server::start(hub).await;
    let slack = Server::start(|_| text(200, "ok")).await;
    let (reporter, log) = reporter();
    let mut result = result(Outcome::RolledBack);
    let handle = Some(DeploymentHandle::from_id(11));
    let files = OutputFiles::default();
    let (config, context) = (config(&slack), context(&hub));
    finish(
        &config,
        &context,
        LABEL,
        handle,
        &mut result,
        &reporter,
        &files,
    )
    .await;

    let status = hub.body("POST /api/v3/repos/org/parking/deployments/11/statuses");
    assert_eq!(status["state"], "failure");
    let lines = hub.lines();
    assert!(
        !lines.iter().any(|line| line.contains("per_page=30 ")),
        "{lines:?}"
    );
    let bodies = hub
        .seen()
        .into_iter()
        .chain(slack.seen())
        .map(|seen| seen.body.to_string());
    let all = bodies.collect::<String>() + &log.text() + &serde_json::to_string(&result).unwrap();
    assert!(!all.contains("hunter2!") && !all.contains(TOKEN), "{all}");
    assert!(
        all.contains("cannot push with ***") && all.contains("denied: ***"),
        "{all}"
    );
}

#[tokio::test]
async fn sinks_that_fail_warn_and_the_run_ends_as_it_did() {
    let hub = Server::start(|_| {
        answer(
            403,
            &json!({ "message": "Resource not accessible by integration" }),
        )
    })
    .await;
    let slack = Server::start(|_| text(404, "no_service")).await;
    let (reporter, log) = reporter();
    let mut result = result(Outcome::Deployed);
    let handle = Some(DeploymentHandle::from_id(11));
    let files = OutputFiles::default();
    let (config, context) = (config(&slack), context(&hub));
    finish(
        &config,
        &context,
        LABEL,
        handle,
        &mut result,
        &reporter,
        &files,
    )
    .await;

    assert_eq!(result.outcome, Outcome::Deployed);
    assert_eq!(result.slack_sent, Some(false));
    let log = log.text();
    assert!(
        log.contains("add `deployments: write` under `permissions:`"),
        "{log}"
    );
    assert_eq!(
        log.matches("add `pull-requests: write`").count(),
        2,
        "{log}"
    );
    assert!(log.contains("Slack refused the message: 404"), "{log}");
    assert!(!log.contains("secrethook"), "{log}");
}

#[tokio::test]
async fn a_skipped_run_posts_nothing() {
    let server = Server::start(|_| text(500, "")).await;
    let (reporter, log) = reporter();
    let mut result = result(Outcome::Skipped);
    let files = OutputFiles::default();
    let (config, context) = (config(&server), context(&server));
    finish(
        &config,
        &context,
        LABEL,
        None,
        &mut result,
        &reporter,
        &files,
    )
    .await;
    assert!(server.seen().is_empty(), "{:?}", server.lines());
    assert_eq!(result.slack_sent, None);
    assert!(log.text().ends_with("skipped: skipped\n"), "{}", log.text());
}

#[tokio::test]
async fn without_a_pull_request_only_slack_is_told() {
    let slack = Server::start(|_| text(200, "ok")).await;
    let (reporter, _log) = reporter();
    let mut result = result(Outcome::Deployed);
    let files = OutputFiles::default();
    let context = RunContext::default();
    finish(
        &config(&slack),
        &context,
        LABEL,
        None,
        &mut result,
        &reporter,
        &files,
    )
    .await;
    assert_eq!(slack.lines(), [format!("POST {HOOK}")]);
    assert_eq!(result.slack_sent, Some(true));
}

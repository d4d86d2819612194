//! The stand-in, asked through the product's own client.

use std::time::{Duration, Instant};

use octocrab::Octocrab;
use serde_json::json;

use super::*;

const LABEL: &str = "🎅🏼deploy";

fn stand_in() -> GitHub {
    GitHub::start(
        Pull::new("octo-org/pct-backend", 7)
            .label("bug")
            .label(LABEL),
    )
    .unwrap()
}

fn client(github: &GitHub) -> Octocrab {
    let builder = Octocrab::builder().base_uri(github.url()).unwrap();
    // The client is built for TLS when the whole workspace is, and then asks for a provider.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    builder
        .personal_token("made-up")
        .build_with_reqwest(octocrab::ReqwestClientConfig::Default)
        .unwrap()
}

fn path(rest: &str) -> String {
    format!("/repos/octo-org/pct-backend{rest}")
}

async fn post(client: &Octocrab, rest: &str, body: Value) -> octocrab::Result<Value> {
    client.post(path(rest), Some(&body)).await
}

/// The status and message of an error that came from the API.
fn refusal<T: std::fmt::Debug>(result: octocrab::Result<T>) -> (u16, String) {
    match result.unwrap_err() {
        octocrab::Error::GitHub { source, .. } => (source.status_code.as_u16(), source.message),
        other => panic!("not the API's own error: {other}"),
    }
}

#[tokio::test]
async fn the_typed_calls_of_the_client_read_its_answers() {
    let github = stand_in();
    let client = client(&github);
    let pull = client
        .pulls("octo-org", "pct-backend")
        .get(7)
        .await
        .unwrap();
    assert_eq!(
        (pull.head.sha.as_str(), pull.draft),
        ("a".repeat(40).as_str(), Some(false))
    );
    let repo = client.repos("octo-org", "pct-backend").get().await.unwrap();
    assert_eq!(repo.full_name.as_deref(), Some("octo-org/pct-backend"));
    let commit = client
        .commits("octo-org", "pct-backend")
        .get("a".repeat(40))
        .await
        .unwrap();
    assert!(commit.commit.message.starts_with("feat: "));

    let issues = client.issues("octo-org", "pct-backend");
    for number in 0..35 {
        issues
            .create_comment(7, format!("comment {number}"))
            .await
            .unwrap();
    }
    let first = issues.list_comments(7).per_page(20).send().await.unwrap();
    assert_eq!((first.items.len(), first.number_of_pages()), (20, Some(2)));
    let second = client.get_page(&first.next).await.unwrap().unwrap();
    let last: &octocrab::models::issues::Comment = second.items.last().unwrap();
    assert_eq!(
        (second.items.len(), last.body.as_deref()),
        (15, Some("comment 34"))
    );
    issues.update_comment(last.id, "changed").await.unwrap();
    assert_eq!(github.comments().last().unwrap(), "changed");

    let left = issues.remove_label(7, LABEL).await.unwrap();
    assert_eq!((left.len(), github.labels()), (1, vec!["bug".to_owned()]));
    let again = refusal(issues.remove_label(7, LABEL).await);
    assert_eq!(again, (404, "Label does not exist".to_owned()));
    let sent = github.requests();
    assert!(
        sent.last().unwrap().path.contains("%F0%9F%8E%85"),
        "{:?}",
        sent.last()
    );
    assert!(
        sent.iter()
            .all(|one| one.authorization.as_deref() == Some("Bearer made-up"))
    );
}

#[tokio::test]
async fn deployments_follow_githubs_rules() {
    let github = stand_in();
    let client = client(&github);
    let ask = |environment: &str| json!({"ref": "a".repeat(40), "environment": environment, "auto_merge": false, "required_contexts": []});
    let mut ids = Vec::new();
    for environment in ["staging", "staging", "production", "production"] {
        let made = post(&client, "/deployments", ask(environment))
            .await
            .unwrap();
        let id = made["id"].as_u64().unwrap();
        for state in ["in_progress", "success"] {
            let status = json!({"state": state, "log_url": "https://example.org/run"});
            post(&client, &format!("/deployments/{id}/statuses"), status)
                .await
                .unwrap();
        }
        ids.push(id);
    }
    let last_state = |id| github.states(id).unwrap().pop().unwrap();
    let states: Vec<_> = ids.iter().map(|id| last_state(*id)).collect();
    assert_eq!(states, ["inactive", "success", "success", "success"]);

    let query = path("/deployments?environment=production&per_page=1");
    let listed: Value = client.get(query, None::<&()>).await.unwrap();
    assert_eq!(
        (listed.as_array().unwrap().len(), listed[0]["id"].as_u64()),
        (1, Some(ids[3]))
    );
    let statuses = path(&format!("/deployments/{}/statuses", ids[0]));
    let statuses: Value = client.get(statuses, None::<&()>).await.unwrap();
    assert_eq!(statuses[0]["state"], "inactive");

    let long = json!({"state": "success", "description": "x".repeat(141)});
    let refused = post(&client, &format!("/deployments/{}/statuses", ids[0]), long).await;
    assert_eq!(refusal(refused).0, 422);
    github.pend_checks();
    let default = post(&client, "/deployments", json!({"ref": "feature"})).await;
    assert_eq!(refusal(default).0, 409);
    github.fall_behind();
    let merged = json!({"ref": "feature", "required_contexts": []});
    assert_eq!(
        post(&client, "/deployments", merged)
            .await
            .unwrap()
            .get("id"),
        None
    );
    assert_eq!(github.deployments().len(), 4);
}

#[tokio::test]
async fn roles_are_folded_as_github_folds_them() {
    let github = stand_in();
    let client = client(&github);
    github.permit("helper", Permission::Triage);
    for (login, permission, role) in [
        ("octocat", "write", "write"),
        ("helper", "read", "triage"),
        ("stranger", "read", "read"),
    ] {
        let route = path(&format!("/collaborators/{login}/permission"));
        let answer: Value = client.get(route, None::<&()>).await.unwrap();
        assert_eq!(
            (&answer["permission"], &answer["role_name"]),
            (&json!(permission), &json!(role))
        );
    }
}

#[tokio::test]
async fn it_fails_as_scripted_and_then_heals() {
    let github = stand_in();
    let client = client(&github);
    let pulls = client.pulls("octo-org", "pct-backend");
    let delay = Duration::from_millis(100);
    let faults = [
        Fault::Forbidden,
        Fault::Unprocessable("no".to_owned()),
        Fault::RateLimited { retry_after_s: 9 },
        Fault::ServerError(502),
        Fault::Drop,
        Fault::Slow(delay),
    ];
    github.fail(Endpoint::GetPull, faults);
    let forbidden = (403, "Resource not accessible by integration".to_owned());
    assert_eq!(refusal(pulls.get(7).await), forbidden);
    assert_eq!(refusal(pulls.get(7).await), (422, "no".to_owned()));
    assert_eq!(refusal(pulls.get(7).await).0, 429);
    assert_eq!(refusal(pulls.get(7).await).0, 502);
    let dropped = pulls.get(7).await.unwrap_err();
    assert!(
        !matches!(dropped, octocrab::Error::GitHub { .. }),
        "{dropped}"
    );
    let begun = Instant::now();
    pulls.get(7).await.unwrap();
    assert!(begun.elapsed() >= delay);

    let issues = client.issues("octo-org", "pct-backend");
    github.fail(Endpoint::CreateComment, [Fault::DropAfter]);
    issues
        .create_comment(7, "said, and not heard")
        .await
        .unwrap_err();
    assert_eq!(github.comments(), ["said, and not heard"]);

    github.fail_everywhere(Fault::NotFound);
    assert_eq!(refusal(pulls.get(7).await).0, 404);
    github.heal();
    pulls.get(7).await.unwrap();
    github.require_token("another");
    assert_eq!(
        refusal(pulls.get(7).await),
        (401, "Bad credentials".to_owned())
    );
    let statuses: Vec<_> = github
        .requests()
        .iter()
        .map(|one| one.status)
        .take(6)
        .collect();
    assert_eq!(
        statuses,
        [Some(403), Some(422), Some(429), Some(502), None, Some(200)]
    );
}

//! Each call by itself.

use pct_deploy::clients::github::{CollaboratorAccess, Github, HeadCommit};
use sandbox::github::GitHub;
use sandbox::pull::Pull;
use serde_json::json;

use crate::server::{Server, json as answer, text};
use crate::world::{SHA, TOKEN, config, context, context_for, github, reporter, started};

fn client(server: &Server) -> Github {
    Github::new(&github(), &context(server)).unwrap().unwrap()
}

#[tokio::test]
async fn a_deployment_pins_the_head_commit_and_waits_for_no_check() {
    let server = Server::start(|seen| match seen.line.as_str() {
        "POST /api/v3/repos/org/parking/deployments" => {
            answer(201, &json!({ "id": 11, "url": "x" }))
        }
        line if line.starts_with("GET") => answer(200, &json!([])),
        _ => answer(201, &json!({ "id": 1 })),
    })
    .await;
    let (reporter, log) = reporter();
    let handle = started(&config(&server), &context(&server), &reporter).await;
    assert_eq!(handle.unwrap().id(), 11, "{}", log.text());
    assert_eq!(
        server.body("POST /api/v3/repos/org/parking/deployments"),
        json!({
            "auto_merge": false,
            "required_contexts": [],
            "ref": SHA,
            "environment": "production",
            "production_environment": true,
            "transient_environment": false,
            "description": "pct-deploy",
            "payload": { "app": "parking", "run": "42/1/deploy" },
        })
    );
    assert_eq!(
        server.body("POST /api/v3/repos/org/parking/deployments/11/statuses"),
        json!({
            "state": "in_progress",
            "description": "deploying",
            "auto_inactive": false,
            "log_url": "https://github.com/org/parking/actions/runs/42",
            "environment_url": "https://parking.example",
        })
    );
    let authorization = format!("Bearer {TOKEN}");
    assert_eq!(
        server.seen()[0].header("authorization"),
        Some(authorization.as_str())
    );
}

#[tokio::test]
async fn a_post_is_not_repeated_when_nobody_can_say_what_became_of_it() {
    for status in [500, 502, 429, 403] {
        let server = Server::start(move |_| text(status, "no")).await;
        let (reporter, log) = reporter();
        let handle = started(&config(&server), &context(&server), &reporter).await;
        assert_eq!(handle, None);
        let lines = server.lines();
        let posts = lines.iter().filter(|line| line.starts_with("POST"));
        assert_eq!(posts.count(), 1, "{status}");
        let text = log.text();
        assert!(
            text.contains(&format!("GitHub answered {status}: no")),
            "{text}"
        );
        assert_eq!(
            text.contains("add `deployments: write`"),
            status == 403,
            "{text}"
        );
    }
}

/// GitHub says 403 for this, too, and no permission would help.
#[tokio::test]
async fn a_rate_limit_is_not_taken_for_a_permission() {
    let message = "API rate limit exceeded for installation ID 1.";
    let server = Server::start(move |_| answer(403, &json!({ "message": message }))).await;
    let (reporter, log) = reporter();
    let handle = started(&config(&server), &context(&server), &reporter).await;
    assert_eq!(handle, None);
    let log = log.text();
    assert!(
        log.contains(message) && log.contains("takes no more calls"),
        "{log}"
    );
    assert!(!log.contains("permissions:"), "{log}");
}

#[tokio::test]
async fn only_a_clear_yes_opens_the_gate() {
    let server = Server::start(|seen| {
        let user = seen.line.rsplit('/').nth(1).unwrap();
        match user {
            "writer" => answer(
                200,
                &json!({ "permission": "write", "role_name": "maintain" }),
            ),
            "owner" => answer(200, &json!({ "permission": "admin" })),
            "triager" => answer(200, &json!({ "permission": "read", "role_name": "triage" })),
            "broken" => answer(200, &json!({ "role_name": "admin" })),
            _ => answer(404, &json!({ "message": "Not Found" })),
        }
    })
    .await;
    let client = client(&server);
    assert_eq!(
        client.permission("writer").await.unwrap(),
        CollaboratorAccess::Write
    );
    assert_eq!(
        client.permission("owner").await.unwrap(),
        CollaboratorAccess::Write
    );
    assert_eq!(
        client.permission("triager").await.unwrap(),
        CollaboratorAccess::Less {
            role: "triage".to_owned()
        }
    );
    let before = server.seen().len();
    for refused in ["broken", "stranger", "../../user", ""] {
        assert!(client.permission(refused).await.is_err(), "{refused}");
    }
    assert_eq!(server.seen().len(), before + 2, "a path is not sent");
}

#[tokio::test]
async fn the_head_commit_is_asked_for_by_its_sha() {
    let server = Server::start(|_| {
        let author = json!({ "name": "김 개발", "email": "k@example.com" });
        answer(
            200,
            &json!({ "commit": { "message": "Fix\n\nlong", "author": author } }),
        )
    })
    .await;
    let commit = client(&server).head_commit(&SHA.parse().unwrap()).await;
    assert_eq!(
        commit.unwrap(),
        HeadCommit {
            message: "Fix".to_owned(),
            author: Some("김 개발".to_owned())
        }
    );
    assert_eq!(
        server.lines(),
        [format!("GET /api/v3/repos/org/parking/commits/{SHA}")]
    );
}

#[tokio::test]
async fn the_comment_is_rewritten_in_place() {
    let marker = "<!-- pct-deploy parking production -->";
    let server = Server::start(move |seen| {
        let page = |comments: Vec<serde_json::Value>| answer(200, &json!(comments));
        let other = json!({ "id": 1, "body": format!("quoting {marker}") });
        match seen.line.split_once("&page=") {
            Some((_, "1")) => page(vec![other; 100]),
            Some((_, "2")) => page(vec![
                json!({ "id": 5, "body": format!("{marker}\nmine"), "user": null }),
                json!({ "id": 6, "body": format!("{marker}\nmine"), "user": {"login": "mallory", "type": "User"} }),
                json!({ "id": 77, "body": format!("{marker}\r\nold"), "user": {"login": "github-actions[bot]", "type": "Bot"} }),
            ]),
            _ if seen.line.ends_with("/user") => answer(403, &json!({ "message": "Resource not accessible by integration" })),
            _ => answer(200, &json!({ "id": 77 })),
        }
    })
    .await;
    client(&server).put_comment(7, marker, "new").await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /api/v3/repos/org/parking/issues/7/comments?per_page=100&page=1",
            "GET /api/v3/repos/org/parking/issues/7/comments?per_page=100&page=2",
            "GET /api/v3/user",
            "PATCH /api/v3/repos/org/parking/issues/comments/77",
        ]
    );
    assert_eq!(server.seen()[3].body["body"], format!("{marker}\nnew"));
}

/// Anybody can write our marker; whoever came first would own what we say about a deploy.
#[tokio::test]
async fn a_strangers_comment_with_our_marker_is_not_ours() {
    let marker = "<!-- pct-deploy parking production -->";
    for person in [None, Some("deployer")] {
        let stand_in = GitHub::start(Pull::new("org/parking", 7)).unwrap();
        if let Some(login) = person {
            stand_in.sign_in(login);
        }
        let theirs = format!("{marker}\ndeployed, trust me");
        stand_in.comment("mallory", &theirs);
        let client = Github::new(&github(), &context_for(stand_in.url()));
        let client = client.unwrap().unwrap();
        for text in ["first", "second"] {
            client.put_comment(7, marker, text).await.unwrap();
            let ours = format!("{marker}\n{text}");
            assert_eq!(stand_in.comments(), [theirs.clone(), ours]);
        }
    }
}

#[tokio::test]
async fn a_label_that_is_gone_is_fine() {
    let server =
        Server::start(|_| answer(404, &json!({ "message": "Label does not exist" }))).await;
    client(&server).remove_label(7, "🎅🏼deploy").await.unwrap();
    let encoded = "%F0%9F%8E%85%F0%9F%8F%BCdeploy";
    assert_eq!(
        server.lines(),
        [format!(
            "DELETE /api/v3/repos/org/parking/issues/7/labels/{encoded}"
        )]
    );
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_before_any_call() {
    let server = Server::start(|_| text(500, "")).await;
    let mut settings = github();
    for bad in ["", "two words", "line\nbreak"] {
        settings.token = pct_deploy::secret::Secret::new(bad);
        assert!(
            Github::new(&settings, &context(&server)).is_err(),
            "{bad:?}"
        );
    }
}

/// Whoever answers in GitHub's place may send without end; the time for a call is no bound on memory.
#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    for status in [200, 500] {
        let server = Server::start(move |_| text(status, &" ".repeat(33 << 20))).await;
        let client = client(&server);
        let wanted = format!("GitHub answered {status}: more than 32 MiB");
        let error = client.remove_label(7, "deploy").await.unwrap_err();
        assert_eq!(error.to_string(), wanted);
        assert_eq!(server.seen().len(), 1, "it is asked once");
        let commit = SHA.parse().unwrap();
        let error = client.head_commit(&commit).await.unwrap_err();
        assert_eq!(error.to_string(), wanted);
    }
}

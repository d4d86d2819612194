//! What the gate asks GitHub, and what it makes of answers that are late, cut, wrong or none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use pct_deploy::clients::github::{CheckState, CommitPosition, Github, ReviewVerdict};
use pct_deploy::config::parse;
use pct_deploy::config::raw::Raw;
use pct_deploy::config::types::{GateConfig, RequiredChecks};
use pct_deploy::error::Reason;
use pct_deploy::runner::event::{Facts, Trigger};
use pct_deploy::runner::recheck::{Again, Before, Recheck};
use sandbox::github::{CheckState as StandInCheck, Endpoint, Fault, GitHub, Permission, Review};
use sandbox::pull::{Pull, Stage};
use serde_json::{Value, json};

use crate::server::{Server, json as answer, text};
use crate::world::{SHA, context, context_for, github};

fn client(server: &Server) -> Github {
    Github::new(&github(), &context(server)).unwrap().unwrap()
}

fn pull_json() -> Value {
    json!({
        "state": "open", "merged": false, "draft": false, "labels": [{"name": "bug"}],
        "head": {"ref": "feature", "sha": SHA, "repo": {"full_name": "org/parking"}},
        "base": {"ref": "main", "sha": "b", "repo": {"full_name": "org/parking"}},
    })
}

#[tokio::test]
async fn a_pull_request_is_read_or_it_is_an_error() {
    let server = Server::start(|_| answer(200, &pull_json())).await;
    let now = client(&server).pull_request(7).await.unwrap();
    assert_eq!(
        (now.head.as_str(), now.base.as_str(), now.state.as_str()),
        (SHA, "main", "open")
    );
    assert_eq!(now.head_repository.as_deref(), Some("org/parking"));
    assert_eq!(server.lines(), ["GET /api/v3/repos/org/parking/pulls/7"]);

    for field in ["state", "merged", "draft", "labels", "head", "base"] {
        let server = Server::start(move |_| {
            let mut pull = pull_json();
            pull.as_object_mut().unwrap().remove(field);
            answer(200, &pull)
        })
        .await;
        let error = client(&server).pull_request(7).await.unwrap_err();
        assert_eq!(error.reason(), Reason::GithubUnavailable, "{field}");
        assert_eq!(server.seen().len(), 1, "an answer is not asked for again");
    }
    let gone = Server::start(|_| {
        let mut pull = pull_json();
        pull["head"]["repo"] = json!(null);
        answer(200, &pull)
    })
    .await;
    let now = client(&gone).pull_request(7).await.unwrap();
    assert_eq!(now.head_repository, None);
}

/// The clock is paused: the pauses between the tries cost nothing.
#[tokio::test(start_paused = true)]
async fn a_question_is_asked_three_times_and_no_more() {
    for status in [500, 502, 503, 429] {
        let tries = AtomicUsize::new(0);
        let server = Server::start(move |_| match tries.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => text(status, "no"),
            _ => answer(200, &pull_json()),
        })
        .await;
        client(&server).pull_request(7).await.unwrap();
        assert_eq!(server.seen().len(), 3, "{status}");
        let server = Server::start(move |_| text(status, "no")).await;
        let error = client(&server).pull_request(7).await.unwrap_err();
        assert_eq!(error.reason(), Reason::GithubUnavailable);
        assert_eq!(server.seen().len(), 3, "{status}");
    }
    for status in [401, 403, 404, 422] {
        let server = Server::start(move |_| text(status, "no")).await;
        let error = client(&server).pull_request(7).await.unwrap_err();
        let expected = match status {
            422 => Reason::GithubUnavailable,
            _ => Reason::InvalidSettings,
        };
        assert_eq!(error.reason(), expected, "{status}");
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn checks_and_statuses_are_read_to_the_last_page() {
    let run = |name: String, status: &str, conclusion: Value| {
        json!({
            "name": name, "status": status, "conclusion": conclusion,
            "details_url": "https://github.com/org/parking/actions/runs/1/job/2",
        })
    };
    let server = Server::start(move |seen| {
        let line = seen.line.as_str();
        let page = |runs: Vec<Value>| answer(200, &json!({"total_count": 104, "check_runs": runs}));
        if line.contains("/status?") {
            let status = |context: &str, state: &str| json!({"context": context, "state": state, "target_url": null});
            let statuses = [
                status("ci/good", "success"),
                status("ci/bad", "error"),
                status("ci/new", "a word of tomorrow"),
                status("ci/slow", "pending"),
            ];
            return answer(200, &json!({"state": "pending", "statuses": statuses}));
        }
        match line.split_once("&page=") {
            Some((_, "1")) => page((0..100).map(|n| run(format!("n{n}"), "completed", json!("success"))).collect()),
            _ => page(vec![
                run("neutral".to_owned(), "completed", json!("neutral")),
                run("cancelled".to_owned(), "completed", json!("cancelled")),
                run("strange".to_owned(), "completed", json!(null)),
                run("queued".to_owned(), "queued", json!(null)),
            ]),
        }
    })
    .await;
    let checks = client(&server).checks(&SHA.parse().unwrap()).await.unwrap();
    let state = |name: &str| {
        let check = checks.iter().find(|check| check.name == name);
        check.map(|check| check.state)
    };
    assert_eq!(checks.len(), 108);
    for (name, expected) in [
        ("n99", CheckState::Green),
        ("neutral", CheckState::Green),
        ("cancelled", CheckState::Red),
        ("strange", CheckState::Red),
        ("queued", CheckState::Pending),
        ("ci/good", CheckState::Green),
        ("ci/bad", CheckState::Red),
        ("ci/new", CheckState::Red),
        ("ci/slow", CheckState::Pending),
    ] {
        assert_eq!(state(name), Some(expected), "{name}");
    }
    let base = format!("GET /api/v3/repos/org/parking/commits/{SHA}");
    assert_eq!(
        server.lines(),
        [
            format!("{base}/check-runs?per_page=100&page=1"),
            format!("{base}/check-runs?per_page=100&page=2"),
            format!("{base}/status?per_page=100&page=1"),
        ]
    );
}

#[tokio::test]
async fn the_parents_of_a_commit_are_read_or_it_is_an_error() {
    let base = "b".repeat(40);
    let parents = json!([{"sha": base, "url": "u"}, {"sha": SHA, "url": "u"}]);
    let asked = async |status: u16, body: Value| {
        let server = Server::start(move |_| answer(status, &body)).await;
        let commit = "e".repeat(40).parse().unwrap();
        let parents = client(&server).parents(&commit).await;
        let asked = format!("GET /api/v3/repos/org/parking/commits/{commit}?per_page=1&page=2");
        assert_eq!(server.lines(), [asked]);
        parents
    };
    let found = asked(200, json!({"sha": "e", "parents": parents})).await;
    let found = found.unwrap().unwrap();
    let expected = [base.as_str(), SHA];
    assert!(found.iter().map(|one| one.as_str()).eq(expected));
    let root = asked(200, json!({"parents": []})).await;
    assert_eq!(root.unwrap(), Some(Vec::new()));
    let unknown = json!({"message": "No commit found for SHA: e"});
    assert_eq!(asked(422, unknown).await.unwrap(), None);

    for (status, body, reason) in [
        (200, json!({"sha": SHA}), Reason::GithubUnavailable),
        (
            200,
            json!({"parents": [{"sha": "main"}]}),
            Reason::GithubUnavailable,
        ),
        (
            404,
            json!({"message": "Not Found"}),
            Reason::InvalidSettings,
        ),
        (403, json!({"message": "no"}), Reason::InvalidSettings),
    ] {
        let error = asked(status, body.clone()).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{status} {body}");
    }
}

#[tokio::test]
async fn the_last_word_of_each_reviewer_counts() {
    let server = Server::start(|_| {
        let said = |login: &str, state: &str| json!({"user": {"login": login}, "state": state});
        let reviews = [
            said("kim", "CHANGES_REQUESTED"),
            said("lee", "APPROVED"),
            said("kim", "APPROVED"),
            said("lee", "COMMENTED"),
            said("park", "APPROVED"),
            said("park", "CHANGES_REQUESTED"),
            said("choi", "APPROVED"),
            said("choi", "DISMISSED"),
            said("jung", "PENDING"),
            json!({"user": null, "state": "APPROVED"}),
        ];
        answer(200, &json!(reviews))
    })
    .await;
    let expected: BTreeMap<String, ReviewVerdict> = [
        ("kim", ReviewVerdict::Approved),
        ("lee", ReviewVerdict::Approved),
        ("park", ReviewVerdict::ChangesRequested),
    ]
    .map(|(login, verdict)| (login.to_owned(), verdict))
    .into();
    assert_eq!(client(&server).verdicts(7).await.unwrap(), expected);
}

#[tokio::test]
async fn a_list_without_an_end_is_an_error() {
    let server = Server::start(|_| {
        let review = json!({"user": {"login": "kim"}, "state": "APPROVED"});
        answer(200, &json!(vec![review; 100]))
    })
    .await;
    let error = client(&server).verdicts(7).await.unwrap_err();
    assert_eq!(error.reason(), Reason::GithubUnavailable);
    assert_eq!(server.seen().len(), 30);
}

/// What is asked again about a commit that the gate let through.
fn again(github: Github, pull: Option<u64>, change: impl FnOnce(&mut GateConfig)) -> Recheck {
    let (mut gate, _) = parse::gate(&Raw::default());
    change(&mut gate);
    Recheck::Github(Box::new(Again {
        github,
        facts: Facts {
            repository: "org/parking".to_owned(),
            commit: SHA.parse().unwrap(),
            sender: "octocat".to_owned(),
            origin: Trigger::Dispatch("main".to_owned()),
        },
        gate,
        pull,
        run_id: None,
    }))
}

/// A check that turns red and a reviewer who objects while the image is built.
#[tokio::test]
async fn checks_and_reviews_are_asked_again_on_the_way() {
    let stand_in = GitHub::start(Pull::new("org/parking", 7).head("feature", SHA)).unwrap();
    let client = Github::new(&github(), &context_for(stand_in.url()));
    let recheck = again(client.unwrap().unwrap(), Some(7), |gate| {
        gate.checks = RequiredChecks::All;
        gate.approvals = 1;
    });
    stand_in.permit("kim", Permission::Write);
    stand_in.review("kim", Review::Approved);
    stand_in.check(SHA, "test", StandInCheck::Success);
    recheck.unmoved(Before::Push).await.unwrap();
    stand_in.check(SHA, "test", StandInCheck::Failure);
    let error = recheck.unmoved(Before::Swap).await.unwrap_err();
    assert_eq!(error.reason(), Reason::ChecksNotGreen);
    stand_in.check(SHA, "test", StandInCheck::Success);
    stand_in.review("kim", Review::ChangesRequested);
    let error = recheck.unmoved(Before::Swap).await.unwrap_err();
    assert_eq!(error.reason(), Reason::ChangesRequested);
    stand_in.review("kim", Review::Dismissed);
    let error = recheck.unmoved(Before::Swap).await.unwrap_err();
    assert_eq!(error.reason(), Reason::NotApproved);
}

/// The base may be rewritten: what was on it then is not for ever.
#[tokio::test]
async fn a_commit_that_leaves_the_base_stops_the_run() {
    let stand_in = GitHub::start(Pull::new("org/parking", 7).head("feature", SHA)).unwrap();
    let client = Github::new(&github(), &context_for(stand_in.url()));
    let recheck = again(client.unwrap().unwrap(), None, |_| {});
    let error = recheck.unmoved(Before::Push).await.unwrap_err();
    assert_eq!(error.reason(), Reason::NotOnBase);
    stand_in.merge_into_base(SHA);
    recheck.unmoved(Before::Swap).await.unwrap();
}

/// Of a comparison the word alone counts, and only two words are a yes.
#[tokio::test]
async fn where_a_commit_is_takes_a_clear_answer() {
    for (word, expected) in [
        ("identical", CommitPosition::Tip),
        ("behind", CommitPosition::Behind),
        ("ahead", CommitPosition::Elsewhere),
        ("diverged", CommitPosition::Elsewhere),
        ("BEHIND", CommitPosition::Elsewhere),
        ("", CommitPosition::Elsewhere),
    ] {
        let server = Server::start(move |_| answer(200, &json!({"status": word}))).await;
        let commit = SHA.parse().unwrap();
        let found = client(&server).standing("release/1.x", &commit).await;
        assert_eq!(found.unwrap(), expected, "{word}");
        let path = format!(
            "GET /api/v3/repos/org/parking/compare/release%2F1.x...{SHA}?per_page=1&page=2"
        );
        assert_eq!(server.lines(), [path]);
    }
    let server = Server::start(|_| answer(404, &json!({"message": "Not Found"}))).await;
    let error = client(&server)
        .standing("main", &SHA.parse().unwrap())
        .await;
    assert_eq!(error.unwrap_err().reason(), Reason::InvalidSettings);
}

#[tokio::test]
async fn a_pull_request_that_moves_stops_the_run_at_both_places() {
    let stand_in = GitHub::start(Pull::new("org/parking", 7).head("feature", SHA)).unwrap();
    let client = Github::new(&github(), &context_for(stand_in.url()));
    let recheck = again(client.unwrap().unwrap(), Some(7), |_| {});
    recheck.unmoved(Before::Push).await.unwrap();
    recheck.unmoved(Before::Swap).await.unwrap();
    // What was asked for is in the base then.
    stand_in.change_pull(|pull| pull.stage(Stage::Merged));
    recheck.unmoved(Before::Swap).await.unwrap();

    stand_in.change_pull(|pull| pull.stage(Stage::Closed));
    let error = recheck.unmoved(Before::Push).await.unwrap_err();
    assert_eq!(error.reason(), Reason::Closed);
    stand_in.change_pull(|pull| pull.stage(Stage::Open).head("feature", &"c".repeat(40)));
    for (before, what) in [
        (Before::Push, "the image is not pushed"),
        (Before::Swap, "the host is not told to deploy"),
    ] {
        let error = recheck.unmoved(before).await.unwrap_err();
        assert_eq!(
            (error.reason(), error.to_string().as_str()),
            (Reason::HeadMoved, what)
        );
        assert_eq!(error.code() as u8, 5);
        assert!(error.chain()[1].contains("moved on to the commit `cccccccccccc`"));
    }
    stand_in.fail(Endpoint::GetPull, [Fault::NotFound]);
    let error = recheck.unmoved(Before::Swap).await.unwrap_err();
    assert_eq!(error.reason(), Reason::InvalidSettings);
    Recheck::Nobody.unmoved(Before::Swap).await.unwrap();
}

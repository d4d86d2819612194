//! The gate's questions to the workspace and to GitHub, from the event file to the outputs.

use sandbox::github::{CheckState, Endpoint, Fault, GitHub, Permission, Review};
use sandbox::pull::Stage;
use serde_json::{Value, json};

use crate::{Ended, HEAD, Run, action, labeled, pct_deploy, pull};

const TOKEN: &str = "ghs_sixteencharacters";

pub(crate) fn github() -> GitHub {
    let github = GitHub::start(pull("main").label("🎅🏼deploy")).unwrap();
    github.require_token(TOKEN);
    github
}

/// The exact event with settings that are right, in a workspace that is checked out. Beyond the gate
/// the run ends at once: nobody listens on the SSH port and on Docker's socket.
pub(crate) fn asking(github: &GitHub) -> Run {
    with_event(github, "pull_request", &labeled("🎅🏼deploy", "main"))
}

pub(crate) fn with_event(github: &GitHub, name: &str, payload: &Value) -> Run {
    let run = action(name, payload);
    let (key, _) = crate::keys::keygen(run.path(), &["-t", "ed25519", "-N", ""]);
    run.env("GITHUB_API_URL", &github.url())
        .env("GITHUB_RUN_ID", "42")
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .env("INPUT_GITHUB-TOKEN", TOKEN)
        .env("INPUT_IMAGE", "u/a")
        .env("INPUT_SSH-HOST", "127.0.0.1")
        .env("INPUT_SSH-PORT", "1")
        .env("INPUT_SSH-KEY", &key)
        .env("INPUT_SSH-FINGERPRINT", crate::keys::FINGERPRINT)
        .file(".git/HEAD", HEAD)
}

#[track_caller]
pub(crate) fn refused(ended: &Ended, reason: &str) {
    ended.ends(0).says(&format!("refused ({reason})"));
    assert_eq!(ended.output("outcome"), "skipped");
    assert_eq!(ended.output("reason-code"), reason);
}

/// The gate said yes, and then there was no Docker or no host.
#[track_caller]
pub(crate) fn passed(ended: &Ended) {
    ended.ends(5);
    let result: Value = serde_json::from_str(ended.output("result")).unwrap();
    let gate = &result["steps"][0];
    assert_eq!(
        (&gate["name"], &gate["outcome"]),
        (&"gate".into(), &"done".into())
    );
    let reason = ended.output("reason-code");
    let expected = ["docker-unavailable", "host-unreachable", "ssh-failed"];
    assert!(expected.contains(&reason), "{reason}: {ended:#?}");
}

/// A run that the gate let through has used the label up.
pub(crate) fn ask_again(github: &GitHub) {
    assert!(github.labels().is_empty());
    github.change_pull(|pull| pull.label("🎅🏼deploy"));
}

pub(crate) fn paths(github: &GitHub) -> Vec<String> {
    github.requests().into_iter().map(|one| one.path).collect()
}

#[test]
fn the_exact_case_passes_after_two_questions() {
    let github = github();
    passed(&asking(&github).end());
    let expected = [
        "/repos/o/r/collaborators/octocat/permission",
        "/repos/o/r/pulls/7",
    ];
    assert_eq!(paths(&github)[..2], expected);
}

#[test]
fn who_may_only_triage_does_not_deploy() {
    let github = github();
    github.permit("octocat", Permission::Triage);
    let ended = asking(&github).end();
    refused(&ended, "not-permitted");
    ended.says("`octocat` has the role `triage`");
    assert_eq!(paths(&github).len(), 1);
    assert_eq!(github.labels(), ["🎅🏼deploy"], "a refusal changes nothing");
    passed(&asking(&github).env("INPUT_REQUIRE-WRITE", "false").end());
}

#[test]
fn a_re_run_of_an_old_event_is_refused_once_the_head_moved_on() {
    let github = github();
    let newer = "b".repeat(40);
    github.change_pull(|pull| pull.head("feature", &newer));
    let ended = asking(&github).env("GITHUB_RUN_ATTEMPT", "2").end();
    refused(&ended, "head-moved");
    ended.says("`bbbbbbbbbbbb`").says("put it on again");
}

#[test]
fn what_became_of_the_pull_request_since_the_event_counts() {
    for (stage, reason) in [
        (Stage::Draft, "draft"),
        (Stage::Closed, "closed"),
        (Stage::Merged, "merged"),
    ] {
        let github = github();
        github.change_pull(|pull| pull.stage(stage));
        refused(&asking(&github).end(), reason);
    }
    let github = github();
    github.change_pull(|pull| pull.base("develop"));
    refused(&asking(&github).end(), "wrong-base");
}

pub(crate) fn dispatch(sha: &str) -> Value {
    let mut payload = labeled("🎅🏼deploy", "main");
    payload["inputs"] = json!({"sha": sha});
    payload["ref"] = json!("refs/heads/main");
    payload
}

#[test]
fn a_dispatch_deploys_the_commit_it_names_when_that_is_checked_out_and_on_the_base() {
    let github = github();
    let run = |sha: &str| with_event(&github, "workflow_dispatch", &dispatch(sha));
    github.change_pull(|pull| pull.stage(Stage::Closed));
    let ended = run(HEAD).end();
    refused(&ended, "not-on-base");
    ended.says("neither on `main` nor the head of an open pull request");
    github.merge_into_base(HEAD);
    passed(&run(HEAD).end());
    assert_eq!(
        paths(&github)[0],
        "/repos/o/r/collaborators/octocat/permission"
    );
    // A re-run replays what was asked for when the base had nothing newer.
    refused(&run(HEAD).env("GITHUB_RUN_ATTEMPT", "2").end(), "stale-run");
    refused(&run("main").end(), "no-commit");
    refused(&run("").end(), "no-commit");
    refused(&run(&"b".repeat(40)).end(), "wrong-checkout");
    github.permit("octocat", Permission::Read);
    refused(&run(HEAD).end(), "not-permitted");
}

#[test]
fn a_dispatch_of_a_pull_requests_head_needs_what_the_label_needs() {
    let github = github();
    let run = || with_event(&github, "workflow_dispatch", &dispatch(HEAD));
    passed(&run().end());
    let wanting = || run().env("INPUT_REQUIRE-APPROVALS", "1");
    refused(&wanting().end(), "not-approved");
    github.permit("kim", Permission::Write);
    github.review("kim", Review::Approved);
    passed(&wanting().end());
    github.change_pull(|pull| pull.stage(Stage::Draft));
    refused(&run().end(), "draft");
    github.change_pull(|pull| pull.stage(Stage::Open).base("develop"));
    github.fail(Endpoint::Compare, [Fault::NotFound]);
    run().end().ends(2).says("cannot ask GitHub whether `main`");
    // GitHub hands out the commits of forks by number, too.
    github.change_pull(|pull| pull.base("main").fork_of("mallory"));
    refused(&run().end(), "from-fork");
}

#[test]
fn a_dispatch_without_an_answer_or_a_token_is_never_a_yes() {
    let github = github();
    let run = || with_event(&github, "workflow_dispatch", &dispatch(HEAD));
    github.fail_always(Endpoint::Compare, Fault::ServerError(502));
    let ended = run().end();
    ended.ends(5);
    assert_eq!(ended.output("reason-code"), "github-unavailable");
    run()
        .env("INPUT_GITHUB-TOKEN", "")
        .env("INPUT_REQUIRE-WRITE", "false")
        .end()
        .ends(2)
        .says("cannot ask GitHub whether the commit is on `base`");
}

#[test]
fn a_label_that_was_taken_off_before_the_run_began_does_not_deploy() {
    let github = GitHub::start(pull("main").label("bug")).unwrap();
    github.require_token(TOKEN);
    let ended = asking(&github).env("GITHUB_RUN_ATTEMPT", "1").end();
    refused(&ended, "label-removed");
    // A re-run may find it used up by the first try.
    passed(&asking(&github).env("GITHUB_RUN_ATTEMPT", "2").end());
}

#[test]
fn required_checks_must_be_green_on_the_head() {
    let github = github();
    let asking = || asking(&github).env("INPUT_REQUIRE-CHECKS", "test (ubuntu, 21)\nci/lint");
    github.check(HEAD, "test (ubuntu, 21)", CheckState::Success);
    refused(&asking().end(), "checks-not-green");
    github.status(HEAD, "ci/lint", "pending");
    let ended = asking().end();
    refused(&ended, "checks-not-green");
    ended.says("`ci/lint` is not done");
    github.status(HEAD, "ci/lint", "success");
    passed(&asking().end());
    ask_again(&github);
    github.check(HEAD, "test (ubuntu, 21)", CheckState::Failure);
    refused(&asking().end(), "checks-not-green");
}

#[test]
fn approvals_of_people_who_may_write_are_counted() {
    let github = github();
    let asking = || asking(&github).env("INPUT_REQUIRE-APPROVALS", "2");
    for login in ["kim", "lee"] {
        github.permit(login, Permission::Write);
    }
    github.review("kim", Review::Approved);
    github.review("stranger", Review::Approved);
    let ended = asking().end();
    refused(&ended, "not-approved");
    ended.says("1 of 2 required approvals");
    github.review("lee", Review::ChangesRequested);
    let ended = asking().end();
    refused(&ended, "changes-requested");
    ended.says("`lee` has requested changes");
    github.review("lee", Review::Approved);
    github.review("lee", Review::Commented);
    passed(&asking().end());
    ask_again(&github);
    github.review("kim", Review::Dismissed);
    refused(&asking().end(), "not-approved");
}

#[test]
fn without_an_answer_it_is_never_a_yes() {
    let github = github();
    github.fail_always(Endpoint::GetPull, Fault::ServerError(502));
    let ended = asking(&github).end();
    ended.ends(5).says("cannot read pull request #7");
    assert_eq!(ended.output("reason-code"), "github-unavailable");
    let asked = paths(&github);
    assert_eq!(asked.iter().filter(|path| path.ends_with("/7")).count(), 3);
    github.heal();
    github.fail(Endpoint::GetPull, [Fault::ServerError(502), Fault::Drop]);
    passed(&asking(&github).end());
    github.fail_always(Endpoint::GetPull, Fault::Forbidden);
    let ended = asking(&github).end();
    ended
        .ends(2)
        .says("add `pull-requests: read` under `permissions:`");
}

#[test]
fn without_a_token_the_settings_decide() {
    let github = github();
    // Of itself a container action gets no `GITHUB_TOKEN`; whose one it is here, nobody knows.
    let asking = || {
        asking(&github)
            .env("INPUT_GITHUB-TOKEN", "")
            .env("GITHUB_TOKEN", TOKEN)
    };
    asking().end().ends(2).says("`github-token` is missing");
    let unasked = || asking().env("INPUT_REQUIRE-WRITE", "false");
    unasked()
        .env("INPUT_REQUIRE-APPROVALS", "1")
        .end()
        .ends(2)
        .says("`github-token` is missing");
    let ended = unasked().end();
    passed(&ended);
    ended.says("a commit pushed during the build goes unnoticed");
}

#[test]
fn a_typed_deploy_with_an_event_needs_no_checkout() {
    let github = github();
    let event = labeled("🎅🏼deploy", "main").to_string();
    let ended = pct_deploy(&["deploy", "--event", "event.json", "--image", "u/a"])
        .file("event.json", &event)
        .env("PCT_DEPLOY_SSH_HOST", "127.0.0.1")
        .env("PCT_DEPLOY_SSH_PORT", "1")
        .env("PCT_DEPLOY_SSH_FINGERPRINT", crate::keys::FINGERPRINT)
        .env("GITHUB_API_URL", &github.url())
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .env("PCT_DEPLOY_GITHUB_TOKEN", TOKEN)
        .end();
    ended.ends(5);
    assert_eq!(paths(&github)[1], "/repos/o/r/pulls/7");
}

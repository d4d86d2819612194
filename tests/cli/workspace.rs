//! The gate's question to the workspace: which commit lies there.

use std::path::Path;
use std::process::Command;

use sandbox::event::Event;
use sandbox::github::{Endpoint, Fault};
use serde_json::json;

use crate::gate_asks::{ask_again, asking, dispatch, github, passed, paths, refused, with_event};
use crate::{HEAD, labeled, pull};

const DIGEST: &str = "u/a@sha256:1111111111111111111111111111111111111111111111111111111111111111";

#[test]
fn the_checkout_must_be_the_commit() {
    let github = github();
    let ended = asking(&github).file(".git/HEAD", "no commit").end();
    refused(&ended, "no-checkout");
    ended.says(&format!("`ref: {HEAD}`"));
    let run = asking(&github);
    std::fs::remove_dir_all(run.path().join(".git")).unwrap();
    refused(&run.end(), "no-checkout");
    assert_eq!(paths(&github), [""; 0], "the files are looked at first");

    let other = "b".repeat(40);
    let ended = asking(&github).file(".git/HEAD", &other).end();
    refused(&ended, "wrong-checkout");
    ended.says(&format!("`ref: {HEAD}`"));
    assert_eq!(paths(&github), [format!("/repos/o/r/commits/{other}")]);

    let run = asking(&github);
    std::fs::remove_dir_all(run.path().join(".git")).unwrap();
    git(run.path(), &["init", "-q"]);
    git(
        run.path(),
        &["commit", "-q", "--allow-empty", "-m", "another"],
    );
    refused(&run.end(), "wrong-checkout");

    let run = asking(&github).env("INPUT_IMAGE", DIGEST);
    std::fs::remove_dir_all(run.path().join(".git")).unwrap();
    passed(&run.end());
}

/// `actions/checkout` without `ref:` takes the merge that GitHub makes of the pull request.
#[test]
fn a_merge_of_the_head_is_built_and_said() {
    let github = github();
    let run = asking(&github);
    std::fs::remove_dir_all(run.path().join(".git")).unwrap();
    let git = |args: &[&str]| git(run.path(), args);
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "start"]);
    git(&["checkout", "-q", "-b", "feature"]);
    git(&["commit", "-q", "--allow-empty", "-m", "feature"]);
    let head = git(&["rev-parse", "HEAD"]);
    git(&["checkout", "-q", "--detach", "main"]);
    git(&["merge", "-q", "--no-ff", "-m", "Merge", "feature"]);
    let merge = git(&["rev-parse", "HEAD"]);
    let base = git(&["rev-parse", "main"]);
    github.commit(&merge, &[&base, &head]);
    github.change_pull(|pull| pull.head("feature", &head));
    let event = Event::labeled(pull("main").head("feature", &head), "🎅🏼deploy");
    let ended = run
        .file("event.json", &event.to_json().to_string())
        .env("GITHUB_SHA", &merge)
        .end();
    passed(&ended);
    let (merge, head) = (&merge[..12], &head[..12]);
    ended.says(&format!("`{merge}`, which is GitHub's merge of `{head}`"));
}

/// The pull request got another commit, or the base was merged into it, and that is checked out.
#[test]
fn only_a_merge_of_the_head_into_another_commit_is_as_good() {
    let github = github();
    let (held, base) = ("b".repeat(40), "c".repeat(40));
    let ended = |parents: &[&str]| {
        github.commit(&held, parents);
        asking(&github).file(".git/HEAD", &held).end()
    };
    for parents in [
        [].as_slice(),
        &[HEAD],
        &[HEAD, &base],
        &[&base, &base],
        &[&base, HEAD, &base],
        &[&base, &base, HEAD],
    ] {
        refused(&ended(parents), "wrong-checkout");
    }
    passed(&ended(&[&base, HEAD]));
    ask_again(&github);
    // A dispatch takes exactly the commit that it names.
    github.merge_into_base(HEAD);
    let ended = with_event(&github, "workflow_dispatch", &dispatch(HEAD))
        .file(".git/HEAD", &held)
        .end();
    refused(&ended, "wrong-checkout");

    for (fault, code, reason) in [
        (Fault::ServerError(502), 5, "github-unavailable"),
        (Fault::Forbidden, 2, "invalid-settings"),
    ] {
        github.fail_always(Endpoint::GetCommit, fault);
        let ended = asking(&github).file(".git/HEAD", &held).end();
        ended.ends(code).says("cannot ask GitHub for the parents");
        assert_eq!(ended.output("reason-code"), reason);
    }
}

/// With nobody to ask, a merge is vouched for by the event and the run together, by none alone.
#[test]
fn without_a_token_only_the_event_and_the_run_together_name_a_merge() {
    let github = github();
    let merge = "b".repeat(40);
    let ended = |of_event: &str, of_run: &str| {
        let mut event = labeled("🎅🏼deploy", "main");
        event["pull_request"]["merge_commit_sha"] = json!(of_event);
        with_event(&github, "pull_request", &event)
            .env("INPUT_GITHUB-TOKEN", "")
            .env("INPUT_REQUIRE-WRITE", "false")
            .env("GITHUB_SHA", of_run)
            .file(".git/HEAD", &merge)
            .end()
    };
    for (of_event, of_run) in [(&*merge, HEAD), (HEAD, &merge), (HEAD, HEAD), ("", &merge)] {
        let ended = ended(of_event, of_run);
        refused(&ended, "no-checkout");
        ended.says("without `github-token` it is unknown whether `bbbbbbbbbbbb`");
    }
    let ended = ended(&merge, &merge);
    passed(&ended);
    ended.says("`bbbbbbbbbbbb`, which is GitHub's merge of");
    assert_eq!(paths(&github), [""; 0]);
}

fn git(folder: &Path, args: &[&str]) -> String {
    let done = Command::new("git")
        .args([
            "-c",
            "user.name=o",
            "-c",
            "user.email=o@o",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

//! Which commit lies in the workspace.

use std::path::Path;
use std::process::Command;

use sandbox::event::Event;

use crate::act::container::Container;
use crate::act::project::{LABEL, Project};
use crate::bench::Bench;

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Octo Cat",
            "-c",
            "user.email=octocat@users.noreply.github.com",
        ])
        .args(["-c", "commit.gpgsign=false", "-c", "safe.directory=*"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A run whose workspace is `checkout` and whose event names the head of another one. GitHub knows `merge`.
fn run(
    bench: &Bench,
    checkout: &Project,
    merge: Option<(&str, [&str; 2])>,
) -> (crate::act::container::Finished, Container) {
    let pull = crate::act::pull(&bench.project);
    Event::labeled(pull, LABEL)
        .write(&checkout.event())
        .unwrap();
    let runner = Container::new(&bench.world, &bench.project);
    if let Some((merge, parents)) = merge {
        runner.github.commit(merge, &parents);
    }
    let finished = runner.start(checkout).wait();
    (finished, runner)
}

pub(crate) fn fact_17_workspace_commit(bench: &Bench) {
    // Something else is checked out: a branch that moved on, say.
    let other = Project::new(&bench.world, "contract-other");
    git(
        &other.app(),
        &[
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "feat: later",
        ],
    );
    let (finished, runner) = run(bench, &other, None);
    assert_ne!(finished.output("outcome"), "deployed", "{}", finished.log);
    assert_eq!(
        finished.output("reason-code"),
        "wrong-checkout",
        "{}",
        finished.log
    );
    assert!(runner.github.deployments().is_empty());

    // The merge commit of `actions/checkout`'s default, whose second parent is the head.
    let merge = Project::new(&bench.world, "contract-merge");
    let (folder, head) = (merge.app(), &bench.project.head);
    let from = bench.project.app().display().to_string();
    git(&folder, &["fetch", "--quiet", &from, head]);
    let tree = git(&folder, &["rev-parse", &format!("{head}^{{tree}}")]);
    let base = git(&folder, &["commit-tree", &tree, "-m", "chore: base"]);
    let merged = git(
        &folder,
        &["commit-tree", &tree, "-p", &base, "-p", head, "-m", "merge"],
    );
    git(
        &folder,
        &["checkout", "--quiet", "--force", "--detach", &merged],
    );
    let (finished, runner) = run(
        bench,
        &merge,
        Some((merged.as_str(), [base.as_str(), head.as_str()])),
    );
    let outcome = finished.output("outcome");
    assert!(
        ["deployed", "unchanged"].contains(&outcome),
        "{}",
        finished.log
    );
    let deployments = runner.github.deployments();
    assert_eq!(deployments[0]["sha"].as_str(), Some(head.as_str()));
}

//! What git says about the files that are built at a terminal: the commit, the branch, and who is at work. In the action the
//! event says it.

use std::path::Path;

use super::run::Run;
use crate::clients::git::git;
use crate::config::file::DEFAULT_FILE;
use crate::config::parse::Caller;
use crate::config::types::{DeployConfig, ImageSource};
use crate::protocol::ids::Commit;

/// Fills in what nobody gave.
pub(super) async fn tell(run: &mut Run<'_>, config: &DeployConfig) {
    let by = run.by;
    if by.caller == Caller::Action || by.settings.raw.in_workflow || by.event.is_some() {
        return;
    }
    let ImageSource::Build(build) = &config.image.source else {
        return;
    };
    let Some(tree) = Worktree::of(&build.context).await else {
        return;
    };
    let context = &mut run.context;
    context.head_ref = context.head_ref.take().or(tree.branch);
    context.actor = tree.user.or(context.actor.take());
    match (&context.commit, tree.files) {
        (None, BuiltFiles::Committed) => context.commit = tree.commit,
        (None, BuiltFiles::Changed) => run.reporter.note(
            "the files that are built differ from the last commit: the image and the record get no commit's name",
        ),
        (Some(_), _) => {}
    }
}

/// A folder that git knows.
#[derive(Debug, PartialEq, Eq)]
struct Worktree {
    commit: Option<Commit>,
    branch: Option<String>,
    user: Option<String>,
    files: BuiltFiles,
}

/// Whether a commit describes the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BuiltFiles {
    Committed,
    Changed,
}

impl Worktree {
    /// `None` when git does not know the folder, or is not there.
    async fn of(folder: &Path) -> Option<Self> {
        let status = git(folder, &["status", "--porcelain=v2", "--branch", "--", "."]).await?;
        // A folder that the repository ignores has nothing to do with its commit.
        if git(folder, &["check-ignore", "."]).await.is_some() {
            return None;
        }
        let header = |name: &str| {
            let mut lines = status.lines();
            lines.find_map(|line| {
                line.strip_prefix("# ")?
                    .strip_prefix(name)?
                    .strip_prefix(' ')
            })
        };
        let is_changed = |line: &str| !line.starts_with('#') && !line.ends_with(DEFAULT_FILE);
        let user = git(folder, &["config", "user.name"]).await;
        Some(Self {
            commit: header("branch.oid").and_then(|oid| oid.parse().ok()),
            branch: header("branch.head")
                .filter(|name| *name != "(detached)")
                .map(str::to_owned),
            user: user
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty()),
            files: if status.lines().any(is_changed) {
                BuiltFiles::Changed
            } else {
                BuiltFiles::Committed
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn made(folder: &Path, args: &[&str]) -> String {
        let all = [&["-c", "user.name=o", "-c", "user.email=o@o"][..], args].concat();
        git(folder, &all).await.unwrap()
    }

    #[tokio::test]
    async fn a_commit_is_named_while_it_describes_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert_eq!(Worktree::of(at).await, None);
        made(at, &["init", "-q", "-b", "main"]).await;
        made(at, &["config", "user.name", "Kim"]).await;
        std::fs::write(at.join(".gitignore"), "out\n").unwrap();
        std::fs::create_dir_all(at.join("out/app")).unwrap();
        std::fs::create_dir_all(at.join("src")).unwrap();
        std::fs::write(at.join("src/a"), "a").unwrap();
        made(at, &["add", "."]).await;
        made(at, &["commit", "-q", "-m", "start"]).await;
        let head = made(at, &["rev-parse", "HEAD"]).await;
        let clean = Worktree {
            commit: head.trim().parse().ok(),
            branch: Some("main".to_owned()),
            user: Some("Kim".to_owned()),
            files: BuiltFiles::Committed,
        };
        assert!(clean.commit.is_some());
        std::fs::write(at.join(DEFAULT_FILE), "").unwrap();
        assert_eq!(Worktree::of(at).await, Some(clean));
        assert_eq!(Worktree::of(&at.join("out/app")).await, None);
        std::fs::write(at.join("new"), "").unwrap();
        let files = |tree: Option<Worktree>| tree.unwrap().files;
        assert_eq!(files(Worktree::of(at).await), BuiltFiles::Changed);
        assert_eq!(
            files(Worktree::of(&at.join("src")).await),
            BuiltFiles::Committed
        );
    }
}

//! Whether the workspace holds the commit that was asked for, read from `.git` without git.
//!
//! The gate pins a commit from the event, and the build takes whatever files lie there. This is what
//! ties the two: the checked-out commit must be the pinned one, or GitHub's own merge of it into the
//! base, which has it as its second parent. Nothing is run: git in a container refuses a workspace
//! of another owner, and obeys a configuration that the workspace brings along.

mod delta;
mod objects;
mod pack;
mod refs;

use std::path::{Path, PathBuf};

use crate::protocol::ids::Commit;

/// What the checkout is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The commit that was asked for.
    pub commit: &'a Commit,
    /// Whether a merge of it is as good.
    pub merge: Merge<'a>,
}

/// Whether a merge of the commit is as good as the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge<'a> {
    /// It is; these two name it when its own object cannot be read.
    Allowed {
        /// The merge commit that the event names.
        of_event: Option<&'a Commit>,
        /// The commit that the run belongs to: `GITHUB_SHA`.
        of_run: Option<&'a Commit>,
    },
    /// It is not.
    Refused,
}

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkout {
    /// What was asked for.
    Exact,
    /// A merge of it.
    Merge(Commit),
    /// Another commit.
    Other(Commit),
    /// Nobody can tell; the text says why.
    Unknown(String),
    /// There is no `.git` around the folder.
    None,
}

/// Looks at the checkout that `folder` is in.
pub fn look(folder: &Path, wanted: &Wanted<'_>) -> Checkout {
    let Some(dot_git) = find(folder) else {
        return Checkout::None;
    };
    match inspect(&dot_git, wanted) {
        Ok(checkout) => checkout,
        Err(trouble) => Checkout::Unknown(trouble),
    }
}

/// The nearest `.git`, from the folder up, as git looks for it.
fn find(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    folder
        .ancestors()
        .map(|folder| folder.join(".git"))
        .find(|path| path.symlink_metadata().is_ok())
}

fn inspect(dot_git: &Path, wanted: &Wanted<'_>) -> Result<Checkout, String> {
    let places = refs::Places::open(dot_git)?;
    let head = refs::head(&places)?;
    if head == *wanted.commit {
        return Ok(Checkout::Exact);
    }
    let Merge::Allowed { of_event, of_run } = wanted.merge else {
        return Ok(Checkout::Other(head));
    };
    match objects::parents(&places.common, &head) {
        Ok(parents) => Ok(match parents.as_slice() {
            // A branch that was merged into has its old head first: that is a commit after the
            // one that was asked for, not a merge of it.
            [_base, merged] if merged == wanted.commit => Checkout::Merge(head),
            _ => Checkout::Other(head),
        }),
        Err(_unreadable) if of_event == Some(&head) && of_run == Some(&head) => {
            Ok(Checkout::Merge(head))
        }
        Err(trouble) => Err(format!("the commit `{head}` cannot be read: {trouble}")),
    }
}

#[cfg(test)]
mod tests;

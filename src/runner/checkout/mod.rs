//! Which commit the workspace holds, read from `.git` without git.
//!
//! The gate pins a commit from the event, and the build takes whatever files lie there; the
//! [`gate`](super::gate) ties the two. Nothing is run: git in a container refuses a workspace of another owner, and obeys
//! a configuration that the workspace brings along.

mod refs;

use std::path::{Path, PathBuf};

use crate::protocol::ids::Commit;

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkout {
    /// This commit.
    Commit(Commit),
    /// Nobody can tell; the text says why.
    Unknown(String),
    /// There is no `.git` around the folder.
    None,
}

/// Looks at the checkout that `folder` is in.
pub fn look(folder: &Path) -> Checkout {
    let Some(dot_git) = find(folder) else {
        return Checkout::None;
    };
    let head = refs::GitDirectories::open(&dot_git).and_then(|places| refs::head(&places));
    match head {
        Ok(commit) => Checkout::Commit(commit),
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

#[cfg(test)]
mod tests;

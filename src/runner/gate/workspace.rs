//! Whether the workspace holds the commit that was asked for, or GitHub's own merge of it into the base.

use std::path::Path;

use super::Refusal;
use super::questions::Candidate;
use crate::clients::github::Github;
use crate::config::parse::Caller;
use crate::error::{Reason, Result};
use crate::protocol::ids::Commit;
use crate::report::Reporter;
use crate::runner::checkout::{self, Checkout};
use crate::runner::event::{Facts, Trigger};

/// What another commit is to the one that was asked for.
enum Kinship {
    Merge,
    Other,
    /// There is nobody to ask.
    Unknown,
}

/// `None` when the files in `folder` may be built.
pub(super) async fn refusal(
    folder: &Path,
    candidate: &Candidate<'_>,
    github: Option<&Github>,
    reporter: &Reporter,
) -> Result<Option<Refusal>> {
    let Facts { commit, .. } = candidate.facts;
    let how = format!("check it out with `actions/checkout` and `ref: {commit}`");
    let no_checkout = |why: String| Some(Refusal::new(Reason::NoCheckout, format!("{why}: {how}")));
    let held = match (checkout::look(folder), candidate.caller) {
        (Checkout::Commit(held), _) if held == *commit => return Ok(None),
        (Checkout::Commit(held), _) => held,
        (Checkout::None, Caller::Terminal) => return Ok(None),
        (Checkout::None, Caller::Action) => {
            let why = "there is no `.git` in the workspace to tell which commit it is";
            return Ok(no_checkout(why.to_owned()));
        }
        (Checkout::Unknown(trouble), _) => {
            let why = format!("cannot tell which commit is checked out, {trouble}");
            return Ok(no_checkout(why));
        }
    };
    let kinship = kinship(&held, candidate, github).await?;
    let (held, wanted) = (held.short(), commit.short());
    Ok(match kinship {
        Kinship::Merge => {
            reporter.note(&format!(
                "the workspace holds `{held}`, which is GitHub's merge of `{wanted}`"
            ));
            None
        }
        Kinship::Other => Some(Refusal::new(
            Reason::WrongCheckout,
            format!("the workspace holds the commit `{held}` and not `{wanted}`: {how}"),
        )),
        Kinship::Unknown => no_checkout(format!(
            "without `github-token` it is unknown whether `{held}`, which is checked out, is GitHub's merge of `{wanted}`"
        )),
    })
}

async fn kinship(
    held: &Commit,
    candidate: &Candidate<'_>,
    github: Option<&Github>,
) -> Result<Kinship> {
    let Facts { commit, origin, .. } = candidate.facts;
    let pull = match origin {
        Trigger::Label(pull) => pull,
        Trigger::Dispatch(_) => return Ok(Kinship::Other),
    };
    let Some(github) = github else {
        let is_named = pull.merge.as_ref() == Some(held) && candidate.run_commit == Some(held);
        return Ok(match is_named {
            true => Kinship::Merge,
            false => Kinship::Unknown,
        });
    };
    // A commit that GitHub does not have is no merge of its own.
    let parents = github.parents(held).await?.unwrap_or_default();
    Ok(match parents.as_slice() {
        // A branch that was merged into has its old head first: that is a commit after the one that was asked for, not
        // a merge of it.
        [_base, merged] if merged == commit => Kinship::Merge,
        _ => Kinship::Other,
    })
}

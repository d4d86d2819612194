//! Whether enough people have approved.

use super::Refusal;
use crate::clients::github::{CollaboratorAccess, Github, ReviewVerdict};
use crate::error::{Reason, Result};

/// Why not. Only people who may write count, for and against: in a public repository anybody may
/// write a review. Bots do not count.
pub(in crate::runner) async fn refusal(
    github: &Github,
    number: u64,
    wanted: u16,
) -> Result<Option<Refusal>> {
    if wanted == 0 {
        return Ok(None);
    }
    let verdicts = github.verdicts(number).await?;
    let people = |wanted: ReviewVerdict| {
        let of_kind = verdicts
            .iter()
            .filter(move |(_, verdict)| **verdict == wanted);
        of_kind
            .map(|(login, _)| login)
            .filter(|login| !login.ends_with("[bot]"))
    };
    for login in people(ReviewVerdict::ChangesRequested) {
        if github.permission(login).await? == CollaboratorAccess::Write {
            let text = format!("`{login}` has requested changes");
            return Ok(Some(Refusal::new(Reason::ChangesRequested, text)));
        }
    }
    let mut approvals = 0;
    for login in people(ReviewVerdict::Approved) {
        if github.permission(login).await? == CollaboratorAccess::Write {
            approvals += 1;
        }
        if approvals >= wanted {
            return Ok(None);
        }
    }
    let text = format!(
        "{approvals} of {wanted} required approvals from people with write access: \
         set the label again once it is approved"
    );
    Ok(Some(Refusal::new(Reason::NotApproved, text)))
}

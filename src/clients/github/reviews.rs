//! What reviewers said about a pull request.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client::Github;
use super::questions::lacks;
use crate::error::Result;

/// A reviewer's last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewVerdict {
    /// Go on.
    Approved,
    /// Not like this.
    ChangesRequested,
}

#[derive(Deserialize)]
struct Review {
    user: Option<User>,
    state: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl Github {
    /// The last word of everybody who has one, by login; GitHub lists reviews oldest first.
    ///
    /// A comment takes nothing back; a dismissed review is none. Which commit was looked at does not
    /// matter here: to have approvals end with a push is a setting of the repository.
    pub async fn verdicts(&self, number: u64) -> Result<BTreeMap<String, ReviewVerdict>> {
        let path = format!("pulls/{number}/reviews");
        let reviews = self.ask_all(&path, |page: Vec<Review>| page).await;
        let reviews = reviews.map_err(|error| {
            let what = format!("cannot read the reviews of pull request #{number} from GitHub");
            error.unanswered(what, lacks("pull-requests: read"))
        })?;
        let mut verdicts = BTreeMap::new();
        for Review { user, state } in reviews {
            // Someone whose account is gone.
            let Some(User { login }) = user else { continue };
            match state.as_str() {
                "APPROVED" => verdicts.insert(login, ReviewVerdict::Approved),
                "CHANGES_REQUESTED" => verdicts.insert(login, ReviewVerdict::ChangesRequested),
                "DISMISSED" => verdicts.remove(&login),
                _ => None,
            };
        }
        Ok(verdicts)
    }
}

//! Questions: calls that change nothing, so that they may be repeated.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::client::{ApiError, Github};
use crate::clients::retry::retry;
use crate::error::{Error, Reason};

/// The pauses before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// The most that GitHub gives at once.
const PER_PAGE: usize = 100;

/// More pages than any pull request that is to be deployed has.
const MOST_PAGES: usize = 30;

impl Github {
    /// Asks, up to three times while GitHub is out of order.
    pub(super) async fn ask<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        let may_pass = |error: &ApiError, _pause| {
            let passes = error.is_passing();
            if passes {
                tracing::debug!(%error, path, "asking GitHub once more");
            }
            passes
        };
        retry(&PAUSES, may_pass, async || self.get_once(path).await).await
    }

    /// Every item of a list, page by page; `items` takes them out of one answer. A list without an
    /// end is an error: half of it would not do.
    pub(super) async fn ask_all<R: DeserializeOwned, T>(
        &self,
        path: &str,
        items: impl Fn(R) -> Vec<T>,
    ) -> Result<Vec<T>, ApiError> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let answer: R = self
                .ask(&format!("{path}?per_page={PER_PAGE}&page={page}"))
                .await?;
            let found = items(answer);
            let last = found.len() < PER_PAGE;
            all.extend(found);
            if last {
                return Ok(all);
            }
        }
        Err(ApiError::new(format!(
            "`{path}` has more than {MOST_PAGES} pages"
        )))
    }
}

impl ApiError {
    /// Whether another try may bring an answer.
    fn is_passing(&self) -> bool {
        match self.status {
            Some(status) => status >= 500 || status == 429,
            None => true,
        }
    }

    /// The run cannot go on without the answer; `cure` is for a token that may not ask.
    pub(super) fn unanswered(self, what: String, cure: String) -> Error {
        match self.status {
            Some(401 | 403 | 404) => Error::untouched(Reason::InvalidSettings, what)
                .because(self)
                .hint(cure),
            Some(_) | None => Error::untouched(Reason::GithubUnavailable, what)
                .because(self)
                .hint("look at https://www.githubstatus.com and run it again"),
        }
    }
}

/// What to write for a token that lacks `permission`, such as `checks: read`.
pub(super) fn lacks(permission: &str) -> String {
    format!("add `{permission}` under `permissions:` of the workflow's job")
}

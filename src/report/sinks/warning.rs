//! What a person reads when somebody could not be told.

use crate::clients::github::ApiError;
use crate::report::{Reporter, redact};
use crate::secret::Redactor;

/// What a person should know who reads that GitHub or Slack was not told.
const NOT_AFFECTED: &str = "the deploy itself is not affected";

/// Why somebody was not told.
#[derive(Debug)]
pub struct Warning {
    text: String,
    hint: String,
}

impl Warning {
    /// `hint` says what to do about it, when there is something to do.
    pub(super) fn new(text: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            text: text.into(),
            hint: hint.unwrap_or(NOT_AFFECTED).to_owned(),
        }
    }

    /// One call took too long.
    pub(super) fn slow_call(what: &str) -> Self {
        Self::new(format!("cannot {what}: it takes too long"), None)
    }

    /// Nothing is heard from it in the time for reports.
    pub(in crate::report) fn slow_service(service: &str) -> Self {
        Self::new(format!("{service} was too slow for the report"), None)
    }

    /// GitHub said no; names the permission when it is one that lacks.
    pub(super) fn github(
        what: &str,
        permission: &str,
        error: &ApiError,
        redactor: &Redactor,
    ) -> Self {
        let cure = match error.status {
            _ if error.is_rate_limit() => "GitHub takes no more calls of this token for a while",
            Some(403 | 404) => {
                &format!("add `{permission}` under `permissions:` of the workflow's job")
            }
            Some(401) => "give `github-token` a valid token",
            Some(_) | None => "",
        };
        let hint = match cure {
            "" => None,
            cure => Some(format!("{cure}; {NOT_AFFECTED}")),
        };
        let why = redact::short(&error.to_string(), redactor);
        Self::new(format!("cannot {what}: {why}"), hint.as_deref())
    }

    pub(in crate::report) fn print(&self, reporter: &Reporter) {
        reporter.warning(&self.text, &self.hint);
    }
}

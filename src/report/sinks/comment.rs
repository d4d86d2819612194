//! The comment on the pull request, one for all runs.

use super::{Delivery, Doing, End, Sink, Warning};
use crate::clients::github::marker;
use crate::config::types::GithubConfig;
use crate::report::{outcome, summary};

pub(super) struct StickyComment<'a>(pub(super) &'a GithubConfig);

impl Sink for StickyComment<'_> {
    fn name(&self) -> &'static str {
        "comment"
    }

    fn service(&self) -> &'static str {
        "GitHub"
    }

    fn finished<'a>(&'a self, end: &'a End<'_>) -> Doing<'a, Result<Delivery, Warning>> {
        Box::pin(self.put(end))
    }
}

impl StickyComment<'_> {
    async fn put(&self, end: &End<'_>) -> Result<Delivery, Warning> {
        let (context, redactor) = (end.run.context, end.run.reporter.redactor());
        let (Some(github), Some(number)) = (&end.github, context.pull_request) else {
            return Ok(Delivery::NotWanted);
        };
        let page = summary::comment(&end.published, context, end.run.config.language);
        let page = redactor.redact(&page);
        let app = outcome::app(&end.published, context);
        let marker = marker(app.as_deref(), &self.0.environment);
        let put = github.put_comment(number, &marker, &page).await;
        put.map_err(|error| {
            let what = "comment on the pull request";
            Warning::github(what, "pull-requests: write", &error, redactor)
        })?;
        Ok(Delivery::Yes)
    }
}

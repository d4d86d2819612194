//! The label comes off, so that each deploy is asked for by a person.

use super::{Delivery, Doing, End, Sink, Warning};

pub(super) struct LabelRemoval<'a>(pub(super) &'a str);

impl Sink for LabelRemoval<'_> {
    fn name(&self) -> &'static str {
        "label"
    }

    fn service(&self) -> &'static str {
        "GitHub"
    }

    fn finished<'a>(&'a self, end: &'a End<'_>) -> Doing<'a, Result<Delivery, Warning>> {
        Box::pin(self.remove(end))
    }
}

impl LabelRemoval<'_> {
    async fn remove(&self, end: &End<'_>) -> Result<Delivery, Warning> {
        let (Some(github), Some(number)) = (&end.github, end.run.context.pull_request) else {
            return Ok(Delivery::NotWanted);
        };
        let removed = github.remove_label(number, self.0).await;
        removed.map_err(|error| {
            let redactor = end.run.reporter.redactor();
            Warning::github(
                "take the label off",
                "pull-requests: write",
                &error,
                redactor,
            )
        })?;
        Ok(Delivery::Yes)
    }
}

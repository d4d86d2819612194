//! The workflow's own files: the step's outputs and the job's summary.

use std::future::ready;

use super::{Delivery, Doing, End, Sink, Warning};
use crate::report::summary;

pub(super) struct Outputs;

impl Sink for Outputs {
    fn name(&self) -> &'static str {
        "outputs"
    }

    fn service(&self) -> &'static str {
        "the runner"
    }

    fn finished<'a>(&'a self, end: &'a End<'_>) -> Doing<'a, Result<Delivery, Warning>> {
        end.run.files.write_outputs(end.whole, end.run.reporter);
        Box::pin(ready(Ok(Delivery::Yes)))
    }
}

pub(super) struct Summary;

impl Sink for Summary {
    fn name(&self) -> &'static str {
        "summary"
    }

    fn service(&self) -> &'static str {
        "the runner"
    }

    fn finished<'a>(&'a self, end: &'a End<'_>) -> Doing<'a, Result<Delivery, Warning>> {
        let run = end.run;
        let page = summary::summary(&end.published, run.context, run.config.language);
        run.files.write_summary(&page, run.reporter);
        Box::pin(ready(Ok(Delivery::Yes)))
    }
}

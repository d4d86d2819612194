//! Who is told of a run, each in one file. A new one comes into [`of`].

mod channel;
mod comment;
mod deployment;
mod files;
mod label;
mod warning;

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::time::Duration;

use super::RunReport;
use crate::clients::github::Github;
use crate::config::types::CommentMode;
use crate::protocol::result::RunResult;
pub use warning::Warning;

/// Somebody who is told of a run.
pub trait Sink {
    /// Its own name, which is also the key in `GITHUB_STATE` of one that must not be told twice.
    fn name(&self) -> &'static str;

    /// Who answers, or does not.
    fn service(&self) -> &'static str;

    /// The run begins. Keeps to [`START_REPORTS`](super::deadlines::START_REPORTS).
    fn started<'a>(&'a self, _run: &'a RunReport<'_>) -> Doing<'a, Result<(), Warning>> {
        Box::pin(ready(Ok(())))
    }

    /// Whether it is still to be told by the post step of a run that was cut short. Without a clear answer it is.
    fn is_owed<'a>(&'a self, _run: &'a RunReport<'_>) -> Doing<'a, bool> {
        Box::pin(ready(true))
    }

    /// The run is over. Dropped when the time for reports is over.
    fn finished<'a>(&'a self, end: &'a End<'_>) -> Doing<'a, Result<Delivery, Warning>>;

    /// Notes in the result whether it was told.
    fn note(&self, _told: bool, _result: &mut RunResult) {}
}

pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// All who are told of one run.
pub type Sinks<'a> = Vec<Box<dyn Sink + 'a>>;

impl fmt::Debug for dyn Sink + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What came of telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It knows.
    Yes,
    /// It does not want to know of a run such as this.
    NotWanted,
}

/// How a run ended.
#[derive(Debug)]
pub struct End<'a> {
    pub run: &'a RunReport<'a>,
    /// GitHub, for who tells it something or asks.
    pub github: Option<Github>,
    /// What others may read: without the log, when that is to stay in the run's own.
    pub published: RunResult,
    /// All of it, for the workflow's own steps.
    pub whole: &'a RunResult,
    /// How long telling may take.
    pub budget: Duration,
}

/// Everybody that the settings name, to be told at the same time.
pub(super) fn of<'a>(run: &RunReport<'a>) -> Sinks<'a> {
    let mut all = Sinks::new();
    if let Some(settings) = &run.config.github {
        all.push(Box::new(deployment::GithubDeployment(settings)));
        if settings.comment == CommentMode::Sticky {
            all.push(Box::new(comment::StickyComment(settings)));
        }
        if let Some(label) = run.label {
            all.push(Box::new(label::LabelRemoval(label)));
        }
    }
    if let Some(settings) = &run.config.slack {
        all.push(Box::new(channel::ChannelMessage(settings)));
    }
    all
}

/// The workflow's own files, written after everybody was told, one after the other.
pub(super) fn files() -> Sinks<'static> {
    vec![Box::new(files::Outputs), Box::new(files::Summary)]
}

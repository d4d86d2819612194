//! A run, told to everybody: at its start, at its end, and by the post step what is still owed then.
//!
//! Nothing here fails the run; what cannot be told is a warning.

use futures_util::future::join_all;

use super::context::RunContext;
use super::outputs::OutputFiles;
use super::sinks::{self, Delivery, End, Sinks, Warning};
use super::state::Memory;
use super::{Reporter, closing, deadlines, receipt, redact};
use crate::clients::github::Github;
use crate::config::types::{Language, LogMode, ReportConfig};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::RunResult;

/// A run, as those see it who are told of it.
#[derive(Debug)]
pub struct RunReport<'a> {
    /// Whom to tell.
    pub config: &'a ReportConfig,
    /// What it is about.
    pub context: &'a RunContext,
    pub reporter: &'a Reporter,
    /// What its post step is going to know.
    pub memory: &'a Memory,
    /// Where the workflow wants its results.
    pub files: &'a OutputFiles,
    /// The label to take off at the end.
    pub label: Option<&'a str>,
}

impl<'a> RunReport<'a> {
    pub fn sinks(&self) -> Sinks<'a> {
        sinks::of(self)
    }

    /// The gate said yes: tells everybody who is told of a start.
    pub async fn started(&self) {
        let sinks = self.sinks();
        join_all(sinks.iter().map(async |sink| {
            if let Err(warning) = sink.started(self).await {
                warning.print(self.reporter);
            }
        }))
        .await;
    }

    /// Whom the main step, which was cut short, has not told.
    pub async fn owed(&self) -> Sinks<'a> {
        let mut owed = Vec::new();
        for sink in self.sinks() {
            if sink.is_owed(self).await {
                owed.push(sink);
            }
        }
        owed
    }

    /// Tells `sinks` how it ended, writes outputs and summary, and prints the outcome last.
    ///
    /// Secrets are taken out of `result` first, and what came of telling is noted in it.
    pub async fn finished(&self, sinks: &Sinks<'_>, result: &mut RunResult) {
        redact::result(result, self.reporter.redactor());
        let line = closing::closing(result, self.context);
        match result.outcome {
            Outcome::Skipped => self.reporter.notice(&line),
            _ => Box::pin(self.tell(sinks, result)).await,
        }
        let end = self.end(None, result);
        for file in sinks::files() {
            if let Err(warning) = file.finished(&end).await {
                warning.print(self.reporter);
            }
        }
        self.print_receipt(result);
        self.reporter.last_line(&line);
    }

    /// Tells all at the same time, each within the time for reports.
    async fn tell(&self, sinks: &Sinks<'_>, result: &mut RunResult) {
        let github = self.github().filter(|_| !sinks.is_empty());
        let end = self.end(github, result);
        let answers = join_all(sinks.iter().map(async |sink| {
            let told = self.reporter.within(end.budget, sink.finished(&end)).await;
            if let Ok(Err(warning)) = &told {
                warning.print(self.reporter);
            }
            told
        }))
        .await;
        let mut slow = None;
        for (sink, told) in sinks.iter().zip(answers) {
            if told.is_err() && slow.replace(sink.service()) != Some(sink.service()) {
                Warning::slow_service(sink.service()).print(self.reporter);
            }
            match told {
                Ok(Ok(Delivery::NotWanted)) => {}
                Ok(Ok(Delivery::Yes)) => sink.note(true, result),
                Ok(Err(_)) | Err(_) => sink.note(false, result),
            }
        }
    }

    fn end<'e>(&'e self, github: Option<Github>, result: &'e RunResult) -> End<'e> {
        let mut published = result.clone();
        if self.config.log == LogMode::RunOnly
            && let Some(failed) = &mut published.failure
        {
            failed.failure.log_tail.clear();
        }
        End {
            run: self,
            github,
            published,
            whole: result,
            budget: match result.outcome {
                Outcome::Cancelled => deadlines::REPORTS_CANCELLED,
                _ => deadlines::REPORTS,
            },
        }
    }

    /// The client, or a warning.
    pub(super) fn github(&self) -> Option<Github> {
        let settings = self.config.github.as_ref()?;
        Github::new(settings, self.context).unwrap_or_else(|error| {
            let hint = error.hints().first().map_or("", String::as_str);
            let text = error.summary();
            self.reporter.warning(&text, hint);
            None
        })
    }

    fn print_receipt(&self, result: &RunResult) {
        let english = Language::English;
        let rows = receipt::rows(result, self.context, english);
        let rows: Vec<String> = rows.iter().map(|row| row.line(english)).collect();
        let mut facts = receipt::facts(result, self.context, english);
        // The last line says these.
        let lost = receipt::lost(result, english);
        let bad = receipt::bad_answers(result, self.context, english);
        facts.retain(|fact| Some(fact) != lost.as_ref() && Some(fact) != bad.as_ref());
        self.reporter.receipt(&rows, &facts);
    }
}

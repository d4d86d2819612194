//! What every part of a run shares.

use super::cancel::Cancel;
use super::event::{self, Facts, WorkflowEvent};
use super::recheck::Recheck;
use super::{result, stdin};
use crate::config::parse::{Caller, Reach};
use crate::config::sources::Gathered;
use crate::config::types::{DeployConfig, HostConfig, ImageSource, MessageFormat, ReportConfig};
use crate::error::{Error, Reason, Result};
use crate::protocol::ids::Commit;
use crate::protocol::result::RunResult;
use crate::report::context::RunContext;
use crate::report::message::WORKFLOW_VARIABLES;
use crate::report::outputs::OutputFiles;
use crate::report::state::Memory;
use crate::report::{ConsoleMode, Reporter, RunReport, Verbosity, deadlines};
use crate::secret::{Redactor, Secret};

/// How a command was started: what was typed, and all that the environment says.
#[derive(Debug)]
pub struct Invocation {
    /// The texts of all settings.
    pub settings: Gathered,
    /// What the run is about, as far as the environment knows.
    pub context: RunContext,
    /// The event that has to pass the gate; `None` when a person decides.
    pub event: Option<WorkflowEvent>,
    pub caller: Caller,
    pub reach: Reach,
    pub console: ConsoleMode,
    pub verbosity: Verbosity,
    /// The Docker daemon that the user chose.
    pub docker_host: Option<String>,
    /// `GITHUB_SHA`, which is a merge commit for a pull request.
    pub run_commit: Option<Commit>,
    /// Where the workflow wants its results.
    pub files: OutputFiles,
    /// What the post step is going to know.
    pub memory: Memory,
    pub cancel: Cancel,
    /// Whether a release that is live already is deployed all the same.
    pub force: bool,
}

impl Invocation {
    /// Reads the one secret that a flag says is on standard input.
    pub(super) async fn read_standard_input(&mut self) -> Result<()> {
        stdin::read(&mut self.settings.raw, &self.cancel).await
    }
}

/// One run, from its settings to its last report.
#[derive(Debug)]
pub(super) struct Run<'a> {
    /// How it was started.
    pub(super) by: &'a Invocation,
    /// Whom to tell.
    pub(super) told: &'a ReportConfig,
    /// What it is about.
    pub(super) context: RunContext,
    pub(super) reporter: Reporter,
    /// Whom to ask again before something that cannot be taken back.
    pub(super) recheck: Recheck,
    /// The label to take off at the end.
    pub(super) label: Option<&'a str>,
}

impl<'a> Run<'a> {
    /// Begins the run's clock.
    pub(super) fn new(by: &'a Invocation, told: &'a ReportConfig, secrets: &[&Secret]) -> Self {
        let reporter = Reporter::new(by.console, Redactor::new(secrets)).at(by.verbosity);
        Self {
            by,
            told,
            context: by.context.clone(),
            reporter,
            recheck: Recheck::Nobody,
            label: None,
        }
    }

    /// The same on a host that is known.
    pub(super) fn on(by: &'a Invocation, host: &'a HostConfig) -> Self {
        let mut run = Self::new(by, &host.report, &host.secrets());
        run.context.app = Some(host.site.app.clone());
        // What nobody named the host finds out.
        run.context.slots = (!host.site.slots_by_default).then(|| host.site.slots.names());
        run.context.place = Some(host.place.to_string());
        run
    }

    /// The same of a deploy.
    pub(super) fn of_deploy(
        by: &'a Invocation,
        config: &'a DeployConfig,
        facts: Option<&Facts>,
    ) -> Self {
        let mut run = Self::on(by, &config.host);
        if let Some(facts) = facts {
            run.context = event::with_facts(run.context, facts);
        }
        run.context.tag = match &config.image.source {
            ImageSource::Build(build) => build.tags.first().map(ToString::to_string),
            ImageSource::Existing(_) => None,
        };
        run.reporter.add_masks();
        run.print_warnings();
        run.note_variables();
        run
    }

    /// A webhook that starts a workflow posts nothing by itself: who made it declares there what is to be shown.
    fn note_variables(&self) {
        let format = self.told.slack.as_ref().map(|slack| slack.format);
        if format == Some(MessageFormat::Workflow) {
            let names = WORKFLOW_VARIABLES
                .map(|name| format!("`{name}`"))
                .join(", ");
            self.reporter.note(&format!(
                "`slack-webhook-url` starts a workflow in Slack: it gets the variables {names} and those of `slack-fields`, all of them text; declare there the ones that it is to show"
            ));
        }
    }

    /// What is odd about the settings and stops nothing.
    pub(super) fn print_warnings(&self) {
        for problem in &self.by.settings.warnings {
            self.reporter.warning(&problem.what, &problem.cure);
        }
    }

    /// Does work; shows that it is alive, and once an end is asked for hurries.
    pub(super) async fn alive_during<T>(&self, work: impl Future<Output = T>) -> T {
        let work = Box::pin(self.reporter.alive_during(work));
        self.by.cancel.hurry(&self.reporter, work).await
    }

    /// Before the swap the app is not touched, so a cancel simply ends the run.
    pub(super) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            result = work => result,
            signal = self.by.cancel.requested() => {
                let what = "cancelled before your app was touched";
                Err(Error::new(signal.exit_code(), Reason::Cancelled, what))
            }
        }
    }

    /// The run for everybody who is told of it.
    pub(super) fn report(&self) -> RunReport<'_> {
        RunReport {
            config: self.told,
            context: &self.context,
            reporter: &self.reporter,
            memory: &self.by.memory,
            files: &self.by.files,
            label: self.label,
        }
    }

    /// Tells that it begins. A cancelled run has better things to do than to wait for an answer.
    pub(super) async fn report_start(&self) {
        let report = self.report();
        tokio::select! {
            () = report.started() => {}
            _ = self.by.cancel.passed(deadlines::OPENING) => {}
        }
    }

    /// An error is a result like any other.
    pub(super) fn result(&self, ended: Result<RunResult>) -> RunResult {
        ended.unwrap_or_else(|error| result::failed(&self.reporter, &error))
    }
}

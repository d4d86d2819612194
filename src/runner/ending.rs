//! How a run ends: why it failed is printed once, everybody is told, and it has an exit code.

use super::event::{self, Facts};
use super::gate::Refusal;
use super::run::{Invocation, Run};
use super::{exit, result};
use crate::config::parse::{self, Caller};
use crate::config::types::ReportConfig;
use crate::error::{Error, ExitCode};
use crate::protocol::result::RunResult;
use crate::protocol::step::Phase;
use crate::report::ConsoleMode;

/// A run that is over.
#[derive(Debug)]
pub struct EndedRun {
    pub result: RunResult,
    pub code: ExitCode,
    /// What nobody was told yet: who typed the command has to correct it.
    pub untold: Option<Error>,
}

impl Run<'_> {
    /// Tells everybody how it went, or leaves that to the post step.
    pub(super) async fn finish(&self, mut result: RunResult) -> EndedRun {
        let (memory, cancel, reporter) = (&self.by.memory, &self.by.cancel, &self.reporter);
        let code = exit::of(&result, cancel.now());
        result::print_failure(reporter, &result, code);
        if cancel.now().is_some() {
            memory.note(reporter, |saved| saved.cancelled = true);
        }
        let report = self.report();
        let is_left = memory.leaves_it_to_post();
        let sinks = if is_left {
            reporter.note("the post step finds out how the host ends, and tells it");
            Vec::new()
        } else {
            report.sinks()
        };
        let telling = Box::pin(report.finished(&sinks, &mut result));
        cancel.hurry(reporter, telling).await;
        if !is_left && !reporter.left_something() {
            memory.finish(reporter);
        }
        let untold = None;
        EndedRun {
            result,
            code,
            untold,
        }
    }
}

/// The gate said no.
pub(super) async fn refused(by: &Invocation, refusal: &Refusal) -> EndedRun {
    let nobody = ReportConfig::default();
    let run = Run::new(by, &nobody, &[]);
    run.reporter.phase_started(Phase::Gate);
    let why = Some(refusal.to_string());
    run.reporter.phase_done(Phase::Gate, why.as_deref());
    // They may be why the gate said no, and they would fail the next deploy.
    for problem in by.settings.problems.list() {
        run.reporter.warning(&problem.what, &problem.cure);
    }
    run.print_warnings();
    let result = result::skipped(&run.reporter, refusal.reason);
    run.finish(result).await
}

/// The settings are wrong: said to the person at the keyboard, or to everybody in the action.
pub(super) async fn misconfigured(
    by: &Invocation,
    facts: Option<&Facts>,
    error: Error,
) -> EndedRun {
    let told = match by.caller {
        Caller::Action => parse::report_only(&by.settings.raw),
        Caller::Terminal => ReportConfig::default(),
    };
    let mut run = Run::new(by, &told, &told.secrets());
    if let Some(facts) = facts {
        run.context = event::with_facts(run.context, facts);
    }
    let result = result::failed(&run.reporter, &error);
    if by.console == ConsoleMode::Actions {
        run.reporter.add_masks();
        run.print_warnings();
        return run.finish(result).await;
    }
    EndedRun {
        result,
        code: error.code(),
        untold: Some(error),
    }
}

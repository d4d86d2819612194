//! `action-post`: what the main step of the action owed when it ended.
//!
//! Nothing to do means nothing said: the main step told everything, or (act) nobody kept its state.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::exit;
use super::render;
use super::start::Start;
use crate::config::parse::{self, Caller, Gated};
use crate::config::sources::Inputs;
use crate::config::types::{DeployConfig, LabelAfter};
use crate::error::{Error, ExitCode, Result};
use crate::report::outputs::OutputFiles;
use crate::report::state::{self, Left};
use crate::report::{ConsoleMode, Reporter, after, deadlines, post as owed};
use crate::runner::{event, post};
use crate::secret::Redactor;

/// Finds out how the run ended and tells it. The main step's exit code stands, so this one is always 0.
pub(super) async fn run(start: &Start) -> Result<ExitCode> {
    let Some(left) = state::left(&start.env) else {
        return Ok(ExitCode::Success);
    };
    let gathered = start.gather(&[], Inputs::OfThisAction);
    // The main step passed the gate; what it checked then is not checked again.
    let config = parse::deploy(&gathered, Caller::Action, start.reach(), Gated::Free);
    match config {
        Ok(config) => {
            let redactor = Redactor::new(&config.secrets());
            let reporter = start.reporter(ConsoleMode::Actions, redactor);
            reporter.add_masks();
            let over = tokio::time::Instant::now() + deadlines::POST;
            reporter.hurry(
                over,
                "the main step could not tell everything: finding out how the run ended",
            );
            let work = Box::pin(settle(start, &config, &left, &reporter));
            start.cancel.hurry(&reporter, work).await;
        }
        Err(error) => complain(&parse::report_only(&gathered.raw).secrets(), &error),
    }
    Ok(ExitCode::Success)
}

async fn settle(start: &Start, config: &DeployConfig, left: &Left, reporter: &Reporter) {
    let mut context = left.saved.context(event::context(&start.env));
    context.place = Some(config.place.to_string());
    let found = post::find_out(&config.place, &left.saved, reporter, &start.cancel);
    let mut result = Box::pin(reporter.alive_during(found)).await;
    result.took_seconds = since(left.saved.began_ms).as_secs_f64();
    let (report, deployment) = owed::owed(&config.report, &context, left, reporter).await;
    let label = match config.gate.label_after {
        LabelAfter::Removed => Some((config.gate.label.as_str(), LabelAfter::Removed)),
        LabelAfter::Kept => None,
    };
    render::failure(reporter, &result, exit::of(&result, start.cancel.now()));
    let files = OutputFiles {
        output: None,
        state: None,
        ..start.output_files()
    };
    let finish = after::finish(
        &report,
        &context,
        label,
        deployment,
        &mut result,
        reporter,
        &files,
    );
    Box::pin(finish).await;
}

fn complain(secrets: &[&crate::secret::Secret], error: &Error) {
    let reporter = Reporter::new(ConsoleMode::Actions, Redactor::new(secrets));
    reporter.add_masks();
    let hint = error.hints().first().map_or("", String::as_str);
    reporter.warning(&error.chain().join(": "), hint);
}

/// Time since the main step began, by the clock of this machine.
fn since(began_ms: u64) -> Duration {
    let began = UNIX_EPOCH + Duration::from_millis(began_ms);
    SystemTime::now().duration_since(began).unwrap_or_default()
}

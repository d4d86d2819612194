//! `rollback`: a deploy whose release is an earlier one.

use super::args::RollbackArgs;
use super::exit;
use super::render;
use super::start::Start;
use crate::config::parse;
use crate::config::sources::Inputs;
use crate::error::{ExitCode, Result};
use crate::protocol::plan::Target;
use crate::report::{ConsoleMode, after};
use crate::runner::{event, pipeline, result};
use crate::secret::Redactor;

/// Runs it.
pub(super) async fn run(start: &Start, args: &RollbackArgs) -> Result<ExitCode> {
    let mut gathered = start.gather(&args.settings.given, Inputs::Inherited);
    start.read_standard_input(&mut gathered).await?;
    let mode = start.console();
    let config = match parse::rollback(&gathered, start.reach()) {
        Ok(config) => config,
        Err(error) => {
            if mode != ConsoleMode::Json {
                return Err(error);
            }
            render::error(&error);
            let code = error.code();
            let reporter = start.reporter(mode, Redactor::default());
            render::json(&result::failed(&reporter, &error))?;
            return Ok(code);
        }
    };
    let mut context = event::context(&start.env);
    context.app = Some(config.site.app.clone());
    context.slots = Some(config.site.slots.clone());
    context.place = Some(config.place.to_string());
    context.is_rollback = true;
    let reporter = start.reporter(mode, Redactor::new(&config.secrets()));
    reporter.add_masks();
    let target = args.to.clone().map_or(Target::Previous, Target::Release);
    let run = pipeline::rollback(&config, target, &context, &reporter, &start.cancel);
    let run = Box::pin(reporter.alive_during(run));
    let mut result = start.cancel.hurry(&reporter, run).await;
    let code = exit::of(&result, start.cancel.now());
    render::failure(&reporter, &result, code);
    let files = start.output_files();
    let finish = after::finish(
        &config.report,
        &context,
        None,
        None,
        &mut result,
        &reporter,
        &files,
    );
    start.cancel.hurry(&reporter, Box::pin(finish)).await;
    if start.global.json {
        render::json(&result)?;
    }
    Ok(code)
}

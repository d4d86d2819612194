//! `provision`: prepares a host once.

use serde::Serialize;

use super::args::ProvisionArgs;
use super::render;
use super::start::Start;
use super::tables;
use crate::config::parse;
use crate::config::sources::Inputs;
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::provision::{Change, Provision, ProvisionMode};
use crate::report::ConsoleMode;
use crate::runner::pipeline;
use crate::secret::Redactor;

/// What `provision --json` prints.
#[derive(Serialize)]
struct Provisioned<'a> {
    app: &'a str,
    mode: ProvisionMode,
    changes: &'a [Change],
}

/// Runs it.
pub(super) async fn run(start: &Start, args: &ProvisionArgs) -> Result<ExitCode> {
    let mut gathered = start.gather(&args.settings.given, Inputs::Inherited);
    start.read_standard_input(&mut gathered).await?;
    let config = parse::look(&gathered, start.reach())?;
    let mode = if args.dry_run {
        ProvisionMode::DryRun
    } else {
        ProvisionMode::Apply
    };
    let order = Provision {
        site: config.site.clone(),
        server_name: args.server_name.clone(),
        mode,
    };
    // Standard output is for the answer, so lines for people go to standard error.
    let reporter = start.reporter(ConsoleMode::Json, Redactor::new(&config.secrets()));
    let work = reporter.alive_during(pipeline::provision(&config, &order, &reporter));
    let changes = tokio::select! {
        changes = Box::pin(work) => changes,
        signal = start.cancel.requested() => {
            let what = "cancelled; the host finishes what it has begun";
            return Err(Error::new(signal.exit_code(), Reason::Cancelled, what));
        }
    };
    let changes = match changes {
        Ok(changes) => changes,
        Err(error) => {
            // With what nginx or another program had to say.
            reporter.error(&error);
            return Ok(error.code());
        }
    };
    if start.global.json {
        let app = config.site.app.as_str();
        render::json(&Provisioned {
            app,
            mode,
            changes: &changes,
        })?;
    } else {
        render::out(&tables::changes(&changes, mode))?;
    }
    Ok(ExitCode::Success)
}

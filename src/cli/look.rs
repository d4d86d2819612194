//! `status` and `history`.

use serde::Serialize;

use super::flags::{ForLook, SettingFlags};
use super::render;
use super::start::Start;
use super::tables;
use crate::config::parse;
use crate::config::sources::Inputs;
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::status::{Past, Status};
use crate::report::{ConsoleMode, Reporter};
use crate::runner::pipeline;
use crate::secret::Redactor;

/// What `history --json` prints.
#[derive(Serialize)]
struct History<'a> {
    app: &'a str,
    recent: &'a [Past],
}

/// What is live.
pub(super) async fn status(start: &Start, flags: &SettingFlags<ForLook>) -> Result<ExitCode> {
    let status = look(start, flags).await?;
    if start.global.json {
        render::json(&status)?;
    } else {
        render::out(&tables::status(&status))?;
    }
    Ok(ExitCode::Success)
}

/// What happened.
pub(super) async fn history(start: &Start, flags: &SettingFlags<ForLook>) -> Result<ExitCode> {
    let status = look(start, flags).await?;
    if start.global.json {
        render::json(&History {
            app: &status.app,
            recent: &status.recent,
        })?;
    } else {
        render::out(&tables::history(&status.recent))?;
    }
    Ok(ExitCode::Success)
}

async fn look(start: &Start, flags: &SettingFlags<ForLook>) -> Result<Status> {
    let mut gathered = start.gather(&flags.given, Inputs::Inherited);
    start.read_standard_input(&mut gathered).await?;
    let config = parse::look(&gathered, start.reach())?;
    // Standard output is for the answer, so lines for people go to standard error.
    let reporter = Reporter::new(ConsoleMode::Json, Redactor::new(&config.secrets()));
    tokio::select! {
        status = Box::pin(pipeline::status(&config, &reporter)) => status,
        signal = start.cancel.requested() => {
            Err(Error::new(signal.exit_code(), Reason::Cancelled, "cancelled"))
        }
    }
}

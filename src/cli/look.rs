//! `status` and `history`.

use serde::Serialize;

use super::args::HistoryArgs;
use super::flags::{ForLook, SettingFlags};
use super::render;
use super::start::Start;
use super::tables;
use crate::config::parse;
use crate::config::sources::Inputs;
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::ids::DeploymentId;
use crate::protocol::status::{Past, Status, Told};
use crate::report::{ConsoleMode, Reporter, Verbosity};
use crate::runner::pipeline;
use crate::secret::Redactor;

/// What `history --json` prints.
#[derive(Serialize)]
struct History<'a> {
    app: &'a str,
    recent: &'a [Past],
}

/// What `history DEPLOYMENT --json` prints.
#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    past: &'a Past,
    #[serde(flatten)]
    told: &'a Told,
}

/// What is live.
pub(super) async fn status(start: &Start, flags: &SettingFlags<ForLook>) -> Result<ExitCode> {
    let status = look(start, flags, None).await?;
    if start.global.json {
        render::json(&status)?;
    } else {
        render::out(&tables::status(&status))?;
    }
    Ok(ExitCode::Success)
}

/// What happened, or how one deployment ended.
pub(super) async fn history(start: &Start, args: &HistoryArgs) -> Result<ExitCode> {
    let wanted = args.deployment.as_ref();
    let status = look(start, &args.settings, wanted).await?;
    if let Some(wanted) = wanted {
        return one(start, &status, wanted);
    }
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

fn one(start: &Start, status: &Status, wanted: &DeploymentId) -> Result<ExitCode> {
    let mut recent = status.recent.iter();
    let Some(past) = recent.find(|past| past.deployment == *wanted) else {
        let what = format!("the host has no record of deployment {wanted}");
        return Err(Error::usage(what).hint("see which there are: `pct-deploy history`"));
    };
    let told = status.told.clone().unwrap_or_default();
    if start.global.json {
        render::json(&One { past, told: &told })?;
    } else {
        render::out(&tables::one(past, &told))?;
    }
    Ok(ExitCode::Success)
}

async fn look(
    start: &Start,
    flags: &SettingFlags<ForLook>,
    of: Option<&DeploymentId>,
) -> Result<Status> {
    let mut gathered = start.gather(&flags.given, Inputs::Inherited);
    start.read_standard_input(&mut gathered).await?;
    let config = parse::look(&gathered, start.reach())?;
    // Standard output is for the answer, so lines for people go to standard error.
    let reporter = Reporter::new(ConsoleMode::Json, Redactor::new(&config.secrets()))
        .at(start.verbosity(Verbosity::Answer));
    let look = reporter.alive_during(pipeline::status(&config, of, &reporter));
    tokio::select! {
        status = Box::pin(look) => status,
        signal = start.cancel.requested() => {
            Err(Error::new(signal.exit_code(), Reason::Cancelled, "cancelled"))
        }
    }
}

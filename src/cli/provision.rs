//! `provision`: prepares a host once.

use serde::Serialize;

use super::args::ProvisionArgs;
use super::render;
use super::start::Start;
use super::tables;
use crate::error::{ExitCode, Result};
use crate::protocol::provision::{Change, OwnLines, ProvisionMode};
use crate::report::Verbosity;
use crate::runner::provision;

/// What `provision --json` prints.
#[derive(Serialize)]
struct PrintedChanges<'a> {
    app: &'a str,
    mode: ProvisionMode,
    changes: &'a [Change],
}

pub(super) async fn run(start: &Start, args: &ProvisionArgs) -> Result<ExitCode> {
    let mode = if args.dry_run {
        ProvisionMode::DryRun
    } else {
        ProvisionMode::Apply
    };
    let own_lines = if args.edit {
        OwnLines::Edit
    } else {
        OwnLines::Keep
    };
    let by = start.asked(&args.settings, Verbosity::Steps);
    let provision = provision::provision(by, args.server_name.clone(), mode, own_lines);
    let provisioned = Box::pin(provision).await?;
    let changes = match &provisioned.changes {
        Ok(changes) => changes,
        Err(code) => return Ok(*code),
    };
    if start.global.json {
        let app = provisioned.app.as_str();
        render::json(&PrintedChanges { app, mode, changes })?;
    } else {
        render::out(&tables::changes(changes, mode))?;
    }
    Ok(ExitCode::Success)
}

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
    #[serde(skip_serializing_if = "Option::is_none")]
    sudoers: Option<&'a str>,
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
    let (changes, sudoers) = match &provisioned.told {
        Ok((changes, sudoers)) => (changes, sudoers.as_deref()),
        Err(code) => return Ok(*code),
    };
    if start.global.json {
        let app = provisioned.app.as_str();
        render::json(&PrintedChanges {
            app,
            mode,
            changes,
            sudoers,
        })?;
    } else {
        render::out(&tables::changes(changes, mode))?;
        if let Some(line) = sudoers {
            render::out(&format!(
                "From now on a deploy needs root for this alone (`sudo visudo -f /etc/sudoers.d/pct-deploy`):\n  {line}\n"
            ))?;
        }
    }
    Ok(ExitCode::Success)
}

//! Prepares a host for the flag switch, once, or says what that would change.

use super::run::{Invocation, Run};
use super::session::Session;
use crate::config::parse;
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::ids::{AppName, ServerName};
use crate::protocol::provision::{Change, OwnLines, Provision, ProvisionMode};
use crate::protocol::wire::{Reply, Request};

/// What came of it.
#[derive(Debug)]
pub struct Provisioned {
    pub app: AppName,
    /// What was changed, or would be, and the line of `sudoers` that is enough from then on; else the code of an error
    /// that is printed already.
    pub told: Result<(Vec<Change>, Option<String>), ExitCode>,
}

/// Changes the host, or names the changes.
pub async fn provision(
    mut by: Invocation,
    server_name: Option<ServerName>,
    mode: ProvisionMode,
    own_lines: OwnLines,
) -> Result<Provisioned> {
    by.read_standard_input().await?;
    let host = parse::look(&by.settings, by.reach)?;
    let run = Run::on(&by, &host);
    let order = Box::new(Provision {
        site: host.site.clone(),
        server_name,
        mode,
        own_lines,
    });
    let request = Request::Provision { order };
    let told = |reply| match reply {
        Reply::Provisioned { changes, sudoers } => Some((changes, sudoers)),
        _ => None,
    };
    let work = Box::pin(Session::ask_once(&host, &request, told, &run.reporter));
    let told = tokio::select! {
        told = run.reporter.alive_during(work) => told,
        signal = by.cancel.requested() => {
            let what = "cancelled; the host finishes what it has begun";
            return Err(Error::new(signal.exit_code(), Reason::Cancelled, what));
        }
    };
    Ok(Provisioned {
        app: host.site.app.clone(),
        told: told.map_err(|error| {
            // With what nginx or another program had to say.
            run.reporter.error(&error);
            error.code()
        }),
    })
}

//! `pct-deploy agent recover`: every app of this host to one live, healthy slot. By hand, and at boot.

use std::path::Path;

use super::events::Events;
use super::failure::{StepError, StepResult};
use super::journal::closed::unread_closed;
use super::lock::{self, CancelState};
use super::paths::{AppPaths, STATE_ROOT};
use super::recover::{Recovered, recover};
use super::revive::{Revived, revive};
use crate::error::{Error, ExitCode, Reason, Result};
use crate::host::Host;
use crate::host::linux::LinuxHost;
use crate::protocol::ids::AppName;
use crate::protocol::span::Span;

/// A recovery by hand or at boot waits for a deploy that is at work.
const LOCK_WAIT: Span = Span::from_millis(300_000);

/// Settles every app on this host and starts live slots that do not run; one line for each thing that was done.
///
/// An error is about the first app that is not well; the others were seen to all the same.
pub async fn recover_all() -> Result<Vec<String>> {
    let host =
        LinuxHost::new().map_err(|error| Error::bug("the agent cannot start").because(error))?;
    let names = host.list(Path::new(STATE_ROOT)).await.map_err(|error| {
        Error::untouched(Reason::PreflightFailed, "cannot list the apps").because(error)
    })?;
    let mut said = Vec::new();
    let mut first = None;
    for app in names.iter().filter_map(|name| name.parse::<AppName>().ok()) {
        match Box::pin(one(&host, &app, &mut said)).await {
            Ok(()) => {}
            Err(error) if first.is_none() => first = Some(for_a_person(&app, error)),
            Err(error) => said.push(format!("{app}: {}", error.chain.join(": "))),
        }
    }
    match first {
        None => Ok(said),
        // What was done for the others is worth knowing.
        Some(error) => Err(said.into_iter().fold(error, Error::hint)),
    }
}

async fn one<H: Host>(host: &H, app: &AppName, said: &mut Vec<String>) -> StepResult<()> {
    let paths = AppPaths::new(app);
    let history = host.list(&paths.archive()).await.unwrap_or_default();
    let open = host.read(&paths.journal()).await;
    if history.is_empty() && !matches!(open, Ok(Some(_))) {
        // A folder without a past is no app of ours.
        return Ok(());
    }
    let events = Events::silent(host);
    let lock = lock::take(host, &events, &paths, LOCK_WAIT, "recovery", || {
        CancelState::No
    })
    .await?;
    let done = locked(host, app, &paths, said).await;
    drop(lock);
    done
}

async fn locked<H: Host>(
    host: &H,
    app: &AppName,
    paths: &AppPaths,
    said: &mut Vec<String>,
) -> StepResult<()> {
    match Box::pin(recover(host, paths)).await? {
        Recovered::Nothing => {}
        Recovered::Settled {
            deployment,
            outcome,
        } => said.push(format!(
            "{app}: deployment {deployment} is settled: {outcome}"
        )),
    }
    let unread = unread_closed(host, paths).await?;
    said.extend(unread.into_iter().map(|why| format!("{app}: {why}")));
    match Box::pin(revive(host, paths)).await? {
        Revived::Nothing => {}
        Revived::Started(service) => {
            said.push(format!("{app}: {service} was down and serves again"));
        }
    }
    Ok(())
}

fn for_a_person(app: &AppName, error: StepError) -> Error {
    let stuck = Error::new(
        ExitCode::Stuck,
        error.reason,
        format!("app `{app}` is not well"),
    );
    let stuck = stuck
        .because(error.chain.join(": "))
        .log_tail(error.log_tail);
    error.hints.into_iter().fold(stuck, Error::hint)
}

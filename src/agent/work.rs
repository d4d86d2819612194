//! The agent that does the work: a process in a session of its own. One request line on standard input, replies on
//! standard output, and nothing that happens to either changes what it does.
//!
//! SIGHUP is ignored. SIGTERM and SIGINT (the machine shuts down) and the cancel file ask for an end: before commit
//! the run is undone, after it the run is finished.

use std::cell::Cell;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;

use super::paths::AppPaths;
use super::serve::{FLUSH_DEADLINE, speak};
use super::{cancel_file, deploy};
use crate::error::{Error, ExitCode, Reason, Result};
use crate::host::linux::{LinuxHost, detached};
use crate::protocol::line::read_line;
use crate::protocol::plan::Plan;
use crate::protocol::wire::{self, RegistryLogin, Request};

/// Carries out one plan.
pub async fn work() -> Result<ExitCode> {
    detached::leave().map_err(|error| Error::bug("cannot leave the session").because(error))?;
    let handler = |kind| {
        signal(kind).map_err(|error| Error::bug("cannot install a signal handler").because(error))
    };
    let _hangup = handler(SignalKind::hangup())?;
    let mut ends = [
        handler(SignalKind::terminate())?,
        handler(SignalKind::interrupt())?,
    ];
    let (plan, login) = read_request()?;
    // Where that cannot be, a run that ends with its login is recovered like any other that is killed.
    drop(detached::leave_login().await);
    let host = LinuxHost::new().map_err(|error| {
        Error::untouched(Reason::AgentUnavailable, "the agent cannot start").because(error)
    })?;
    let (listener, replies) = unbounded_channel();
    let cancel = Cell::new(false);
    let flag = AppPaths::new(&plan.site.app).cancel(&plan.deployment);
    let work = async {
        Box::pin(deploy::run(&host, &plan, login.as_ref(), listener, &cancel)).await;
        // Nobody reads it any more.
        cancel_file::forget(&host, &flag).await;
    };
    let watch = async {
        tokio::join!(
            cancel_file::watch(&host, &flag, &cancel),
            watch_signals(&mut ends, &cancel)
        );
        std::future::pending::<()>().await;
    };
    let speak = speak(replies);
    tokio::pin!(work, watch, speak);
    tokio::select! {
        () = &mut work => {}
        () = &mut watch => {}
        // Nobody listens any more.
        () = &mut speak => {
            tokio::select! {
                () = &mut work => {}
                () = &mut watch => {}
            }
            return Ok(ExitCode::Success);
        }
    }
    // Everything was said; the listener has a moment to take it.
    drop(tokio::time::timeout(FLUSH_DEADLINE, speak).await);
    Ok(ExitCode::Success)
}

/// The one line on standard input. Whoever started us writes it at once, or is gone and closes the pipe.
fn read_request() -> Result<(Box<Plan>, Option<RegistryLogin>)> {
    let line = read_line(&mut std::io::stdin().lock())
        .map_err(|error| Error::bug("cannot read standard input").because(error))?;
    match wire::decode(&line) {
        Ok(Request::Swap { plan, registry }) => Ok((plan, registry)),
        Ok(_) => Err(Error::usage("a worker carries out plans only")),
        Err(error) => {
            Err(Error::usage("the worker got no plan on its standard input").because(error))
        }
    }
}

async fn watch_signals(ends: &mut [Signal; 2], cancel: &Cell<bool>) {
    let [terminate, interrupt] = ends;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    cancel.set(true);
}

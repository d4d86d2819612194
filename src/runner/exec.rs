//! A command in the live slot's container, as if it were typed there.

use std::io::IsTerminal as _;

use super::remote::{Input, Remote};
use super::run::{Invocation, Run};
use super::session::Session;
use super::status;
use crate::config::parse;
use crate::config::types::HostConfig;
use crate::error::{Error, Reason, Result};

/// Runs it with our standard streams and returns its exit code.
pub async fn exec(mut by: Invocation, command: &[String]) -> Result<u8> {
    by.read_standard_input().await?;
    let host = parse::look(&by.settings, by.reach)?;
    let run = Run::on(&by, &host);
    let (session, container) = tokio::select! {
        found = Box::pin(live(&host, &run)) => found?,
        signal = by.cancel.requested() => {
            return Err(Error::new(signal.exit_code(), Reason::Cancelled, "cancelled"));
        }
    };
    let typed = std::io::stdin().is_terminal();
    let here = matches!(session.remote, Remote::Local);
    // Over SSH another process of ours reads what we are given, and no background process may read from a terminal.
    let (flags, input): (&[&str], _) = match (typed, here) {
        (false, _) => (&["-i"], Input::Ours),
        (true, true) if std::io::stdout().is_terminal() => (&["-it"], Input::Ours),
        (true, true) => (&["-i"], Input::Ours),
        (true, false) => (&[], Input::Nothing),
    };
    let mut argv = vec!["docker", "exec"];
    argv.extend(flags);
    argv.push(&container);
    argv.extend(command.iter().map(String::as_str));
    let code = tokio::select! {
        code = session.remote.attach(&argv, input) => code,
        signal = by.cancel.requested() => {
            Err(Error::new(signal.exit_code(), Reason::Cancelled, "cancelled"))
        }
    };
    session.leave().await;
    code
}

/// The live slot's container.
async fn live<'a>(host: &'a HostConfig, run: &Run<'_>) -> Result<(Session<'a>, String)> {
    let session = Session::open(host, &run.reporter).await?;
    let status = status::ask(&session, None, &run.reporter).await?;
    let live = status.live.map(|live| live.slot);
    let mut slots = status.slots.into_iter();
    let container = slots.find(|slot| Some(slot.slot) == live);
    match container.and_then(|slot| slot.container) {
        Some(container) => Ok((session, container)),
        None => {
            let what = "nothing is live: there is no container to run it in";
            Err(Error::untouched(Reason::PreflightFailed, what)
                .hint("`pct-deploy status` shows what is there"))
        }
    }
}

//! What a slot prints.

use super::run::{Invocation, Run};
use super::session::Session;
use crate::config::parse;
use crate::error::{ExitCode, Result};
use crate::protocol::logs::{LogEnd, LogOrder, LogStart, WantedSlot};
use crate::protocol::wire::{Reply, Request};

/// What was typed.
#[derive(Debug, Clone)]
pub struct LogsWanted {
    pub slot: WantedSlot,
    pub since: Option<LogStart>,
    pub lines: Option<u32>,
    pub ends: LogEnd,
}

/// Hands over the lines as they come. A signal ends it, with its own exit code and no word: that is how following ends.
pub async fn logs(
    mut by: Invocation,
    wanted: LogsWanted,
    mut on_line: impl FnMut(&str) -> Result<()>,
) -> Result<ExitCode> {
    by.read_standard_input().await?;
    let host = parse::look(&by.settings, by.reach)?;
    let run = Run::on(&by, &host);
    let request = Request::Logs {
        order: Box::new(LogOrder {
            site: host.site.clone(),
            slot: wanted.slot,
            since: wanted.since,
            lines: wanted.lines,
            ends: wanted.ends,
        }),
    };
    let read = async {
        let session = Session::open(&host, &run.reporter).await?;
        let told = session
            .ask_for_many(&request, &run.reporter, |reply| match reply {
                Reply::Log { lines } => {
                    lines.iter().try_for_each(|line| on_line(line))?;
                    Ok(None)
                }
                Reply::LogOver => Ok(Some(())),
                _ => Ok(None),
            })
            .await;
        session.leave().await;
        told
    };
    tokio::select! {
        told = Box::pin(read) => told.map(|()| ExitCode::Success),
        signal = by.cancel.requested() => Ok(signal.exit_code()),
    }
}

//! `logs`.

use serde::Serialize;

use super::args::LogsArgs;
use super::render;
use super::start::Start;
use crate::error::{ExitCode, Result};
use crate::protocol::logs::{LogEnd, WantedSlot};
use crate::report::Verbosity;
use crate::runner::logs::{self, LogsWanted};

/// As many as fit on some screens.
const LINES: u32 = 100;

/// What `logs --json` prints, one object a line.
#[derive(Serialize)]
struct PrintedLine<'a> {
    line: &'a str,
}

pub(super) async fn logs(start: &Start, args: &LogsArgs) -> Result<ExitCode> {
    let lines = args.lines.or(args.since.is_none().then_some(LINES));
    let wanted = LogsWanted {
        slot: match args.slot.as_str() {
            "live" => WantedSlot::Live,
            "idle" => WantedSlot::Idle,
            name => WantedSlot::Named(name.to_owned()),
        },
        since: args.since.clone(),
        lines,
        ends: if args.follow {
            LogEnd::Followed
        } else {
            LogEnd::Now
        },
    };
    let by = start.asked(&args.settings, Verbosity::Answer);
    let show = |line: &str| {
        if start.global.json {
            render::json(&PrintedLine { line })
        } else {
            render::out(&format!("{}\n", render::harmless(line)))
        }
    };
    Box::pin(logs::logs(by, wanted, show)).await
}

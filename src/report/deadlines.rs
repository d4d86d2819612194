//! How long each part of a run may take for telling others, and what a cancelled run has left, in one chart.
//!
//! GitHub's runner sends SIGINT, after 7.5 s SIGTERM, and after another 2.5 s it kills. A cancelled run promises to end
//! within 7 s, counted from the first signal:
//!
//! ```text
//! seconds  0 ─────── 1 ────────────── 4 ── 4.3 ─────────── 6.2 ─────── 7 ── 7.5 ──────── 9 ───── 10
//!          signal    no answer about  the  the connection  reports     end  the runner's the     the runner
//!                    the deployment:  host is closed       are made         SIGTERM      process kills
//!                    go on without    is                                                 exits
//!                                     left alone
//! ```
//!
//! What is not told by then is the post step's, which has a minute of its own.

use std::time::Duration;

/// After a signal: how long GitHub's answer about a deployment that is being opened is waited for.
pub const OPENING: Duration = Duration::from_secs(1);
/// After a signal: how long the host is followed; then it is left alone.
pub const HOST: Duration = Duration::from_secs(4);
/// How long closing the connection to a host that is left alone may take.
pub const CLOSING: Duration = Duration::from_millis(300);
/// After a signal: when the reports are made.
pub const REPORTED: Duration = Duration::from_millis(6200);
/// After a signal: when the process exits whatever it is doing.
pub const EXIT: Duration = Duration::from_secs(9);

/// For opening the deployment at the start of a run.
pub const START_REPORTS: Duration = Duration::from_secs(20);
/// For all reports at the end of a run.
pub const REPORTS: Duration = Duration::from_secs(60);
/// The same for a run that was cancelled, unless less is left.
pub const REPORTS_CANCELLED: Duration = Duration::from_secs(5);

/// For finding out, in the post step, how the host ended: GitHub ends everything five minutes after a cancel.
pub const POST_FIND_OUT: Duration = Duration::from_secs(45);
/// For looking, in the post step, at what was told already.
pub const POST_LOOK: Duration = Duration::from_secs(10);
/// For all of the post step.
pub const POST: Duration = Duration::from_secs(58);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_fits_what_the_runner_gives() {
        let (sigterm, killed) = (Duration::from_millis(7500), Duration::from_secs(10));
        assert!(OPENING < HOST && HOST + CLOSING < REPORTED);
        assert!(REPORTED < Duration::from_secs(7) && Duration::from_secs(7) < sigterm);
        assert!(sigterm < EXIT && EXIT < killed);
        assert!(POST_FIND_OUT + POST_LOOK < POST && POST < Duration::from_secs(60));
    }
}

//! The last line of a run: how it ended, with what, where, and what can be typed next. Pure.
//!
//! The error, its causes and its hints are above it; it repeats none of them.

use super::context::RunContext;
use super::outcome::{failed_stage, is_open, named, note};
use super::{receipt, text};
use crate::config::types::Language;
use crate::protocol::outcome::Outcome;
use crate::protocol::result::RunResult;

/// The line, in English. Holds text of the host.
pub(super) fn closing(result: &RunResult, context: &RunContext) -> String {
    let english = Language::English;
    let took = text::seconds(result.took_seconds);
    let (stage, reason) = (failed_stage(result), &result.reason_code);
    let place = named(context.place.as_ref(), " at ", "");
    let slot = named(result.slot.as_ref(), " on ", "");
    match result.outcome {
        Outcome::Deployed => {
            let release = named(result.release.as_ref(), "release ", "the new release");
            let what = what(context);
            let before = match &result.previous_slot {
                Some(previous) => format!(" (before: {previous})"),
                None => String::new(),
            };
            let lost = receipt::lost(result, english).map(|lost| format!(", {lost}"));
            let lost = lost.unwrap_or_default();
            let note = note(result).map_or_else(String::new, |why| format!(" ({why})"));
            let back = back(result, context);
            format!("deployed {release}{what}{slot}{place}{before} in {took}{lost}{note}{back}")
        }
        Outcome::Unchanged => {
            let release = named(result.release.as_ref(), "release ", "the release");
            let what = what(context);
            format!("unchanged: {release}{what} is live already{slot}{place}, {took}")
        }
        Outcome::Skipped => format!("skipped: {reason}"),
        Outcome::Cancelled if is_open(result) => format!(
            "cancelled after {took}: the host has not settled yet and does so by itself; see `pct-deploy status`"
        ),
        Outcome::Cancelled => format!("cancelled after {took}: {}", serving(result, context)),
        Outcome::Failed => format!("failed{stage} ({reason}): your app{place} was not touched"),
        Outcome::RolledBack => format!(
            "rolled back{stage} ({reason}): {}",
            serving(result, context)
        ),
        Outcome::Stuck => format!("stuck{stage} ({reason}){place}: a person is needed"),
    }
}

/// What a person knows the release by.
fn what(context: &RunContext) -> String {
    match (&context.commit, &context.tag) {
        (Some(commit), _) => format!(" (commit {})", commit.short()),
        (None, Some(tag)) => format!(" (tag {tag})"),
        (None, None) => String::new(),
    }
}

/// How to go back, where there is something to go back to.
fn back(result: &RunResult, context: &RunContext) -> &'static str {
    if result.previous_slot.is_some() && !context.is_rollback {
        "; to go back: `pct-deploy rollback`"
    } else {
        ""
    }
}

fn serving(result: &RunResult, context: &RunContext) -> String {
    let place = named(context.place.as_ref(), " at ", "");
    match (
        &result.slot,
        receipt::bad_answers(result, context, Language::English),
    ) {
        (Some(slot), Some(bad)) => format!("{slot}{place} serves again; {bad}"),
        (Some(slot), None) => format!("{slot}{place} serves as before"),
        (None, Some(bad)) => bad,
        (None, None) => "nothing was switched".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{baked_away, context, deployed, rolled_back};

    fn at_home() -> RunContext {
        RunContext {
            place: Some("parking.example".to_owned()),
            ..context()
        }
    }

    #[test]
    fn a_deploy_says_what_where_and_how_to_go_back() {
        assert_eq!(
            closing(&deployed(), &at_home()),
            "deployed release 0123456789ab (commit 0a1b2c3d4e5f) on pct-backend-2 at parking.example (before: pct-backend-1) in 41.2s, 0 of 48,213 requests lost; to go back: `pct-deploy rollback`"
        );
        let (mut first, mut tagged) = (deployed(), at_home());
        (first.previous_slot, first.requests_total) = (None, None);
        (tagged.commit, tagged.tag) = (None, Some("v3".to_owned()));
        assert_eq!(
            closing(&first, &tagged),
            "deployed release 0123456789ab (tag v3) on pct-backend-2 at parking.example in 41.2s"
        );
        let mut again = at_home();
        (again.is_rollback, again.commit) = (true, None);
        assert!(closing(&deployed(), &again).ends_with("0 of 48,213 requests lost"));
    }

    #[test]
    fn a_failure_is_not_said_again() {
        let with = |outcome| {
            let mut result = rolled_back();
            result.outcome = outcome;
            closing(&result, &at_home())
        };
        for (outcome, line) in [
            (
                Outcome::RolledBack,
                "rolled back in await_healthy (oom-killed): pct-backend-1 at parking.example serves as before",
            ),
            (
                Outcome::Failed,
                "failed in await_healthy (oom-killed): your app at parking.example was not touched",
            ),
            (
                Outcome::Stuck,
                "stuck in await_healthy (oom-killed) at parking.example: a person is needed",
            ),
            (Outcome::Skipped, "skipped: oom-killed"),
            (
                Outcome::Cancelled,
                "cancelled after 41.2s: pct-backend-1 at parking.example serves as before",
            ),
            (
                Outcome::Unchanged,
                "unchanged: release 0123456789ab (commit 0a1b2c3d4e5f) is live already on pct-backend-1 at parking.example, 41.2s",
            ),
        ] {
            assert_eq!(with(outcome), line);
        }
        assert_eq!(
            closing(
                &baked_away(),
                &RunContext {
                    place: None,
                    ..at_home()
                }
            ),
            "rolled back in bake (bake-failed): pct-backend-1 serves again; 37 of 412 answers of the new slot were 5xx before traffic was back"
        );
        let mut open = rolled_back();
        (open.outcome, open.slot) = (Outcome::Cancelled, None);
        open.failure = None;
        assert!(closing(&open, &at_home()).ends_with("; see `pct-deploy status`"));
    }
}

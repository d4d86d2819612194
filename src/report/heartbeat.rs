//! When a silent log should say that the run is alive.

use std::time::Duration;

use super::text;
use crate::protocol::step::Stage;

/// The longest silence while something is at work.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beat {
    /// Say this.
    Speak { label: String, text: String },
    /// Look again after this long.
    Wait(Duration),
}

/// Decides from how long it was silent and what is open since when.
pub(super) fn beat(now: Duration, silent: Duration, open: &[(Stage, Duration)]) -> Beat {
    match open {
        [] => Beat::Wait(SILENCE),
        _ if silent < SILENCE => Beat::Wait(SILENCE - silent),
        [(stage, since)] => Beat::Speak {
            label: stage.to_string(),
            text: format!("still at work after {}", age(now, *since)),
        },
        several => Beat::Speak {
            label: "still at work".to_owned(),
            text: several
                .iter()
                .map(|(stage, since)| format!("{stage} ({})", age(now, *since)))
                .collect::<Vec<_>>()
                .join(", "),
        },
    }
}

fn age(now: Duration, since: Duration) -> String {
    text::seconds(now.saturating_sub(since).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::step::{Phase, Step};

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn silence_is_broken_only_while_something_is_at_work() {
        let build = (Stage::Phase(Phase::Build), S(5));
        let probe = (Stage::Step(Step::AwaitHealthy), S(30));
        assert_eq!(beat(S(90), S(80), &[]), Beat::Wait(S(10)));
        assert_eq!(beat(S(9), S(4), &[build]), Beat::Wait(S(6)));
        assert_eq!(
            beat(S(15), S(10), &[build]),
            Beat::Speak {
                label: "build".to_owned(),
                text: "still at work after 10.0s".to_owned()
            }
        );
        assert_eq!(
            beat(S(75), S(11), &[probe, build]),
            Beat::Speak {
                label: "still at work".to_owned(),
                text: "await_healthy (45.0s), build (1m 10s)".to_owned()
            }
        );
    }
}

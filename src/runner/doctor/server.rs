//! The way to the server, and what the agent there finds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::of;
use crate::config::types::{HostConfig, Place};
use crate::error::{Error, Reason, Result};
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::wire::{Reply, Request};
use crate::report::Reporter;
use crate::runner::session::Session;

/// Clocks that are further apart make tokens and certificates fail, and records hard to read.
const SKEW: Duration = Duration::from_secs(30);

/// In the order in which a connection passes them.
const ON_THE_WAY: [DoctorCheck; 4] = [
    DoctorCheck::ServerUnreachable,
    DoctorCheck::HostKeyMismatch,
    DoctorCheck::SshRefused,
    DoctorCheck::AgentRefused,
];

/// What was found, and why the server was not looked at.
pub(super) async fn look(
    host: Option<&HostConfig>,
    reporter: &Reporter,
) -> (Examination, Option<String>) {
    let mut seen = Examination::default();
    let Some(host) = host else {
        let why = "its settings are not complete".to_owned();
        return (seen, Some(why));
    };
    let is_ours = |check: &DoctorCheck| match host.place {
        Place::Local => *check == DoctorCheck::AgentRefused,
        Place::Ssh(_) => true,
    };
    let way = ON_THE_WAY.into_iter().filter(is_ours);
    match ask(host, reporter).await {
        Ok((of_server, skew)) => {
            way.for_each(|check| seen.note(check, []));
            seen.join(of_server);
            if let Place::Ssh(_) = host.place {
                seen.note(DoctorCheck::ClockSkew, skew.map(off));
            }
            (seen, None)
        }
        Err(error) => {
            let failed = failed_at(error.reason());
            for check in way {
                if check == failed {
                    seen.note(check, [of(&error)]);
                    break;
                }
                seen.note(check, []);
            }
            (seen, Some(error.to_string()))
        }
    }
}

fn failed_at(reason: Reason) -> DoctorCheck {
    match reason {
        Reason::HostKeyMismatch => DoctorCheck::HostKeyMismatch,
        Reason::SshUnauthorized => DoctorCheck::SshRefused,
        Reason::HostUnreachable | Reason::SshFailed | Reason::InvalidSettings => {
            DoctorCheck::ServerUnreachable
        }
        _ => DoctorCheck::AgentRefused,
    }
}

/// What the agent found, and how far its clock is from ours: seconds, when that is too much.
async fn ask(host: &HostConfig, reporter: &Reporter) -> Result<(Examination, Option<i64>)> {
    let session = Session::open(host, reporter).await?;
    let before_ms = now_ms()?;
    let request = Request::Doctor {
        site: host.site.clone(),
    };
    let examined = |reply| match reply {
        Reply::Examined {
            examination,
            now_ms,
        } => Some((examination, now_ms)),
        _ => None,
    };
    let answered = Box::pin(session.ask(&request, examined, reporter)).await;
    session.leave().await;
    let (examination, there_ms) = answered?;
    Ok((examination, skew(before_ms, there_ms, now_ms()?)))
}

fn now_ms() -> Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.map_err(|error| {
        Error::untouched(Reason::InternalError, "the clock is before 1970").because(error)
    })?;
    Ok(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// How many seconds the server's clock is ahead, when its answer came between these two instants of ours.
fn skew(before_ms: i64, there_ms: u64, after_ms: i64) -> Option<i64> {
    let there_ms = i64::try_from(there_ms).unwrap_or(i64::MAX);
    let off_ms = there_ms - there_ms.clamp(before_ms, after_ms);
    let is_far = Duration::from_millis(off_ms.unsigned_abs()) > SKEW;
    is_far.then_some(off_ms / 1000)
}

fn off(seconds: i64) -> [String; 2] {
    let (much, way) = (
        seconds.abs(),
        if seconds > 0 { "ahead of" } else { "behind" },
    );
    [
        format!(
            "the server's clock is {much} s {way} the one here: logins and certificates may be refused"
        ),
        "have it set on the server: `sudo timedatectl set-ntp true`".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_from_an_answer_that_took_its_time() {
        assert_eq!(skew(1_000_000, 1_090_000, 1_100_000), None);
        assert_eq!(skew(1_000_000, 1_130_000, 1_100_000), None);
        assert_eq!(skew(1_000_000, 1_160_000, 1_100_000), Some(60));
        assert_eq!(skew(1_000_000, 900_000, 1_100_000), Some(-100));
        assert!(off(-100)[0].contains("100 s behind"));
    }

    #[test]
    fn an_error_belongs_to_the_part_of_the_way_where_it_happened() {
        for (reason, check) in [
            (Reason::HostUnreachable, DoctorCheck::ServerUnreachable),
            (Reason::HostKeyMismatch, DoctorCheck::HostKeyMismatch),
            (Reason::SshUnauthorized, DoctorCheck::SshRefused),
            (Reason::AgentUnavailable, DoctorCheck::AgentRefused),
        ] {
            assert_eq!(failed_at(reason), check);
        }
    }
}

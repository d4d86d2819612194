//! The lines that travel over the agent's standard input and output.
//!
//! JSON Lines: one object a line, UTF-8, LF. A line longer than [`MAX_LINE`] is refused.

use serde::{Deserialize, Serialize};

use super::event::{Event, Happening};
use super::ids::{AppName, DeploymentId};
use super::logs::LogOrder;
use super::plan::{Plan, Site};
use super::provision::{Change, Provision};
use super::status::Status;
use crate::secret::Secret;

/// The longest accepted line, in bytes.
pub const MAX_LINE: usize = 1024 * 1024;

/// What the runner asks. The first line decides; `Cancel` may follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Run `preflight` and `start_dependencies` and stop there. The run gets its number in the order of the app.
    Prepare {
        /// The app and its host.
        site: Site,
    },
    /// Run the whole swap.
    Swap {
        plan: Box<Plan>,
        /// For the pull, when the registry wants it.
        registry: Option<RegistryLogin>,
    },
    /// Say again what a deployment has said after event `after`, and go on until its last word. One that was
    /// cut short is settled first.
    Follow {
        app: AppName,
        deployment: DeploymentId,
        /// The last event that was heard; 0 for none.
        after: u64,
    },
    /// Prepare a host for the flag switch, or say what that would change.
    Provision { order: Box<Provision> },
    /// Say what is there.
    Status {
        /// The app and its host.
        site: Site,
        /// A deployment whose end is to be told as well.
        #[serde(default)]
        of: Option<DeploymentId>,
    },
    /// Tell what a slot printed.
    Logs { order: Box<LogOrder> },
    /// Roll back if that is still possible, else finish.
    Cancel,
}

/// Credentials for one registry. Serialised on purpose, here only: they travel by standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryLogin {
    pub username: String,
    /// The password or token.
    #[serde(with = "exposed")]
    pub password: Secret,
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// A line of the event stream.
    Event(Box<Event>),
    /// The host is ready for the swap: the good end of `Prepare`.
    Ready {
        /// For [`Plan::fence`].
        fence: u64,
    },
    /// What `Provision` did, or would do: its good end.
    Provisioned {
        /// In order; what is in place already is not named.
        changes: Vec<Change>,
        /// The line of `sudoers` that is enough for deploys from now on; `None` when we are root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sudoers: Option<String>,
    },
    /// The answer to `Status`.
    Status(Box<Status>),
    /// Lines of a slot's log, without the secrets of its environment; none for a sign of life.
    Log { lines: Vec<String> },
    /// The good end of `Logs`.
    LogOver,
}

/// A line that is not one of ours.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Longer than [`MAX_LINE`].
    #[error("a line of {0} bytes is longer than the {MAX_LINE} allowed")]
    TooLong(usize),
    /// Not the JSON we expect.
    #[error("a line is not a message of this version")]
    Malformed(#[source] serde_json::Error),
}

/// Writes one message as a line, with its LF.
pub fn encode(message: &impl Serialize) -> Result<String, WireError> {
    let mut line = serde_json::to_string(message).map_err(WireError::Malformed)?;
    line.push('\n');
    if line.len() > MAX_LINE {
        Err(WireError::TooLong(line.len()))
    } else {
        Ok(line)
    }
}

/// An event that fits on a line, as the answer of an agent and in its log. One that does not loses what an app printed,
/// or, when that is not enough, all but its number: nothing is dropped in silence.
pub fn fitting(mut event: Event) -> Event {
    // What frames an event in a reply takes some bytes as well.
    const MOST: usize = MAX_LINE - 64;
    let fits = |event: &Event| encode(event).is_ok_and(|line| line.len() <= MOST);
    if fits(&event) {
        return event;
    }
    if let Happening::Finished(finished) = &mut event.what
        && let Some((_, failure)) = &mut finished.failed
    {
        failure.log_tail.clear();
        failure.chain.truncate(8);
    }
    if !fits(&event) {
        let text = "an event was longer than 1 MiB and is left out".to_owned();
        let hint = String::new();
        event.what = Happening::Warning { text, hint };
    }
    event
}

/// A reply as a line. A status that is too long loses its oldest deployments.
pub fn encode_reply(mut reply: Reply) -> Result<String, WireError> {
    loop {
        match (encode(&reply), &mut reply) {
            (Err(WireError::TooLong(_)), Reply::Status(status)) if !status.recent.is_empty() => {
                status.recent.truncate(status.recent.len() / 2);
            }
            (line, _) => return line,
        }
    }
}

/// Reads one message from a line, with or without its LF.
pub fn decode<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, WireError> {
    if line.len() > MAX_LINE {
        return Err(WireError::TooLong(line.len()));
    }
    serde_json::from_str(line.trim_end()).map_err(WireError::Malformed)
}

mod exposed {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::secret::Secret;

    pub(super) fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        secret.expose().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Failure, Reason};
    use crate::protocol::outcome::{Finished, Outcome};
    use crate::protocol::receipt::Receipt;
    use crate::protocol::step::Step;

    #[test]
    fn a_reply_survives_the_wire() {
        let event = Event {
            seq: 1,
            at_ms: 5,
            what: Happening::StepStarted {
                step: Step::PullImage,
            },
        };
        let line = encode(&Reply::Event(Box::new(event.clone()))).unwrap();
        assert_eq!(
            line,
            "{\"reply\":\"event\",\"seq\":1,\"at_ms\":5,\"what\":{\"kind\":\"step_started\",\"step\":\"pull_image\"}}\n"
        );
        assert_eq!(
            decode::<Reply>(&line).unwrap(),
            Reply::Event(Box::new(event))
        );
    }

    #[test]
    fn an_event_of_a_newer_version_is_unknown_not_an_error() {
        let event: Event =
            decode(r#"{"seq":1,"at_ms":2,"what":{"kind":"teleported","to":3}}"#).unwrap();
        assert_eq!(event.what, Happening::Unknown);
    }

    #[test]
    fn an_event_that_is_too_long_is_shortened_and_never_dropped() {
        let event = |what| Event {
            seq: 7,
            at_ms: 5,
            what,
        };
        let line = "x".repeat(MAX_LINE);
        let source = "app".to_owned();
        let cut = fitting(event(Happening::Output { source, line }));
        assert!(encode(&Reply::Event(Box::new(cut.clone()))).is_ok());
        assert_eq!(cut.seq, 7);
        assert!(matches!(cut.what, Happening::Warning { .. }));
        let failure = Failure {
            reason: Reason::NeverHealthy,
            chain: vec!["it is not healthy".to_owned()],
            hints: Vec::new(),
            log_tail: vec!["x".repeat(MAX_LINE)],
        };
        let finished = Finished {
            outcome: Outcome::RolledBack,
            reason: "never-healthy".to_owned(),
            live: None,
            previous: None,
            failed: Some((Step::AwaitHealthy, failure)),
            receipt: Receipt::default(),
        };
        let cut = fitting(event(Happening::Finished(Box::new(finished))));
        assert!(encode(&Reply::Event(Box::new(cut.clone()))).is_ok());
        let Happening::Finished(finished) = cut.what else {
            panic!("the last word is lost");
        };
        assert_eq!(finished.outcome, Outcome::RolledBack);
    }

    #[test]
    fn an_overlong_line_is_refused() {
        assert!(matches!(
            decode::<Reply>(&" ".repeat(MAX_LINE + 1)),
            Err(WireError::TooLong(_))
        ));
    }
}

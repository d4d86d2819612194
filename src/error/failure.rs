//! Why something failed, from the step that failed to whoever shows it, over the wire and in records.

use std::error::Error as StdError;

use serde::{Deserialize, Serialize};

use super::{Reason, causes};

/// Why something failed: the same from the step that failed to whoever shows it. Carries no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable reason code.
    #[serde(with = "reason_code")]
    pub reason: Reason,
    /// What failed and every cause below it, outermost first. Trusted text.
    pub chain: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
    /// The last lines of whatever explains it, oldest first. Untrusted text.
    pub log_tail: Vec<String>,
}

impl Failure {
    /// A failure; `what` is a lower-case fragment without a full stop.
    pub fn new(reason: Reason, what: impl Into<String>) -> Self {
        Self {
            reason,
            chain: vec![what.into()],
            hints: Vec::new(),
            log_tail: Vec::new(),
        }
    }

    /// A cancel that arrived before commit.
    pub fn cancelled() -> Self {
        Self::new(Reason::Cancelled, "the run was cancelled before commit")
    }

    /// Adds why it failed, and every cause below that.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let cause = cause.into();
        for cause in causes(&*cause) {
            let line = cause.to_string();
            // Some libraries repeat their source in `Display`; a person should read it once.
            if self.chain.last().is_none_or(|last| !last.contains(&line)) {
                self.chain.push(line);
            }
        }
        self
    }

    /// Adds what to type or write next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Sets the last lines of whatever explains it.
    #[must_use]
    pub fn log_tail(mut self, lines: Vec<String>) -> Self {
        self.log_tail = lines;
        self
    }

    /// What failed.
    pub fn what(&self) -> &str {
        self.chain
            .first()
            .map_or_else(|| self.reason.as_str(), String::as_str)
    }

    /// The chain as one line.
    pub fn summary(&self) -> String {
        self.chain.join(": ")
    }
}

mod reason_code {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Reason;

    pub(super) fn serialize<S: Serializer>(reason: &Reason, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(reason.as_str())
    }

    /// A code of another version is an `internal-error`.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Reason, D::Error> {
        String::deserialize(from).map(|code| Reason::parse(&code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_named_once() {
        let inner = std::io::Error::other("connection refused");
        let failure = Failure::new(Reason::HostUnreachable, "cannot connect to `h`").because(inner);
        assert_eq!(
            failure.chain,
            ["cannot connect to `h`", "connection refused"]
        );
    }

    #[test]
    fn a_reason_crosses_the_wire_as_its_code() {
        let failure = Failure::new(Reason::NeverHealthy, "it is not healthy");
        let text =
            r#"{"reason":"never-healthy","chain":["it is not healthy"],"hints":[],"log_tail":[]}"#;
        assert_eq!(serde_json::to_string(&failure).unwrap(), text);
        assert_eq!(serde_json::from_str::<Failure>(text).unwrap(), failure);
        let newer = text.replace("never-healthy", "never-heard-of");
        let newer: Failure = serde_json::from_str(&newer).unwrap();
        assert_eq!(newer.reason, Reason::InternalError);
    }
}

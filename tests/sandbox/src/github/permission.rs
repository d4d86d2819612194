//! What a user may do in the repository.

use serde_json::{Value, json};

/// A role, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    None,
    Read,
    Triage,
    Write,
    Maintain,
    Admin,
}

impl Permission {
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }

    /// The four names of old that the field `permission` knows.
    pub(super) fn legacy(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read | Self::Triage => "read",
            Self::Write | Self::Maintain => "write",
            Self::Admin => "admin",
        }
    }

    pub(super) fn flags(self) -> Value {
        json!({
            "pull": self >= Self::Read,
            "triage": self >= Self::Triage,
            "push": self >= Self::Write,
            "maintain": self >= Self::Maintain,
            "admin": self >= Self::Admin,
        })
    }
}

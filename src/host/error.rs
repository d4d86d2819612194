//! What can go wrong on the host.

use std::error::Error as StdError;
use std::fmt;

/// What kind of trouble it was, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A file system has no room left.
    DiskFull,
    Denied,
    /// A program or file that must be there is not.
    Missing,
    /// The registry refused the credentials.
    Unauthorized,
    /// A daemon or registry does not answer.
    Unavailable,
    TimedOut,
    /// A program said no.
    Refused,
    Other,
}

#[derive(Debug)]
pub struct HostError {
    pub trouble: Trouble,
    doing: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    output: Vec<String>,
}

impl HostError {
    /// An error; `doing` is a fragment that follows "cannot".
    pub fn new(trouble: Trouble, doing: impl Into<String>) -> Self {
        Self {
            trouble,
            doing: doing.into(),
            source: None,
            output: Vec::new(),
        }
    }

    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what the failing program printed, last lines, oldest first. Untrusted.
    #[must_use]
    pub fn output(mut self, lines: Vec<String>) -> Self {
        self.output = lines;
        self
    }

    /// An error of the operating system, its trouble told from the code.
    pub fn io(doing: impl Into<String>, error: std::io::Error) -> Self {
        let trouble = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Trouble::DiskFull
            }
            std::io::ErrorKind::PermissionDenied => Trouble::Denied,
            std::io::ErrorKind::NotFound => Trouble::Missing,
            std::io::ErrorKind::TimedOut => Trouble::TimedOut,
            _ => Trouble::Other,
        };
        Self::new(trouble, doing).because(error)
    }

    /// What the failing program printed, oldest first. Untrusted.
    pub fn output_lines(&self) -> &[String] {
        &self.output
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.doing)
    }
}

impl StdError for HostError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

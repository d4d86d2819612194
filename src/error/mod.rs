//! What reaches a person when something fails: a [`Failure`] says what, why and what to type, an [`Error`] ends a command
//! with it. Nothing here prints: the edge (`main`) renders an error once.

mod failure;
mod reason;

use std::error::Error as StdError;
use std::fmt;

pub use failure::Failure;
pub use reason::Reason;

/// An error and every cause below it, outermost first.
pub fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The documented exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Deployed, unchanged, or the gate said no.
    Success = 0,
    /// A bug of ours.
    Bug = 1,
    /// Wrong usage or settings.
    Usage = 2,
    /// The deploy failed and was rolled back; the previous release serves.
    RolledBack = 3,
    /// A person is needed; the message gives the command to type.
    Stuck = 4,
    /// Failed before the app was touched; what it depends on may have been started.
    HostUntouched = 5,
    /// Cancelled by SIGINT.
    Interrupted = 130,
    /// Cancelled by SIGTERM.
    Terminated = 143,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// A failure that ends a command, and the exit code it ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: ExitCode,
    failure: Failure,
}

/// The result of anything that a person may have to act on.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error that ends with `code`; `what` is a lower-case fragment without a full stop.
    pub fn new(code: ExitCode, reason: Reason, what: impl Into<String>) -> Self {
        Self::from_failure(code, Failure::new(reason, what))
    }

    /// A failure that ends a command with `code`.
    pub fn from_failure(code: ExitCode, failure: Failure) -> Self {
        Self { code, failure }
    }

    /// A wrong or missing setting.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, Reason::InvalidSettings, what)
    }

    /// Something that failed before the app was touched.
    pub fn untouched(reason: Reason, what: impl Into<String>) -> Self {
        Self::new(ExitCode::HostUntouched, reason, what)
    }

    /// A state that only a bug of ours can produce.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(ExitCode::Bug, Reason::InternalError, what)
            .hint("this is a bug in pct-deploy, please report it with the log above")
    }

    /// Adds why it failed, and every cause below that.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.failure = self.failure.because(cause);
        self
    }

    /// Adds what to type or write next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.failure = self.failure.hint(hint);
        self
    }

    /// Sets the last lines that an untrusted program printed, for the reports.
    #[must_use]
    pub fn log_tail(mut self, lines: Vec<String>) -> Self {
        self.failure = self.failure.log_tail(lines);
        self
    }

    /// The exit code this error ends the process with.
    pub fn code(&self) -> ExitCode {
        self.code
    }

    /// Why: reason, causes, hints and log.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// The stable reason code.
    pub fn reason(&self) -> Reason {
        self.failure.reason
    }

    /// What failed and every cause below it, outermost first.
    pub fn chain(&self) -> &[String] {
        &self.failure.chain
    }

    /// The chain as one line.
    pub fn summary(&self) -> String {
        self.failure.summary()
    }

    /// What to do next, one sentence each.
    pub fn hints(&self) -> &[String] {
        &self.failure.hints
    }

    /// Untrusted log lines that explain the failure, oldest first.
    pub fn log_lines(&self) -> &[String] {
        &self.failure.log_tail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.failure.what())
    }
}

impl StdError for Error {}

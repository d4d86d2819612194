//! Text for people and programs, written once, at the edge.

use std::io::Write as _;

use serde::Serialize;

use crate::error::{Error, ExitCode, Result};
use crate::protocol::outcome::Failure;
use crate::protocol::result::RunResult;
use crate::report::Reporter;

/// Writes an error with its causes, its hints and the log that explains it to standard error.
pub(super) fn error(error: &Error) {
    let text = text(error);
    // Nobody is left to tell when standard error is closed.
    std::io::stderr().write_all(text.as_bytes()).ok();
}

fn text(error: &Error) -> String {
    let mut text = String::new();
    for (index, line) in error.chain().iter().enumerate() {
        let start = if index == 0 { "error: " } else { "  because: " };
        text.push_str(&format!("{start}{line}\n"));
    }
    for hint in error.hints() {
        text.push_str(&format!("  hint: {hint}\n"));
    }
    for line in error.log_lines() {
        // Another program wrote it: a terminal must not obey it.
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("  log: {line}\n"));
    }
    text
}

/// Prints why a run failed. A run that ended well can still have something to say; that is a warning
/// in its outcome line.
pub(super) fn failure(reporter: &Reporter, result: &RunResult, code: ExitCode) {
    let failed = result
        .failure
        .as_ref()
        .filter(|_| code != ExitCode::Success);
    if let Some(failed) = failed {
        reporter.error(&from_failure(&failed.failure, code));
    }
}

fn from_failure(failure: &Failure, code: ExitCode) -> Error {
    let mut chain = failure.chain.iter();
    let what = chain
        .next()
        .cloned()
        .unwrap_or_else(|| failure.reason.to_string());
    let causes = chain.rev().fold(None, |next, text| {
        let text = text.clone();
        Some(Box::new(Cause { text, next }))
    });
    let mut error = Error::new(code, failure.reason, what);
    if let Some(cause) = causes {
        error = error.because(cause);
    }
    let hints = failure.hints.iter();
    hints
        .fold(error, |error, hint| error.hint(hint))
        .log_tail(failure.log_tail.clone())
}

/// A cause that came over the wire as text.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Cause {
    text: String,
    #[source]
    next: Option<Box<Self>>,
}

/// Writes one JSON object and nothing else to standard output.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::bug("the result is not JSON").because(error))?;
    out(&format!("{text}\n"))
}

/// Writes text to standard output. A reader that went away is no failure of ours.
pub(super) fn out(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::bug("cannot write to standard output").because(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;

    #[test]
    fn an_error_is_what_why_and_what_next() {
        let error = Error::usage("`image` is missing")
            .because(std::io::Error::other("no reason"))
            .hint("write it");
        assert_eq!(
            text(&error),
            "error: `image` is missing\n  because: no reason\n  hint: write it\n"
        );
        let logged = Error::bug("it ended").log_tail(vec!["\u{1b}[2Jpanicked".to_owned()]);
        assert!(
            text(&logged).ends_with("  log: [2Jpanicked\n"),
            "{logged:?}"
        );
    }

    #[test]
    fn a_failure_of_the_host_reads_like_one_of_ours() {
        let failure = Failure {
            reason: Reason::OomKilled,
            chain: ["a", "b", "c"].map(str::to_owned).to_vec(),
            hints: vec!["raise the limit".to_owned()],
            log_tail: vec!["log".to_owned()],
        };
        let error = from_failure(&failure, ExitCode::RolledBack);
        assert_eq!(error.chain(), ["a", "b", "c"]);
        assert_eq!(error.hints(), ["raise the limit"]);
        assert_eq!(
            (error.code(), error.reason()),
            (ExitCode::RolledBack, Reason::OomKilled)
        );
    }
}

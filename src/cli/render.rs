//! Text for people and programs, written once, at the edge.

use std::io::Write as _;

use serde::Serialize;

use crate::error::{Error, ExitCode, Result};
use crate::runner::ending::EndedRun;

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
        text.push_str(&format!("  log: {}\n", harmless(line)));
    }
    text
}

/// What another program wrote, without what a terminal would obey.
pub(super) fn harmless(line: &str) -> String {
    let shown = line.chars().filter(|c| !c.is_control() || *c == '\t');
    shown.collect()
}

/// Writes what nobody was told yet, and the result where a program reads it.
pub(super) fn ended(ended: &EndedRun, as_json: bool) -> Result<ExitCode> {
    if let Some(untold) = &ended.untold {
        error(untold);
    }
    if as_json {
        json(&ended.result)?;
    }
    Ok(ended.code)
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
}

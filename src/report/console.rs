//! Where lines go, and how they look.
//!
//! Invariant in [`ConsoleMode::Actions`]: workflow commands are stopped from the first byte to the
//! last and on only around our own, so nothing that a build, a registry or the host prints is ever
//! obeyed. The build and the host work at the same time, so their lines are told apart by a prefix, and
//! a group is written whole: two that are open would fall apart.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use super::commands::{self, Level};
use super::live::Live;
use super::{redact, text};
use crate::random::random_hex;
use crate::secret::Redactor;

/// Who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleMode {
    /// GitHub's runner or act: standard output, with workflow commands.
    Actions,
    /// A person: standard error, and the last line on standard output.
    Terminal,
    /// A program that wants the result object on standard output: lines for people on standard error.
    Json,
}

/// How a line looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Dim,
    Good,
    Warn,
    Bad,
}

/// Only the first ten of each level become annotations; the runner drops the rest without a word.
const MAX_ANNOTATIONS: u8 = 10;

pub(super) struct Console {
    to: Box<dyn Write + Send>,
    /// Where the last line goes; to the others when there is no such place.
    last: Option<Box<dyn Write + Send>>,
    /// The line that is drawn anew while something is at work; `None` where lines cannot be taken back.
    live: Option<Live>,
    has_colours: bool,
    redactor: Redactor,
    /// The token that commands are stopped with; `None` outside [`ConsoleMode::Actions`].
    token: Option<String>,
    notices: u8,
    warnings: u8,
    errors: u8,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

impl Console {
    /// The console of this process.
    pub(super) fn standard(mode: ConsoleMode, redactor: Redactor) -> Self {
        match mode {
            ConsoleMode::Actions => Self::new(mode, redactor, Box::new(io::stdout())),
            ConsoleMode::Terminal | ConsoleMode::Json => {
                let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let terminal = io::stderr().is_terminal();
                let mut console = Self::new(mode, redactor, Box::new(io::stderr()));
                console.has_colours = terminal && !plain;
                let dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
                if terminal && !dumb {
                    console.live = Some(Live::of_standard_error());
                }
                if mode == ConsoleMode::Terminal {
                    console.last = Some(Box::new(io::stdout()));
                }
                console
            }
        }
    }

    /// One without colours.
    pub(super) fn new(mode: ConsoleMode, redactor: Redactor, to: Box<dyn Write + Send>) -> Self {
        let token = match mode {
            ConsoleMode::Actions => Some(random_token()),
            ConsoleMode::Terminal | ConsoleMode::Json => None,
        };
        let mut console = Self {
            to,
            last: None,
            live: None,
            has_colours: false,
            redactor,
            token,
            notices: 0,
            warnings: 0,
            errors: 0,
        };
        if let Some(token) = &console.token {
            let stop = commands::stop(token);
            console.write(&stop);
        }
        console
    }

    /// Whether a line can be drawn anew.
    pub(super) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Draws the line that shows what is at work; an empty one takes it away.
    pub(super) fn draw(&mut self, at: Duration, text: &str) {
        let text = self.clean(text);
        let stamp = at.as_secs_f64();
        if let Some(live) = &mut self.live {
            let drawn = match text.as_str() {
                "" => live.erased().to_owned(),
                text => live.drawn(&format!("{stamp:>6.1}s  {text}")),
            };
            self.to
                .write_all(drawn.as_bytes())
                .and_then(|()| self.to.flush())
                .ok();
        }
    }

    /// The last line of a run.
    pub(super) fn say_last(&mut self, at: Duration, text: &str) {
        let Some(mut last) = self.last.take() else {
            return self.say(at, "", text, Tone::Plain);
        };
        self.draw(at, "");
        let text = self.clean(&self.redactor.redact(text));
        // A reader that went away must not fail a deploy.
        writeln!(last, "{text}").and_then(|()| last.flush()).ok();
        self.last = Some(last);
    }

    /// One line of ours, or several when the text has line ends.
    pub(super) fn say(&mut self, at: Duration, label: &str, text: &str, tone: Tone) {
        let text = self.redactor.redact(text);
        for line in text.lines() {
            let line = self.clean(line);
            let line = match label {
                "" => line,
                label => format!("{label}  {line}"),
            };
            self.stamped(at, &line, tone);
        }
    }

    /// A line that someone else printed.
    pub(super) fn quote(&mut self, at: Duration, source: &str, line: &str) {
        let line = self.clean(line);
        let source = self.clean(source);
        self.stamped(
            at,
            &format!("{} │ {line}", text::cut(&source, 32)),
            Tone::Dim,
        );
    }

    /// An annotation where there are such things and some are left. Says whether it was one.
    pub(super) fn annotate(&mut self, level: Level, title: &str, message: &str) -> bool {
        let used = match level {
            Level::Notice => &mut self.notices,
            Level::Warning => &mut self.warnings,
            Level::Error => &mut self.errors,
        };
        if self.token.is_none() || *used >= MAX_ANNOTATIONS {
            return false;
        }
        *used += 1;
        let message: Vec<String> = self
            .redactor
            .redact(message)
            .lines()
            .map(|line| self.clean(line))
            .collect();
        let line = commands::annotation(level, &self.clean(title), &message.join("\n"));
        self.command(&[line]);
        true
    }

    /// Lines that someone else printed, folded where that can be. Says whether they were written.
    pub(super) fn group(&mut self, title: &str, lines: &[&str], dropped: usize) -> bool {
        if self.token.is_none() {
            return false;
        }
        let title = self.clean(&self.redactor.redact(title));
        self.command(&[commands::group(&title)]);
        if dropped > 0 {
            self.write(&format!("  ({dropped} lines before are left out)"));
        }
        for line in lines {
            // Behind a mark: what a runner takes for a group of its own begins a line.
            let line = self.clean(line);
            self.write(&format!("  │ {line}"));
        }
        self.command(&[commands::END_GROUP.to_owned()]);
        true
    }

    /// Tells the runner every value it must hide.
    pub(super) fn add_masks(&mut self) {
        let masks: Vec<String> = self.redactor.mask_lines().map(commands::add_mask).collect();
        if !masks.is_empty() {
            self.command(&masks);
        }
    }

    fn command(&mut self, lines: &[String]) {
        let Some(token) = self.token.clone() else {
            return;
        };
        self.write(&commands::resume(&token));
        for line in lines {
            self.write(line);
        }
        self.write(&commands::stop(&token));
    }

    fn clean(&self, line: &str) -> String {
        redact::foreign(line, &self.redactor)
    }

    fn stamped(&mut self, at: Duration, line: &str, tone: Tone) {
        let code = match tone {
            Tone::Plain => None,
            Tone::Dim => Some("2"),
            Tone::Good => Some("32"),
            Tone::Warn => Some("33"),
            Tone::Bad => Some("31"),
        };
        let at = at.as_secs_f64();
        match code.filter(|_| self.has_colours) {
            Some(code) => self.write(&format!("{at:>6.1}s  \u{1b}[{code}m{line}\u{1b}[0m")),
            None => self.write(&format!("{at:>6.1}s  {line}")),
        }
    }

    /// A reader that went away must not fail a deploy.
    fn write(&mut self, line: &str) {
        let erased = self.live.as_mut().map_or("", Live::erased);
        writeln!(self.to, "{erased}{line}")
            .and_then(|()| self.to.flush())
            .ok();
    }
}

/// 128 random bits in hex, which nobody else can put into a line.
pub(super) fn random_token() -> String {
    random_hex(16).unwrap_or_else(|_no_random_numbers| {
        use std::hash::{BuildHasher as _, Hasher as _, RandomState};
        let half = || RandomState::new().build_hasher().finish();
        format!("{:016x}{:016x}", half(), half())
    })
}

#[cfg(test)]
#[path = "console_tests.rs"]
pub(super) mod tests;

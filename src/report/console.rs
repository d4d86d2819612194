//! Where lines go, and how they look.
//!
//! Invariant in [`ConsoleMode::Actions`]: workflow commands are stopped from the first byte to the
//! last and on only around our own, so nothing that a build, a registry or the host prints is ever
//! obeyed. The build and the host work at the same time, so their lines are told apart by a prefix;
//! there are no groups, which would fall apart when two of them are open.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use super::commands::{self, Level};
use super::{redact, text};
use crate::random::random_hex;
use crate::secret::Redactor;

/// Who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleMode {
    /// GitHub's runner or act: standard output, with workflow commands.
    Actions,
    /// A person: standard error.
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

/// Whether lines carry colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    On,
    Off,
}

/// Only the first ten of each level become annotations; the runner drops the rest without a word.
const MAX_ANNOTATIONS: u8 = 10;

pub(super) struct Console {
    to: Box<dyn Write + Send>,
    colour: Colour,
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
            ConsoleMode::Actions => Self::new(mode, Colour::Off, redactor, Box::new(io::stdout())),
            ConsoleMode::Terminal | ConsoleMode::Json => {
                let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let colour = match io::stderr().is_terminal() && !plain {
                    true => Colour::On,
                    false => Colour::Off,
                };
                Self::new(mode, colour, redactor, Box::new(io::stderr()))
            }
        }
    }

    pub(super) fn new(
        mode: ConsoleMode,
        colour: Colour,
        redactor: Redactor,
        to: Box<dyn Write + Send>,
    ) -> Self {
        let token = match mode {
            ConsoleMode::Actions => Some(random_token()),
            ConsoleMode::Terminal | ConsoleMode::Json => None,
        };
        let mut console = Self {
            to,
            colour,
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
    pub(super) fn annotate(&mut self, level: Level, title: &str, message: &str) -> Annotated {
        let used = match level {
            Level::Notice => &mut self.notices,
            Level::Warning => &mut self.warnings,
            Level::Error => &mut self.errors,
        };
        if self.token.is_none() || *used >= MAX_ANNOTATIONS {
            return Annotated::No;
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
        Annotated::Yes
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
        let code = match (self.colour, tone) {
            (Colour::Off, _) | (Colour::On, Tone::Plain) => None,
            (Colour::On, Tone::Dim) => Some("2"),
            (Colour::On, Tone::Good) => Some("32"),
            (Colour::On, Tone::Warn) => Some("33"),
            (Colour::On, Tone::Bad) => Some("31"),
        };
        let at = at.as_secs_f64();
        match code {
            Some(code) => self.write(&format!("{at:>6.1}s  \u{1b}[{code}m{line}\u{1b}[0m")),
            None => self.write(&format!("{at:>6.1}s  {line}")),
        }
    }

    /// A reader that went away must not fail a deploy.
    fn write(&mut self, line: &str) {
        writeln!(self.to, "{line}")
            .and_then(|()| self.to.flush())
            .ok();
    }
}

/// Whether a text became an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Annotated {
    Yes,
    No,
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
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::secret::Secret;

    /// A writer whose text can be read back.
    #[derive(Debug, Clone, Default)]
    pub(in crate::report) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        pub(in crate::report) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }

        pub(in crate::report) fn lines(&self) -> Vec<String> {
            self.text().lines().map(str::to_owned).collect()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn console(mode: ConsoleMode, page: &Page) -> Console {
        let redactor = Redactor::new(&[&Secret::new("hunter2!")]);
        Console::new(mode, Colour::Off, redactor, Box::new(page.clone()))
    }

    const AT: Duration = Duration::from_millis(12_345);

    /// What the runner would obey: commands at the start of a line or `##[` anywhere, unless stopped.
    fn obeyed(lines: &[String]) -> Vec<String> {
        let mut stopped: Option<String> = None;
        let mut obeyed = Vec::new();
        for line in lines {
            let line = line.trim();
            if let Some(token) = &stopped {
                if line == format!("::{token}::") {
                    stopped = None;
                }
            } else if let Some(token) = line.strip_prefix("::stop-commands::") {
                stopped = Some(token.to_owned());
            } else if line.starts_with("::") || line.contains("##[") {
                obeyed.push(line.to_owned());
            }
        }
        assert!(stopped.is_some(), "commands are stopped at the end");
        obeyed
    }

    #[test]
    fn nothing_untrusted_is_obeyed() {
        let page = Page::default();
        let mut console = console(ConsoleMode::Actions, &page);
        console.quote(AT, "build", "::set-output name=x::y");
        console.quote(AT, "::error::", "##[add-mask]a");
        console.say(AT, "", "note\n::error::forged", Tone::Plain);
        let warned = console.annotate(Level::Warning, "disk", "5 % left\n\u{1b}[1m::error::no");
        console.quote(AT, "build", "\n::notice::x");
        assert_eq!(warned, Annotated::Yes);
        assert_eq!(
            obeyed(&page.lines()),
            ["::warning title=disk::5 %25 left%0A::error::no"]
        );
        let token = page
            .lines()
            .first()
            .unwrap()
            .replace("::stop-commands::", "");
        assert_eq!(token.len(), 32);
    }

    #[test]
    fn each_process_has_its_own_token() {
        assert_ne!(random_token(), random_token());
    }

    #[test]
    fn the_eleventh_annotation_of_a_level_is_a_line_for_the_caller() {
        let page = Page::default();
        let mut console = console(ConsoleMode::Actions, &page);
        let all: Vec<_> = (0..11)
            .map(|_| console.annotate(Level::Error, "t", "m"))
            .collect();
        assert_eq!(all.iter().filter(|a| **a == Annotated::Yes).count(), 10);
        assert_eq!(console.annotate(Level::Notice, "t", "m"), Annotated::Yes);
    }

    #[test]
    fn masks_are_commands_and_the_only_place_a_secret_stands() {
        let page = Page::default();
        let mut console = console(ConsoleMode::Actions, &page);
        console.add_masks();
        console.quote(AT, "build", "hunter2! and hun\u{1b}[1mter2!");
        assert_eq!(obeyed(&page.lines()), ["::add-mask::hunter2!"]);
        assert_eq!(page.text().matches("hunter2!").count(), 1);
        assert!(page.text().contains("  12.3s  build │ *** and ***"));
    }

    #[test]
    fn a_terminal_gets_no_commands() {
        let page = Page::default();
        let mut console = console(ConsoleMode::Terminal, &page);
        console.add_masks();
        assert_eq!(console.annotate(Level::Error, "t", "m"), Annotated::No);
        console.say(AT, "await_healthy", "done in 8.1s", Tone::Good);
        assert_eq!(page.text(), "  12.3s  await_healthy  done in 8.1s\n");
    }

    #[test]
    fn colours_surround_the_text_only() {
        let page = Page::default();
        let redactor = Redactor::default();
        let to = Box::new(page.clone());
        let mut console = Console::new(ConsoleMode::Terminal, Colour::On, redactor, to);
        console.say(AT, "", "bad", Tone::Bad);
        assert_eq!(page.text(), "  12.3s  \u{1b}[31mbad\u{1b}[0m\n");
    }
}

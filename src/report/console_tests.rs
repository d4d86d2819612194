//! What is written, byte by byte.

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
    Console::new(mode, redactor, Box::new(page.clone()))
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
    assert!(warned);
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
    assert_eq!(all.iter().filter(|is_one| **is_one).count(), 10);
    assert!(console.annotate(Level::Notice, "t", "m"));
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
    assert!(!console.annotate(Level::Error, "t", "m"));
    console.say(AT, "await_healthy", "done in 8.1s", Tone::Good);
    assert_eq!(page.text(), "  12.3s  await_healthy  done in 8.1s\n");
}

#[test]
fn colours_surround_the_text_only() {
    let page = Page::default();
    let redactor = Redactor::default();
    let to = Box::new(page.clone());
    let mut console = Console::new(ConsoleMode::Terminal, redactor, to);
    console.has_colours = true;
    console.say(AT, "", "bad", Tone::Bad);
    assert_eq!(page.text(), "  12.3s  \u{1b}[31mbad\u{1b}[0m\n");
}

#[test]
fn a_line_that_is_drawn_is_taken_away_before_another_one() {
    let (page, stdout) = (Page::default(), Page::default());
    let mut console = console(ConsoleMode::Terminal, &page);
    console.live = Some(Live::new(|| Some(24)));
    console.last = Some(Box::new(stdout.clone()));
    console.draw(AT, "build  3.0s");
    console.draw(AT, "build  hunter2! and more");
    console.say(AT, "", "warning", Tone::Plain);
    console.draw(AT, "");
    console.draw(AT, "x");
    console.say_last(AT, "deployed hunter2!");
    let erase = "\r\u{1b}[K";
    assert_eq!(
        page.text(),
        format!(
            "{erase}  12.3s  build  3.0s{erase}  12.3s  build  *** an…{erase}  12.3s  warning\n{erase}  12.3s  x{erase}"
        )
    );
    // What others read has no time and no colour.
    assert_eq!(stdout.text(), "deployed ***\n");
}

//! Bytes of a program or a container into lines a person can read. Untrusted all the way.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::secret::cut::whole_words;

/// The longest line that is passed on, in bytes. Longer ones keep whole words: who hides secrets comes later.
pub(crate) const LONGEST_LINE: usize = 4096;
/// The same before the secrets that we know are hidden.
const LONGEST_RAW_LINE: usize = 64 * 1024;

/// Splits a byte stream at LF and CR; empty lines are dropped, long ones cut: a program that never ends its line must
/// not fill our memory.
#[derive(Debug)]
pub(crate) struct Lines {
    open: Vec<u8>,
    longest: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self::up_to(LONGEST_LINE)
    }
}

/// A line that [`Lines::raw`] gave, its secrets hidden, in the length that is passed on.
pub(crate) fn shortened(line: &str) -> String {
    whole_words(line, LONGEST_LINE)
}

impl Lines {
    /// For lines whose secrets are hidden next; they are [`shortened`] after that.
    pub(crate) fn raw() -> Self {
        Self::up_to(LONGEST_RAW_LINE)
    }

    fn up_to(longest: usize) -> Self {
        let open = Vec::new();
        Self { open, longest }
    }

    /// Takes the next bytes and hands over every line they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut on_line: impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, ends) = match piece {
                [text @ .., b'\n' | b'\r'] => (text, true),
                text => (text, false),
            };
            // One byte more tells that it is too long.
            let room = (self.longest + 1).saturating_sub(self.open.len());
            self.open.extend(text.iter().take(room));
            if ends {
                self.finish(&mut on_line);
            }
        }
    }

    /// Hands over a last line that has no end.
    pub(crate) fn finish(&mut self, mut on_line: impl FnMut(&str)) {
        let line = String::from_utf8_lossy(&self.open);
        let line = line.trim_end();
        if !line.is_empty() {
            on_line(&whole_words(line, self.longest));
        }
        self.open.clear();
    }
}

/// Hands over every line that comes from a pipe, until it ends.
pub(crate) async fn follow(
    pipe: Option<impl AsyncRead + Unpin>,
    mut on_line: impl FnMut(&str),
) -> std::io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut lines = Lines::default();
    let mut chunk = vec![0; 4096];
    loop {
        match pipe.read(&mut chunk).await? {
            0 => break,
            read => lines.push(chunk.get(..read).unwrap_or_default(), &mut on_line),
        }
    }
    lines.finish(&mut on_line);
    Ok(())
}

/// The newest lines of many.
#[derive(Debug)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    most: usize,
}

impl Tail {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            most,
        }
    }

    /// Adds a line and forgets the oldest when there are too many.
    pub(crate) fn push(&mut self, line: impl Into<String>) {
        self.lines.push_back(line.into());
        if self.lines.len() > self.most {
            self.lines.pop_front();
        }
    }

    /// What was kept, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }

    /// The same as one text.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.push(chunk, |line| seen.push(line.to_owned()));
        }
        lines.finish(|line| seen.push(line.to_owned()));
        seen
    }

    #[test]
    fn lines_are_whole_wherever_the_chunks_are_cut() {
        assert_eq!(
            split(&[b"one\ntw", b"o\r\n", b"\nthree"]),
            ["one", "two", "three"]
        );
    }

    #[test]
    fn bytes_that_are_not_text_do_not_stop_us() {
        assert_eq!(split(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let long = b"x ".repeat(2 * LONGEST_LINE);
        let seen = split(&[&long, b"\nnext\n"]);
        assert!((4080..=LONGEST_LINE).contains(&seen[0].len()));
        assert!(seen[0].ends_with("x …"), "{}", seen[0]);
        assert_eq!(seen[1], "next");
    }

    #[test]
    fn a_secret_at_the_cut_leaves_nothing() {
        for before in [LONGEST_LINE - 10, LONGEST_RAW_LINE - 10] {
            let line = format!("{} hunter2-hunter2 end\n", "x".repeat(before));
            assert!(!split(&[line.as_bytes()])[0].contains("hunter"), "{before}");
        }
    }

    #[test]
    fn a_tail_keeps_the_newest() {
        let mut tail = Tail::new(2);
        for line in ["a", "b", "c"] {
            tail.push(line);
        }
        assert_eq!(tail.lines(), ["b", "c"]);
    }
}

//! Bytes of a program or a container into lines a person can read. Untrusted all the way.

use std::collections::VecDeque;

/// Longer lines are cut: a program that never ends its line must not fill our memory.
const LONGEST_LINE: usize = 4096;

/// Splits a byte stream at LF and CR; empty lines are dropped.
#[derive(Debug, Default)]
pub(super) struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes and hands over every line they complete.
    pub(super) fn push(&mut self, bytes: &[u8], mut on_line: impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, ends) = match piece {
                [text @ .., b'\n' | b'\r'] => (text, true),
                text => (text, false),
            };
            let room = LONGEST_LINE.saturating_sub(self.open.len());
            self.open.extend(text.iter().take(room));
            if ends {
                self.finish(&mut on_line);
            }
        }
    }

    /// Hands over a last line that has no end.
    pub(super) fn finish(&mut self, mut on_line: impl FnMut(&str)) {
        let line = String::from_utf8_lossy(&self.open);
        let line = line.trim_end();
        if !line.is_empty() {
            on_line(line);
        }
        self.open.clear();
    }
}

/// The newest lines of many.
#[derive(Debug)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    most: usize,
}

impl Tail {
    /// Keeps `most` lines.
    pub(super) fn new(most: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            most,
        }
    }

    /// Adds a line and forgets the oldest when there are too many.
    pub(super) fn push(&mut self, line: &str) {
        self.lines.push_back(line.to_owned());
        if self.lines.len() > self.most {
            self.lines.pop_front();
        }
    }

    /// What was kept, oldest first.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.into()
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
        let long = vec![b'x'; 3 * LONGEST_LINE];
        let seen = split(&[&long, b"\nnext\n"]);
        assert_eq!(seen[0].len(), LONGEST_LINE);
        assert_eq!(seen[1], "next");
    }

    #[test]
    fn a_tail_keeps_the_newest() {
        let mut tail = Tail::new(2);
        for line in ["a", "b", "c"] {
            tail.push(line);
        }
        assert_eq!(tail.into_lines(), ["b", "c"]);
    }
}

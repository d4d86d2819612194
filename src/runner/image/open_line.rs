//! The pieces in which a builder hands over its output, put together to lines: a secret that is spread over two would
//! not be found in either.

use crate::secret::cut::whole_words;

/// A longer line is cut: one that never ends must not grow without bounds.
const LONGEST: usize = 64 * 1024;

/// A line that has not ended yet.
#[derive(Debug, Default)]
pub(super) struct OpenLine {
    bytes: Vec<u8>,
}

impl OpenLine {
    /// Takes the next piece and gives the lines that it ends, as a terminal would show them.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let text = part.strip_suffix(b"\n");
            self.extend(text.unwrap_or(part));
            if text.is_some() {
                lines.push(self.end());
            }
        }
        lines
    }

    /// What was printed after the last line end, when there is any.
    pub(super) fn finish(&mut self) -> Option<String> {
        (!self.bytes.is_empty()).then(|| self.end())
    }

    /// What comes after a carriage return overwrites what was there; one at the end may be half of a line end.
    fn extend(&mut self, text: &[u8]) {
        let shown = text.strip_suffix(b"\r").unwrap_or(text);
        let overwritten = shown.iter().rposition(|byte| *byte == b'\r');
        if overwritten.is_some() || (self.bytes.ends_with(b"\r") && !shown.is_empty()) {
            self.bytes.clear();
        }
        // One byte more tells that it is too long.
        let room = (LONGEST + 1).saturating_sub(self.bytes.len());
        let text = text.iter().skip(overwritten.map_or(0, |at| at + 1));
        self.bytes.extend(text.take(room));
    }

    fn end(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.bytes);
        let line = whole_words(line.trim_end_matches('\r'), LONGEST);
        self.bytes.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&str]) -> Vec<String> {
        let mut open = OpenLine::default();
        let mut lines: Vec<String> = pieces
            .iter()
            .flat_map(|piece| open.push(piece.as_bytes()))
            .collect();
        lines.extend(open.finish());
        lines
    }

    #[test]
    fn lines_are_whole_wherever_the_pieces_are_cut() {
        assert_eq!(
            lines(&["one\ntw", "o\r", "\n\nthr", "ee"]),
            ["one", "two", "", "three"]
        );
        let mut open = OpenLine::default();
        let umlaut = "ä\n".as_bytes();
        assert_eq!(open.push(&umlaut[..1]), Vec::<String>::new());
        assert_eq!(open.push(&umlaut[1..]), ["ä"]);
    }

    #[test]
    fn only_the_last_overwrite_of_a_line_is_shown_however_long_it_goes_on() {
        assert_eq!(lines(&["10%\r50%\r100%\r\n", "plain"]), ["100%", "plain"]);
        let mut bar: Vec<&str> = vec!["0123456789\r"; LONGEST / 5];
        bar.push("done\n");
        assert_eq!(lines(&bar), ["done"]);
        assert_eq!(lines(&[&bar.concat()]), ["done"]);
    }

    #[test]
    fn a_line_that_never_ends_is_cut_between_words() {
        let line = format!("{} hunter2", "x".repeat(LONGEST - 3));
        let seen = lines(&[&line, "hunter2\nnext\n"]);
        assert!(seen[0].len() <= LONGEST && !seen[0].contains("hunt"));
        assert_eq!(seen[1], "next");
    }
}

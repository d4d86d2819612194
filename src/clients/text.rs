//! What others wrote, safe to show.

/// The longest line that is shown, in bytes.
pub const MAX_LINE: usize = 4 * 1024;

/// The text on one line, without terminal escapes and control characters, at most [`MAX_LINE`] bytes.
pub fn printable(text: &str) -> String {
    cut(&plain(text, MAX_LINE), MAX_LINE)
}

/// The same, at most a character longer than `most` bytes.
pub fn plain(text: &str, most: usize) -> String {
    let text = text.trim_end_matches(['\n', '\r']);
    let mut clean = String::with_capacity(text.len().min(most));
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        // Checked while reading, so that a line of a gigabyte costs no more than what is kept.
        if clean.len() > most {
            break;
        }
        match next {
            '\u{1b}' => skip_escape(&mut rest),
            '\t' => clean.push(' '),
            other if is_hidden(other) => clean.push(char::REPLACEMENT_CHARACTER),
            other => clean.push(other),
        }
    }
    clean
}

/// Control characters, line separators and the marks that reorder text on screen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Skips what follows ESC (ECMA-48): a control sequence, an operating system command or one character.
fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next() {
        Some('[') => {
            while let Some(c) = rest.next_if(|c| ('\u{20}'..='\u{7e}').contains(c)) {
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    return;
                }
            }
        }
        Some(']') => {
            while let Some(c) = rest.next() {
                if c == '\u{7}' {
                    return;
                }
                if c == '\u{1b}' {
                    rest.next_if_eq(&'\\');
                    return;
                }
            }
        }
        Some(_) | None => {}
    }
}

/// The text, cut between characters to at most `max` bytes with an ellipsis.
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max.saturating_sub('…'.len_utf8()));
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_control_characters_do_not_reach_the_screen() {
        assert_eq!(printable("\u{1b}[1;32mok\u{1b}[0m\tdone\r\n"), "ok done");
        assert_eq!(printable("\u{1b}]0;title\u{7}x\u{1b}]8;;u\u{1b}\\y"), "xy");
        assert_eq!(printable("a\u{8}b\u{202e}c\u{9b}d\re"), "a�b�c�d�e");
        assert_eq!(printable("two\nlines"), "two�lines");
        assert_eq!(printable("배포 🎅🏼"), "배포 🎅🏼");
        assert_eq!(printable("\u{1b}"), "");
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let line = printable(&"가".repeat(MAX_LINE));
        assert!(
            line.len() <= MAX_LINE && line.ends_with("가…"),
            "{}",
            line.len()
        );
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcdef", 5), "ab…");
    }
}

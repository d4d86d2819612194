//! Text that is safe to show: untrusted lines, cut lines, figures as people read them.

/// The longest line that is shown, in bytes.
pub const MAX_LINE: usize = 4 * 1024;

/// The text on one line, without terminal escapes and control characters, at most [`MAX_LINE`] bytes.
pub fn printable(text: &str) -> String {
    cut(&plain(text, MAX_LINE), MAX_LINE)
}

/// The same, at most a character longer than `most` bytes.
pub(super) fn plain(text: &str, most: usize) -> String {
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

/// The text, cut to so many columns of a terminal.
pub fn fitted(text: &str, columns: usize) -> String {
    // East Asian letters and pictures take two; what is doubtful is taken for wide.
    let width =
        |c: char| 1 + usize::from(c >= '\u{1100}' && !('\u{2000}'..='\u{2bff}').contains(&c));
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let fits = text.chars().take_while(|c| {
        let taken = left.checked_sub(width(*c));
        left = taken.unwrap_or_default();
        taken.is_some()
    });
    let mut cut: String = fits.collect();
    cut.extend((columns > 0).then_some('…'));
    cut
}

/// Seconds as a person reads them: `0.4s`, `41.2s`, `2m 05s`.
pub fn seconds(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    // A figure that rounds to a whole minute is one.
    if seconds < 59.95 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds.round();
    format!("{:.0}m {:02.0}s", (whole / 60.0).floor(), whole % 60.0)
}

/// A count with thousands separators: `48,213`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Bytes as a person reads them: `812 B`, `3.4 MiB`.
pub fn bytes(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    let tenths = |unit: u64| (bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{}.{} KiB", tenths(KIB).0, tenths(KIB).1),
        MIB.. => format!("{}.{} MiB", tenths(MIB).0, tenths(MIB).1),
    }
}

/// Milliseconds as a person reads them: `0.4 ms`, `12 ms`, `1,204 ms`.
pub fn millis(ms: f64) -> String {
    format!("{} ms", figure(ms))
}

/// A figure with one decimal below ten, else whole: `0.2`, `5`, `1,204`.
pub fn figure(value: f64) -> String {
    let value = value.max(0.0);
    let tenths = (value * 10.0).round() / 10.0;
    if tenths < 10.0 && tenths.fract() != 0.0 {
        return format!("{tenths:.1}");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is clamped to the integer's range by `as`"
    )]
    let whole = value.round() as u64;
    count(whole)
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

    #[test]
    fn a_line_is_cut_to_the_width_of_a_terminal() {
        assert_eq!(fitted("build · 3 s", 11), "build · 3 s");
        assert_eq!(fitted("build · 3 s", 8), "build ·…");
        assert_eq!(fitted("배포", 4), "배포");
        assert_eq!(fitted("배포 중", 4), "배…");
        assert_eq!(fitted("x", 0), "");
    }

    #[test]
    fn figures_read_well() {
        assert_eq!(seconds(0.04), "0.0s");
        assert_eq!(seconds(41.23), "41.2s");
        assert_eq!(seconds(59.97), "1m 00s");
        assert_eq!(seconds(125.4), "2m 05s");
        assert_eq!(figure(0.24), "0.2");
        assert_eq!(figure(9.96), "10");
        assert_eq!(figure(-1.0), "0");
        assert_eq!(figure(f64::NAN), "0");
        assert_eq!(millis(12.4), "12 ms");
        assert_eq!(millis(1204.4), "1,204 ms");
        assert_eq!(count(7), "7");
        assert_eq!(count(48_213), "48,213");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(3_600_000), "3.4 MiB");
    }
}

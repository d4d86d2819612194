//! Text as it is shown: lines that fit, figures as people read them.

pub use crate::clients::text::{MAX_LINE, cut, plain, printable};

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

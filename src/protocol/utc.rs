//! Moments as UTC text.

use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

/// `2026-01-31 23:59Z`
pub const MINUTE: StaticFormatDescription =
    format_description!("[year]-[month]-[day] [hour]:[minute]Z");

/// `2026-01-31 23:59:59 UTC`
pub const SECOND: StaticFormatDescription =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// `20260131T235959Z`
pub const COMPACT: StaticFormatDescription =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// `23:59:59.999`
pub const CLOCK: StaticFormatDescription =
    format_description!("[hour]:[minute]:[second].[subsecond digits:3]");

/// Milliseconds since the Unix epoch in one of the forms; `None` after the year 9999.
pub fn text(ms: u64, form: StaticFormatDescription) -> Option<String> {
    let nanoseconds = i128::from(ms) * 1_000_000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?;
    moment.format(form).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_civil() {
        let minute = |ms| text(ms, MINUTE).unwrap();
        assert_eq!(minute(0), "1970-01-01 00:00Z");
        assert_eq!(minute(951_782_400_000), "2000-02-29 00:00Z");
        assert_eq!(minute(1_798_761_599_999), "2026-12-31 23:59Z");
        assert_eq!(text(u64::MAX, MINUTE), None);
    }

    #[test]
    fn each_form_is_as_it_says() {
        let moment = 1_769_903_999_042;
        for (form, expected) in [
            (MINUTE, "2026-01-31 23:59Z"),
            (SECOND, "2026-01-31 23:59:59 UTC"),
            (COMPACT, "20260131T235959Z"),
            (CLOCK, "23:59:59.042"),
        ] {
            assert_eq!(text(moment, form).as_deref(), Some(expected));
        }
    }
}

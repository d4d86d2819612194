//! Texts inside an address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Percent-encodes everything that could end a part of a path or a query value.
pub(super) fn path_part(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_one_part() {
        assert_eq!(path_part("production"), "production");
        assert_eq!(path_part("a&b=c d/운"), "a%26b%3Dc%20d%2F%EC%9A%B4");
        assert_eq!(path_part("main?x=1#y"), "main%3Fx%3D1%23y");
    }
}

//! Texts inside an address.

/// Percent-encodes everything that could end a part of a path or a query value.
pub(super) fn path_part(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
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

//! Values that must never be shown.

use std::fmt;

/// A password, key, token or webhook address.
///
/// `Debug` prints `***`; there is no `Display` and no serde support. `expose` is the only way to
/// the value, so every use can be found by searching for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Replaces secrets in text that is about to leave the process.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    needles: Vec<Secret>,
}

/// Shorter lines than this are not worth hiding: replacing them would only garble the text.
const SHORTEST_NEEDLE: usize = 4;

impl Redactor {
    /// Hides each value whole and, for values of several lines, line by line.
    pub fn new(secrets: &[&Secret]) -> Self {
        let mut needles: Vec<Secret> = secrets
            .iter()
            .flat_map(|secret| {
                let whole = std::iter::once(secret.expose().trim());
                whole.chain(secret.expose().lines().map(str::trim))
            })
            .filter(|needle| needle.len() >= SHORTEST_NEEDLE)
            .map(Secret::new)
            .collect();
        // Longest first, so that a secret that contains another one is hidden whole.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.expose().len()));
        needles.dedup();
        Self { needles }
    }

    /// The text with every secret replaced by `***`.
    pub fn redact(&self, text: &str) -> String {
        self.needles.iter().fold(text.to_owned(), |text, needle| {
            if text.contains(needle.expose()) {
                text.replace(needle.expose(), "***")
            } else {
                text
            }
        })
    }

    /// Every value that has to be masked, one line each.
    pub fn mask_lines(&self) -> impl Iterator<Item = &str> {
        self.needles
            .iter()
            .map(Secret::expose)
            .filter(|needle| !needle.contains('\n'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_value() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }

    #[test]
    fn text_is_redacted_whole_and_line_by_line() {
        let redactor = Redactor::new(&[&Secret::new("-----BEGIN\nabcdef\n-----END\n")]);
        assert_eq!(redactor.redact("key abcdef leaked"), "key *** leaked");
        assert_eq!(
            redactor.redact("x -----BEGIN\nabcdef\n-----END y"),
            "x *** y"
        );
    }

    #[test]
    fn a_secret_that_contains_another_one_is_hidden_whole() {
        let redactor = Redactor::new(&[&Secret::new("pass"), &Secret::new("password1")]);
        assert_eq!(redactor.redact("password1"), "***");
    }
}

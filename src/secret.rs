//! Values that must never be shown.

pub mod cut;
mod encodings;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

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
///
/// A secret is found as it is, line by line, and in the forms that programs give it on its way: base64
/// at each of its three alignments, percent-encoded, escaped for JSON and for HTML. A value of fewer
/// than [`SHORTEST`] bytes is left alone: it would be found everywhere, and the gaps would tell it.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// By their first bytes, so that a line costs one look-up a byte however many there are.
    needles: HashMap<[u8; SHORTEST], Vec<Secret>>,
    masks: Vec<Secret>,
    too_short: usize,
}

/// The shortest value that is hidden, in bytes.
pub const SHORTEST: usize = 4;

/// The shortest part of an address that counts as a secret of its own.
const SHORTEST_PART: usize = 8;

impl Redactor {
    /// Hides each value, its lines, and every form that they may take.
    pub fn new(secrets: &[&Secret]) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            let whole = secret.expose().trim();
            if whole.len() < SHORTEST && !whole.is_empty() {
                redactor.too_short += 1;
            }
            redactor.add(whole);
            for line in whole.lines().map(str::trim) {
                redactor.add(line);
            }
            for part in parts_of_address(whole) {
                redactor.add(part);
            }
        }
        redactor.masks.sort_by(longest_first);
        redactor
    }

    fn add(&mut self, value: &str) {
        let Some(start) = value.as_bytes().first_chunk().copied() else {
            return;
        };
        let known = self.needles.get(&start).into_iter().flatten();
        if known.clone().any(|needle| needle.expose() == value) {
            return;
        }
        if !value.contains('\n') {
            self.masks.push(Secret::new(value));
        }
        for form in encodings::of(value) {
            if let Some(start) = form.as_bytes().first_chunk().copied() {
                self.needles
                    .entry(start)
                    .or_default()
                    .push(Secret::new(form));
            }
        }
    }

    /// The text with every secret replaced by `***`.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // Again, in case what was left and right of a secret makes another one. Each round makes
        // the text shorter, so this ends.
        loop {
            let found = self.find(&text);
            if found.is_empty() {
                return text;
            }
            text = without(&text, &found);
        }
    }

    /// Where secrets are; two that overlap are one place.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if self.needles.is_empty() {
            return found;
        }
        let bytes = text.as_bytes();
        for at in 0..bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(start) = rest.first_chunk() else {
                break;
            };
            let here = self.needles.get(start).into_iter().flatten();
            let longest = here
                .map(|needle| needle.expose().as_bytes())
                .filter(|needle| rest.starts_with(needle))
                .map(<[u8]>::len)
                .max();
            let Some(length) = longest else {
                continue;
            };
            match found.last_mut() {
                Some(last) if at < last.end => last.end = last.end.max(at + length),
                Some(_) | None => found.push(at..at + length),
            }
        }
        found
    }

    /// Every value that GitHub's runner has to be told, one line each. It derives the encoded forms
    /// itself.
    pub fn mask_lines(&self) -> impl Iterator<Item = &str> {
        self.masks.iter().map(Secret::expose)
    }

    /// How many secrets are too short to be hidden.
    pub fn too_short(&self) -> usize {
        self.too_short
    }
}

fn longest_first(a: &Secret, b: &Secret) -> std::cmp::Ordering {
    b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0))
}

fn without(text: &str, places: &[Range<usize>]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut end = 0;
    for place in places {
        kept.push_str(text.get(end..place.start).unwrap_or_default());
        kept.push_str("***");
        end = place.end;
    }
    kept.push_str(text.get(end..).unwrap_or_default());
    kept
}

/// What makes an address such as a webhook's a secret: its path, and the last part of that. Errors
/// and logs often show them without the rest.
fn parts_of_address(value: &str) -> Vec<&str> {
    let rest = value.split_once("://").map(|(_scheme, rest)| rest);
    let Some((_host, path)) = rest.and_then(|rest| rest.split_once('/')) else {
        return Vec::new();
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    let long = |part: &&str| part.len() >= SHORTEST_PART && !part.contains(char::is_whitespace);
    [path, last].into_iter().filter(long).collect()
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
    fn a_secret_that_contains_or_overlaps_another_one_is_hidden_whole() {
        let redactor = Redactor::new(&[&Secret::new("pass"), &Secret::new("password1")]);
        assert_eq!(redactor.redact("password1"), "***");
        let redactor = Redactor::new(&[&Secret::new("abcdef"), &Secret::new("defghi")]);
        assert_eq!(redactor.redact("abcdefghi abc"), "*** abc");
    }

    #[test]
    fn what_is_left_and_right_of_a_secret_makes_no_other_one() {
        let redactor = Redactor::new(&[&Secret::new("a***b"), &Secret::new("secret")]);
        assert_eq!(redactor.redact("asecretb"), "***");
        let stars = Redactor::new(&[&Secret::new("****")]);
        assert_eq!(stars.redact("**********"), "***");
    }

    #[test]
    fn an_address_is_hidden_without_its_host_too() {
        let webhook = Secret::new("https://hooks.slack.com/services/T000/B000/abcdefgh1234");
        let redactor = Redactor::new(&[&webhook]);
        assert_eq!(
            redactor.redact("error for /services/T000/B000/abcdefgh1234 and abcdefgh1234"),
            "error for /*** and ***"
        );
        assert_eq!(redactor.mask_lines().count(), 3);
        assert!(parts_of_address("no address").is_empty());
        assert!(parts_of_address("https://h/short").is_empty());
    }

    #[test]
    fn a_short_secret_is_counted_and_left() {
        let redactor =
            Redactor::new(&[&Secret::new("abc"), &Secret::new(""), &Secret::new("abcd")]);
        assert_eq!(redactor.too_short(), 1);
        assert_eq!(redactor.redact("abc abcd"), "abc ***");
        assert_eq!(redactor.mask_lines().collect::<Vec<_>>(), ["abcd"]);
    }
}

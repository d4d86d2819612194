//! The forms that a value takes on its way through other programs. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::SHORTEST;

/// The value itself and every other form of it, each once, none shorter than [`SHORTEST`].
pub(super) fn of(value: &str) -> Vec<String> {
    let json = json(value);
    let mut forms = vec![value.to_owned(), ascii(&json), html(value)];
    forms.extend(base64(value));
    // A password is often inside JSON before it is encoded, as in a registry's login.
    forms.extend(base64(&json));
    forms.push(json);
    forms.extend(wrapped(value));
    for encoded in [RFC3986, COMPONENT, URI] {
        let upper = percent(value, encoded);
        forms.push(lower_hex(&upper));
        forms.push(upper.replace("%20", "+"));
        forms.push(upper);
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort();
    forms.dedup();
    forms
}

/// What stands in base64 for certain, wherever in other bytes the value is: the first and the last
/// character are shared with its neighbours, so they are left out.
fn base64(value: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(value.as_bytes());
        let whole = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            forms.extend(text.get(whole.clone()).map(str::to_owned));
        }
    }
    forms
}

/// The lines in which `base64` and PEM write it, with and without a newline at its end. A shorter line, as at the
/// end of a long value, could stand in anything.
fn wrapped(value: &str) -> Vec<String> {
    const SHORTEST_LINE: usize = 24;
    let mut lines = Vec::new();
    for end in ["", "\n"] {
        let text = STANDARD.encode(format!("{value}{end}"));
        for width in [64, 76] {
            if text.len() <= width {
                continue;
            }
            let bytes = text.as_bytes().chunks(width);
            let found = bytes.filter_map(|line| std::str::from_utf8(line).ok());
            lines.extend(
                found
                    .filter(|line| line.len() >= SHORTEST_LINE)
                    .map(str::to_owned),
            );
        }
    }
    lines
}

/// Escaped as inside a JSON string.
fn json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    let inner = quoted.get(1..quoted.len() - 1);
    inner.unwrap_or_default().to_owned()
}

/// The same as programs write it that keep to ASCII.
fn ascii(json: &str) -> String {
    let mut text = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

fn html(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// What each of the usual encoders encodes.
const RFC3986: &AsciiSet = &without(NON_ALPHANUMERIC, b"-._~");
const COMPONENT: &AsciiSet = &without(RFC3986, b"!*'()");
const URI: &AsciiSet = &without(COMPONENT, b";/?:@&=+$,#[]");

const fn without(set: &AsciiSet, kept: &[u8]) -> AsciiSet {
    match kept {
        [] => set.union(AsciiSet::EMPTY),
        [first, rest @ ..] => without(&set.remove(*first), rest),
    }
}

fn percent(value: &str, encoded: &'static AsciiSet) -> String {
    utf8_percent_encode(value, encoded).to_string()
}

/// `%3A` as `%3a`; nothing else changes.
fn lower_hex(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        text.push_str(&format!("%{}{rest}", hex.to_ascii_lowercase()));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::{Redactor, Secret};

    #[test]
    fn a_password_is_found_in_each_form() {
        let forms = of("p&ss \"wörd\"/+");
        for form in [
            "p&ss \"wörd\"/+",
            "p&ss \\\"wörd\\\"/+",
            "p&ss \\\"w\\u00f6rd\\\"/+",
            "p&amp;ss &quot;wörd&quot;/+",
            "p%26ss%20%22w%C3%B6rd%22%2F%2B",
            "p%26ss%20%22w%c3%b6rd%22%2f%2b",
            "p%26ss+%22w%C3%B6rd%22%2F%2B",
            "p&ss%20%22w%C3%B6rd%22/+",
        ] {
            assert!(forms.contains(&form.to_owned()), "{form}: {forms:?}");
        }
    }

    /// A long value, as `base64` prints it and as it stands in a PEM file: line by line.
    #[test]
    fn a_wrapped_value_is_found_line_by_line() {
        let secret: String = (0..400)
            .map(|n| char::from(b'a' + (n * 7 % 26) as u8))
            .collect();
        let redactor = Redactor::new(&[&Secret::new(secret.as_str())]);
        for end in ["", "\n"] {
            let text = STANDARD.encode(format!("{secret}{end}"));
            for width in [64, 76] {
                for line in text.as_bytes().chunks(width) {
                    let line = std::str::from_utf8(line).unwrap();
                    if line.len() >= 24 {
                        assert_eq!(redactor.redact(&format!("  {line}")), "  ***", "{width}");
                    }
                }
            }
        }
    }

    /// Everything around and in a secret, with what encoders treat in their own ways.
    fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
        let alphabet = "abcXYZ019 \t+/=&%\"'\\<>:@.-_~!*()#?é한🎅\u{1b}{}";
        let chars: Vec<char> = alphabet.chars().collect();
        let c = prop_oneof![
            prop::sample::select(chars),
            any::<char>().prop_filter("a line", |c| !c.is_control()),
        ];
        prop::collection::vec(c, length).prop_map(String::from_iter)
    }

    fn secret() -> impl Strategy<Value = String> {
        let line = text(4..40).prop_map(|line| line.trim().to_owned());
        let lines = prop::collection::vec(line, 1..4).prop_map(|lines| lines.join("\n"));
        lines.prop_filter("long enough", |text| text.trim().len() >= SHORTEST)
    }

    type Encoder = fn(&str) -> String;

    fn encoders() -> [Encoder; 8] {
        [
            |text| text.to_owned(),
            |text| {
                let quoted = serde_json::to_string(text).unwrap();
                quoted[1..quoted.len() - 1].to_owned()
            },
            |text| ascii(&json(text)),
            html,
            |text| percent(text, RFC3986),
            |text| percent(text, COMPONENT),
            |text| lower_hex(&percent(text, URI)),
            |text| percent(text, RFC3986).replace("%20", "+"),
        ]
    }

    proptest! {
        #[test]
        fn no_form_is_found_afterwards(secret in secret(), before in text(0..30), after in text(0..30)) {
            let secret = secret.trim();
            let redactor = Redactor::new(&[&Secret::new(secret)]);
            for encode in encoders() {
                for part in std::iter::once(secret).chain(secret.lines().map(str::trim)) {
                    if part.len() < SHORTEST {
                        continue;
                    }
                    let hidden = encode(part);
                    let clean = redactor.redact(&format!("{before}{hidden}{after}"));
                    prop_assert!(!clean.contains(&hidden), "{hidden:?} is in {clean:?}");
                }
            }
        }

        #[test]
        fn no_alignment_of_base64_is_found_afterwards(
            secret in secret(), before in text(0..30), after in text(0..30)
        ) {
            let secret = secret.trim();
            let redactor = Redactor::new(&[&Secret::new(secret)]);
            let whole = format!("{before}{secret}{after}");
            for engine in [STANDARD, base64::engine::general_purpose::URL_SAFE] {
                let encoded = engine.encode(&whole);
                // The characters whose six bits are all the secret's.
                let start = (before.len() * 8).div_ceil(6);
                let end = (before.len() + secret.len()) * 8 / 6;
                let core = &encoded[start..end];
                let clean = redactor.redact(&format!("auth {encoded}"));
                prop_assert!(!clean.contains(core), "{core} is in {clean}");
            }
        }

        #[test]
        fn other_text_is_left_alone(text in "[a-f ]{0,200}") {
            let redactor = Redactor::new(&[&Secret::new("Z9-secret-Z9")]);
            prop_assert_eq!(redactor.redact(&text), text);
        }
    }
}

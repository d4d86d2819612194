//! Untrusted text for a person.

use std::fmt::Write as _;

/// The longest that is shown, in characters.
const MOST: usize = 100;

/// The text, short and on one line. What cannot be seen is spelled out: a label that looks like the
/// right one and is not would otherwise be refused for no reason that anybody could see.
pub(super) fn short(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(MOST) {
        if c.is_control() {
            shown.push(' ');
        } else if is_unseen(c) {
            write!(shown, "\\u{{{:x}}}", u32::from(c)).ok();
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Soft hyphens, marks of direction, joiners, other blanks, selectors and tags.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(short("🎅🏼\u{200d}deploy"), "🎅🏼\\u{200d}deploy");
        assert_eq!(short("yolped\u{202e}"), "yolped\\u{202e}");
        assert_eq!(short("a\nb\u{1b}c"), "a b c");
        assert_eq!(short("배포 🎅🏼\u{fe0f}"), "배포 🎅🏼\u{fe0f}");
        assert_eq!(short(&"é".repeat(1000)).chars().count(), MOST);
    }
}

//! Slack's markup: what must be escaped, and what is how long.

use super::length;
use crate::report::text;

const LONGEST_LINE: usize = 400;

/// Plain text as markup, at most `max` characters as Slack counts them, on one line.
pub(super) fn escaped(content: &str, max: usize) -> String {
    let content = text::printable(content).replace("```", "'''");
    let mut safe = String::with_capacity(content.len());
    let mut left = max.saturating_sub(1);
    for c in content.chars() {
        let mut unit = [0_u8; 4];
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            c => c.encode_utf8(&mut unit),
        };
        if !push_within(&mut safe, piece, &mut left) {
            safe.push('…');
            return safe;
        }
    }
    safe
}

/// Adds a piece that is whole or not there at all; says whether there was room.
pub(super) fn push_within(text: &mut String, piece: &str, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(length(piece)) else {
        return false;
    };
    *left = rest;
    text.push_str(piece);
    true
}

/// Plain text where there is no markup, as in a header.
pub(super) fn plain(content: &str, max: usize) -> String {
    let content = text::printable(content);
    if length(&content) <= max {
        return content;
    }
    let mut kept = String::new();
    for c in content.chars() {
        if length(&kept) + c.len_utf16() >= max {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// A link. The label is escaped here.
pub(super) fn link(url: &str, label: &str) -> String {
    let url: String = url
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !"<>|".contains(*c))
        .collect();
    format!("<{}|{}>", url.replace('&', "&amp;"), escaped(label, 300))
}

/// The last lines that fit into a block of code of at most `max` characters.
pub(super) fn code_block(lines: &[String], max: usize) -> String {
    last_lines(lines, max, |line| escaped(line, LONGEST_LINE))
}

/// The same where code needs no escapes; Mattermost turns `<!channel>` into a call everywhere.
pub(super) fn plain_block(lines: &[String], max: usize) -> String {
    last_lines(lines, max, |line| {
        let line = plain(line, LONGEST_LINE).replace("```", "'''");
        line.replace('<', "<\u{200b}")
    })
}

fn last_lines(lines: &[String], max: usize, shown: impl Fn(&str) -> String) -> String {
    const FENCES: usize = 8;
    let mut left = max.saturating_sub(FENCES);
    let mut kept: Vec<String> = Vec::new();
    for line in lines.iter().rev() {
        let line = shown(line);
        let cost = length(&line) + 1;
        if cost > left {
            break;
        }
        left -= cost;
        kept.push(line);
    }
    kept.reverse();
    format!("```\n{}\n```", kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_called_and_no_fence_ends() {
        assert_eq!(
            escaped("<!channel> & ```x```\u{1b}[1m\n", 100),
            "&lt;!channel&gt; &amp; '''x'''"
        );
    }

    #[test]
    fn an_entity_is_never_cut_in_two() {
        assert_eq!(escaped("ab&&", 8), "ab&amp;…");
        assert_eq!(escaped("&&&", 7), "&amp;…");
        assert_eq!(length(&escaped(&"🎅".repeat(50), 20)), 19);
        assert_eq!(plain(&"가".repeat(200), 150).chars().count(), 150);
    }

    #[test]
    fn a_link_keeps_its_form() {
        assert_eq!(
            link("https://h/a|b>?x=1&y", "a>b"),
            "<https://h/ab?x=1&amp;y|a&gt;b>"
        );
    }

    #[test]
    fn a_block_of_code_keeps_the_end_of_the_log() {
        let lines: Vec<String> = (0..1000).map(|n| format!("line {n}")).collect();
        let block = code_block(&lines, 40);
        assert_eq!(block, "```\nline 997\nline 998\nline 999\n```");
        let long = code_block(&vec!["&".repeat(9000); 100], 3000);
        assert!(length(&long) <= 3000 && long.ends_with("…\n```"));
    }
}

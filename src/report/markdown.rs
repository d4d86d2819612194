//! Markdown that untrusted text cannot break out of.

use super::text;
use super::words::Words;

/// Inline code. Safe in a table cell, too.
pub(super) fn code(content: &str) -> String {
    let content = text::printable(content);
    if content.trim().is_empty() {
        return "–".to_owned();
    }
    let ticks = "`".repeat(longest_run(&content, '`') + 1);
    // A table ends a cell at a bar even inside code, unless it is escaped.
    let content = content.replace('|', "\\|");
    if content.starts_with('`') || content.ends_with('`') {
        format!("{ticks} {content} {ticks}")
    } else {
        format!("{ticks}{content}{ticks}")
    }
}

/// Plain text: no markup, no mention, no reference, no link.
pub(super) fn plain(content: &str) -> String {
    let mut safe = String::with_capacity(content.len());
    for c in text::printable(content).chars() {
        match c {
            // Backslashes do not stop GitHub from finding people, issues and links in the text.
            '@' | '#' | ':' => safe.extend([c, '\u{200b}']),
            '.' | ',' | ' ' | '-' | '(' | ')' | '/' | '+' | '=' | '%' | '"' | '\'' | ';' => {
                safe.push(c);
            }
            c if c.is_ascii_punctuation() => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

/// A link to an address of ours.
pub(super) fn link(label: &str, url: &str) -> String {
    let url: String = url
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !"<>()\"'`\\".contains(*c))
        .collect();
    format!("[{label}]({url})")
}

/// A fenced block of lines, with a fence longer than any in them.
pub(super) fn fence<Line: AsRef<str>>(lines: &[Line]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| text::printable(line.as_ref()))
        .collect();
    let longest = lines.iter().map(|line| longest_run(line, '`')).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

/// The last lines that fit into `budget` bytes, in a fence, with a note about what was left out.
pub(super) fn fence_tail(lines: &[String], budget: usize, words: &dyn Words) -> String {
    let mut left = budget;
    let mut kept: Vec<&str> = Vec::new();
    for line in lines.iter().rev() {
        let cost = line.len().min(text::MAX_LINE) + 1;
        if cost > left {
            break;
        }
        left -= cost;
        kept.push(line);
    }
    kept.reverse();
    let cut = lines.len() - kept.len();
    let note = match cut {
        0 => String::new(),
        cut => format!("{}\n\n", words.lines_left_out(cut)),
    };
    format!("{note}{}", fence(&kept))
}

/// A part that a reader unfolds; nothing when it is empty. GitHub reads Markdown in it only between blank lines, and
/// ends it at its own tag alone: [`fence`], [`code`] and [`plain`] let no other one through.
pub(super) fn folded(title: &str, body: &str) -> String {
    if body.trim().is_empty() {
        return String::new();
    }
    let body = body.trim_end();
    format!("<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>\n\n")
}

fn longest_run(text: &str, of: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::types::Language;

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("main"), "`main`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x`|\n<b>"), "`` `x`\\|�<b> ``");
        assert_eq!(code(" "), "–");
    }

    #[test]
    fn plain_text_mentions_nobody() {
        assert_eq!(
            plain("@all see #1 *b* <img> https://x.y `z`|"),
            "@\u{200b}all see #\u{200b}1 \\*b\\* \\<img\\> https:\u{200b}//x.y \\`z\\`\\|"
        );
    }

    #[test]
    fn a_fence_is_longer_than_any_in_its_text() {
        let text = fence(&["```", "</details> ````js"]);
        assert_eq!(text, "`````text\n```\n</details> ````js\n`````\n");
        assert_eq!(fence(&["a"]), "```text\na\n```\n");
    }

    #[test]
    fn a_long_tail_keeps_its_end() {
        let lines: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        let text = fence_tail(&lines, 20, Language::English.words());
        assert_eq!(
            text,
            "(98 earlier lines cut)\n\n```text\nline 98\nline 99\n```\n"
        );
    }

    #[test]
    fn a_folded_part_has_its_blank_lines() {
        assert_eq!(
            folded("Receipt", "- one\n\n"),
            "<details>\n<summary>Receipt</summary>\n\n- one\n\n</details>\n\n"
        );
        assert_eq!(folded("Receipt", "\n"), "");
    }

    #[test]
    fn a_link_keeps_its_form() {
        assert_eq!(link("run", "https://h/a) [x](b"), "[run](https://h/a[x]b)");
    }
}

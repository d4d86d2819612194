//! The Markdown of Mattermost, Rocket.Chat and Discord: what must be escaped, so that text of others draws nothing and
//! calls nobody.

use super::facts::{MAX_VALUE, MessageFact};
use super::mrkdwn::{self, push_within};
use super::{Cause, Message, length};
use crate::report::text;

/// Plain text as Markdown, at most `max` characters, on one line. What stands between two backticks stays code.
pub(super) fn escaped(content: &str, max: usize) -> String {
    // The last backtick of an odd number of them has no partner.
    let content = text::printable(content).replace("``", "''");
    let pairs = content.matches('`').count() / 2;
    let (mut seen, mut in_code) = (0, false);
    let mut safe = String::with_capacity(content.len());
    let mut left = max.saturating_sub(2);
    let mut rest = content.chars().peekable();
    while let Some(c) = rest.next() {
        let is_fence = c == '`' && seen < 2 * pairs;
        let piece = match c {
            _ if is_fence => "`".to_owned(),
            // Mattermost turns `<!channel>` into a call even in code.
            '<' if in_code => "<\u{200b}".to_owned(),
            c if in_code => c.to_string(),
            '<' => "\\<\u{200b}".to_owned(),
            '@' => "@\u{200b}".to_owned(),
            // An address of others must not become a link.
            ':' if rest.peek() == Some(&'/') => ":\u{200b}".to_owned(),
            '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '#' | '[' | ']' | '!' => format!("\\{c}"),
            c => c.to_string(),
        };
        if !push_within(&mut safe, &piece, &mut left) {
            safe.push('…');
            if in_code {
                safe.push('`');
            }
            return safe;
        }
        if is_fence {
            (seen, in_code) = (seen + 1, !in_code);
        }
    }
    safe
}

/// Plain text where little is drawn, as in a title.
pub(super) fn title(content: &str, max: usize) -> String {
    let content = content
        .replace('@', "@\u{200b}")
        .replace('<', "<\u{200b}")
        .replace("://", ":\u{200b}//");
    mrkdwn::plain(&content, max)
}

/// What failed: a label, and text of others behind it.
pub(super) fn cause(line: &Cause<'_>) -> String {
    let (label, text, max) = match line {
        Cause::Step(label, name) => (label, format!("`{}`", name.replace('`', "'")), 100),
        Cause::Why(label, why) => (label, why.clone(), 800),
        Cause::Cure(label, cure) => (label, (*cure).to_owned(), 300),
    };
    format!("**{label}** {}", escaped(&text, max))
}

/// What is shown for a fact.
pub(super) fn value(fact: &MessageFact) -> String {
    // An address is ours, and has room of its own.
    const MAX_LINK: usize = 700;
    match &fact.url {
        Some(url) => link(url, &text::cut(&fact.text, MAX_VALUE), MAX_LINK),
        None => escaped(&fact.text, MAX_VALUE),
    }
}

/// The links of a message on one line.
pub(super) fn links(message: &Message<'_>) -> Option<String> {
    let links = message.links.iter();
    let links: Vec<String> = links
        .map(|to| link(&to.url, &to.label, MAX_VALUE))
        .collect();
    (!links.is_empty()).then(|| links.join(" · "))
}

/// A link to an address of ours; without the link when both are too long.
pub(super) fn link(url: &str, label: &str, max: usize) -> String {
    let url: String = url
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !"<>()\"'`\\".contains(*c))
        .collect();
    // The brackets and a label that still says something.
    let beside = length(&url) + 4;
    if beside + 20 > max {
        return escaped(label, max);
    }
    let label = escaped(&label.replace('`', "'"), max - beside);
    format!("[{label}]({url})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_and_nobody_is_called() {
        for (text, safe) in [
            ("*a* _b_ ~c~ [x](y)", "\\*a\\* \\_b\\_ \\~c\\~ \\[x\\](y)"),
            ("@all <!channel>", "@\u{200b}all \\<\u{200b}\\!channel\\>"),
            ("see https://evil", "see https:\u{200b}//evil"),
            ("run `a_b --c`, then *go*", "run `a_b --c`, then \\*go\\*"),
            ("one ` alone", "one \\` alone"),
            ("```x``", "''\\`x''"),
            ("a\nb\u{1b}[1m", "a\u{fffd}b"),
        ] {
            assert_eq!(escaped(text, 300), safe);
        }
    }

    #[test]
    fn a_cut_text_ends_its_code_and_keeps_to_its_length() {
        assert_eq!(escaped("`abcdefgh`", 6), "`abc…`");
        for max in 3..40 {
            let text = escaped("a`<@b_c`*d*`e", max);
            assert!(length(&text) <= max, "{max}: {text}");
            let open = text.replace("\\`", "").matches('`').count();
            assert!(open.is_multiple_of(2), "{max}: {text}");
        }
    }

    #[test]
    fn a_link_keeps_its_form() {
        assert_eq!(
            link("https://h/a)b(", "a]`b", 300),
            "[a\\]'b](https://h/ab)"
        );
        assert_eq!(link(&"x".repeat(300), "label", 300), "label");
    }
}

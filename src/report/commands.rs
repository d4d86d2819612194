//! GitHub's workflow commands, as text. The runner reads them from our output line by line.
//!
//! Rules (runner, `ActionCommand.cs`): data escapes `%`, CR and LF, properties also `:` and `,`; a
//! message of an annotation ends after 4096 characters; `##[…]` is a command anywhere in a line, so
//! commands are off whenever a line is not ours.

use super::text;

/// The longest message of an annotation, in bytes of text before escaping.
const MAX_MESSAGE: usize = 4096;

/// How loud an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// `::notice::`
    Notice,
    /// `::warning::`
    Warning,
    /// `::error::`
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

pub(super) fn annotation(level: Level, title: &str, message: &str) -> String {
    format!(
        "::{} title={}::{}",
        level.as_str(),
        property(title),
        data(&text::cut(message, MAX_MESSAGE))
    )
}

/// Folds the lines up to [`END_GROUP`].
pub(super) fn group(title: &str) -> String {
    format!("::group::{}", data(title))
}

pub(super) const END_GROUP: &str = "::endgroup::";

/// Tells the runner to hide a value in everything it shows.
pub(super) fn add_mask(value: &str) -> String {
    format!("::add-mask::{}", data(value))
}

/// Commands are not obeyed from here until [`resume`] with the same token.
pub(super) fn stop(token: &str) -> String {
    format!("::stop-commands::{token}")
}

/// Commands are obeyed again.
pub(super) fn resume(token: &str) -> String {
    format!("::{token}::")
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_cannot_be_left_by_its_text() {
        assert_eq!(
            annotation(Level::Error, "a:b,c\n", "100%\r\n::set-output name=x::y"),
            "::error title=a%3Ab%2Cc%0A::100%25%0D%0A::set-output name=x::y"
        );
    }

    #[test]
    fn a_message_is_cut_before_it_is_escaped() {
        let line = annotation(Level::Warning, "t", &"%".repeat(5000));
        assert!(line.ends_with("%25…") && line.matches("%25").count() == 4093);
    }
}

//! Takes secrets out of what is about to be sent or written.
//!
//! Text is redacted twice, before it is escaped for where it goes and after: escaping can hide a
//! secret from the second look, and joining can make one that the first did not see.

use serde_json::Value;

use super::context::RunContext;
use super::text;
use crate::protocol::result::RunResult;
use crate::secret::Redactor;
use crate::secret::cut::whole_words;

/// Everything in a result that is text and could hold one.
pub(super) fn result(result: &mut RunResult, redactor: &Redactor) {
    let clean = |text: &mut String| *text = redactor.redact(text);
    for slot in [&mut result.slot, &mut result.previous_slot] {
        slot.iter_mut().for_each(clean);
    }
    if let Some(bake) = &mut result.receipt.bake {
        clean(&mut bake.why);
    }
    let Some(failed) = &mut result.failure else {
        return;
    };
    let failure = &mut failed.failure;
    failure.chain.iter_mut().for_each(clean);
    failure.hints.iter_mut().for_each(clean);
    for line in &mut failure.log_tail {
        *line = foreign(line, redactor);
    }
}

/// What the event says of the run; markup may hide a secret in it from a second look.
pub(super) fn context(context: &RunContext, redactor: &Redactor) -> RunContext {
    let mut context = context.clone();
    let texts = [
        &mut context.repository,
        &mut context.head_ref,
        &mut context.actor,
        &mut context.event_name,
        &mut context.workflow,
        &mut context.job,
        &mut context.action,
    ];
    for text in texts.into_iter().flatten() {
        *text = redactor.redact(text);
    }
    context
}

/// A line that someone else printed. Redacted twice: escapes inside a secret hide it from the first look. It is cut
/// last: half a secret would not be found.
pub(super) fn foreign(line: &str, redactor: &Redactor) -> String {
    // More than this is not looked at.
    const MOST: usize = 16 * text::MAX_LINE;
    let line = redactor.redact(&whole_words(line, MOST));
    let plain = text::plain(&line, MOST);
    text::cut(&redactor.redact(&plain), text::MAX_LINE)
}

/// What a server answered, in a length that a person reads. It is cut last: a secret that was cut in two
/// would not be found.
pub(super) fn short(text: &str, redactor: &Redactor) -> String {
    text::cut(&redactor.redact(text), 400)
}

/// Every text in a JSON value.
pub(super) fn json(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => *text = redactor.redact(text),
        Value::Array(items) => items.iter_mut().for_each(|item| json(item, redactor)),
        Value::Object(map) => map.values_mut().for_each(|item| json(item, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_secret_with_an_escape_inside_leaves_nothing_at_the_cut() {
        let redactor = Redactor::new(&[&Secret::new("ghs_0123456789")]);
        for length in text::MAX_LINE - 20..=text::MAX_LINE {
            let line = format!("{} ghs_0\u{1b}[0m123456789 end", "x".repeat(length));
            let shown = foreign(&line, &redactor);
            assert!(!shown.contains("ghs"), "{length}");
            assert!(shown.len() <= text::MAX_LINE);
        }
    }

    /// Colours and secrets are taken out before the line is cut, so that the end of a long one comes forward.
    #[test]
    fn a_secret_at_the_end_of_what_is_looked_at_leaves_nothing() {
        let redactor = Redactor::new(&[&Secret::new("ghs_0123456789")]);
        let most = 16 * text::MAX_LINE;
        for length in most - 20..=most {
            let colours = "\u{1b}[1m".repeat(length / 4);
            let line = format!("{colours} ghs_0123456789");
            assert!(!foreign(&line, &redactor).contains("ghs"), "{length}");
        }
    }

    #[test]
    fn a_secret_at_the_cut_leaves_nothing() {
        let redactor = Redactor::new(&[&Secret::new("ghs_0123456789")]);
        for length in 380..400 {
            let text = format!("{} ghs_0123456789", "x".repeat(length));
            assert!(!short(&text, &redactor).contains("ghs"), "{length}");
        }
    }
}

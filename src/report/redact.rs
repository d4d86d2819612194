//! Takes secrets out of what is about to be sent or written.
//!
//! Text is redacted twice, before it is escaped for where it goes and after: escaping can hide a
//! secret from the second look, and joining can make one that the first did not see.

use serde_json::Value;

use super::text;
use crate::protocol::result::RunResult;
use crate::secret::Redactor;

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
        // Again after the escapes are gone, which can stand inside a secret.
        let printable = text::printable(&redactor.redact(line));
        *line = redactor.redact(&printable);
    }
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
    fn a_secret_at_the_cut_leaves_nothing() {
        let redactor = Redactor::new(&[&Secret::new("ghs_0123456789")]);
        for length in 380..400 {
            let text = format!("{} ghs_0123456789", "x".repeat(length));
            assert!(!short(&text, &redactor).contains("ghs"), "{length}");
        }
    }
}

//! The parts of a message for those that draw Markdown in boxes: a text, fields beneath it, and the log in a box of its own.

use super::{Message, Weight, fit, markdown, mrkdwn};

/// How long the parts may be, in characters as the receivers count them.
pub(super) struct BoxLimits {
    pub(super) line: usize,
    pub(super) further: usize,
    pub(super) log: usize,
    /// How many fields.
    pub(super) fields: usize,
    /// All parts together, each as long as the receiver says.
    pub(super) total: usize,
}

/// What may be left out as a whole.
pub(super) enum MessagePart {
    Text(String),
    /// Names and values.
    Fields(Vec<(&'static str, String)>),
    Log(String),
}

/// What is left of the parts.
pub(super) struct MessageBoxes {
    pub(super) text: String,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) log: Option<String>,
}

/// The parts of a message that fit.
pub(super) fn boxes(
    message: &Message<'_>,
    limits: &BoxLimits,
    long: impl Fn(&MessagePart) -> usize,
) -> MessageBoxes {
    let facts = message.facts.iter().take(limits.fields);
    let fields = facts.map(|fact| (fact.name, markdown::value(fact)));
    let further =
        (!message.further.is_empty()).then(|| markdown::escaped(&message.further, limits.further));
    let log = (!message.log.is_empty()).then(|| mrkdwn::plain_block(message.log, limits.log));
    let mut parts = vec![(Weight::Must, MessagePart::Text(text(message, limits.line)))];
    parts.extend(further.map(|further| (Weight::Facts, MessagePart::Text(further))));
    parts.extend(markdown::links(message).map(|links| (Weight::Must, MessagePart::Text(links))));
    parts.push((Weight::Fields, MessagePart::Fields(fields.collect())));
    parts.extend(log.map(|log| (Weight::Log, MessagePart::Log(log))));
    fit(&mut parts, limits.total, long);

    let (mut texts, mut fields, mut log) = (Vec::new(), Vec::new(), None);
    for (_, part) in parts {
        match part {
            MessagePart::Text(text) => texts.push(text),
            MessagePart::Fields(all) => fields = all,
            MessagePart::Log(text) => log = Some(text),
        }
    }
    MessageBoxes {
        text: texts.join("\n\n"),
        fields,
        log,
    }
}

/// How it ended, and what failed.
fn text(message: &Message<'_>, max: usize) -> String {
    let line = markdown::escaped(&message.line, max);
    let cause: Vec<String> = message.cause.iter().map(markdown::cause).collect();
    match cause.is_empty() {
        true => line,
        false => format!("{line}\n\n{}", cause.join("\n")),
    }
}

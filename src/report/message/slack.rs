//! The message as Slack's JSON.
//!
//! The header is a block of the message, so that `text` is only the fallback of notifications; the
//! rest is in one attachment, because only attachments have a colour.

use serde_json::{Value, json};

use super::facts::{MAX_VALUE, MessageFact};
use super::{Cause, Message, Weight, colour, fit, length, mrkdwn};

const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3000;
const MAX_FIELDS: usize = 10;

/// All blocks of a message together, as JSON. Slack documents no figure; beyond about 13,000 it
/// answers `msg_blocks_too_long`.
const MAX_BLOCKS_TOTAL: usize = 12_000;

/// What we allow ourselves below Slack's limits, so that the rest has room.
const MAX_LINE: usize = 1500;
const MAX_SMALL: usize = 1500;
const MAX_LOG: usize = 2600;

pub(super) fn render(message: &Message<'_>) -> Value {
    let line = mrkdwn::escaped(&message.line, MAX_LINE);
    let mut parts = vec![(Weight::Must, section(&line))];
    let fields: Vec<Value> = message
        .facts
        .iter()
        .map(|fact| markup(&format!("*{}*\n{}", fact.name, value(fact))))
        .take(2 * MAX_FIELDS)
        .collect();
    for fields in fields.chunks(MAX_FIELDS) {
        let block = json!({ "type": "section", "fields": fields });
        parts.push((Weight::Fields, block));
    }
    if !message.cause.is_empty() {
        let lines: Vec<String> = message.cause.iter().map(cause).collect();
        parts.push((Weight::Must, section(&lines.join("\n"))));
    }
    // The line above says the others.
    parts.extend(small(&message.further).map(|block| (Weight::Facts, block)));
    if !message.links.is_empty() {
        let links = message.links.iter();
        let links: Vec<String> = links
            .map(|link| mrkdwn::link(&link.url, &link.label))
            .collect();
        parts.push((Weight::Must, section(&links.join(" · "))));
    }
    // At the end, where Slack folds what is long.
    if !message.log.is_empty() {
        let log = mrkdwn::code_block(message.log, MAX_LOG);
        parts.push((Weight::Log, section(&log)));
    }
    fit(&mut parts, MAX_BLOCKS_TOTAL, |block| {
        length(&block.to_string())
    });
    let blocks: Vec<Value> = parts.into_iter().map(|(_, block)| block).collect();
    json!({
        "text": mrkdwn::escaped(&message.summary(), MAX_SECTION),
        "blocks": [{
            "type": "header",
            "text": {
                "type": "plain_text",
                "text": mrkdwn::plain(&message.title, MAX_HEADER),
                "emoji": true,
            },
        }],
        "attachments": [{
            "color": format!("#{:06x}", colour(message.outcome)),
            "fallback": mrkdwn::escaped(&message.line, MAX_SECTION),
            "blocks": blocks,
        }],
    })
}

fn value(fact: &MessageFact) -> String {
    match &fact.url {
        Some(url) => mrkdwn::link(url, &fact.text),
        None => mrkdwn::escaped(&fact.text, MAX_VALUE),
    }
}

fn cause(line: &Cause<'_>) -> String {
    match line {
        Cause::Step(label, name) => format!("*{label}* `{}`", mrkdwn::escaped(name, 100)),
        Cause::Why(label, why) => format!("*{label}* {}", mrkdwn::escaped(why, 1200)),
        Cause::Cure(label, cure) => format!("*{label}* {}", mrkdwn::escaped(cure, 300)),
    }
}

/// A line in small letters.
fn small(line: &str) -> Option<Value> {
    if line.trim().is_empty() {
        return None;
    }
    let text = markup(&mrkdwn::escaped(line, MAX_SMALL));
    Some(json!({ "type": "context", "elements": [text] }))
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": markup(text) })
}

/// `verbatim` keeps Slack from finding names and addresses in the text by itself.
fn markup(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

#[cfg(test)]
#[path = "slack_tests.rs"]
mod tests;

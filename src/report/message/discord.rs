//! The message for Discord: an embed, and a second one with the log.

use serde_json::{Value, json};

use super::{Message, Weight, colour, fit, length, markdown, mrkdwn};

/// Discord's own limits.
const MAX_TITLE: usize = 256;
const MAX_FIELDS: usize = 25;
/// All text of all embeds.
const MAX_TOTAL: usize = 6000;

/// What we allow ourselves below them, so that the rest has room.
const MAX_LINE: usize = 700;
const MAX_FURTHER: usize = 400;
const MAX_LOG: usize = 2000;

pub(super) fn render(message: &Message<'_>) -> Value {
    let title = markdown::title(&message.title, MAX_TITLE);
    let line = markdown::escaped(&message.line, MAX_LINE);
    let cause: Vec<String> = message.cause.iter().map(markdown::cause).collect();
    let mut parts = vec![(Weight::Must, EmbedPart::Text(line))];
    if !cause.is_empty() {
        parts.push((Weight::Must, EmbedPart::Text(cause.join("\n"))));
    }
    if !message.further.is_empty() {
        let further = markdown::escaped(&message.further, MAX_FURTHER);
        parts.push((Weight::Facts, EmbedPart::Text(further)));
    }
    parts.extend(markdown::links(message).map(|links| (Weight::Must, EmbedPart::Text(links))));
    for fact in message.facts.iter().take(MAX_FIELDS) {
        let value = markdown::value(fact);
        parts.push((Weight::Fields, EmbedPart::Field(fact.name, value)));
    }
    if !message.log.is_empty() {
        let log = mrkdwn::plain_block(message.log, MAX_LOG);
        parts.push((Weight::Log, EmbedPart::Log(log)));
    }
    fit(&mut parts, MAX_TOTAL - length(&title), EmbedPart::length);

    let (mut texts, mut fields, mut log) = (Vec::new(), Vec::new(), None);
    for (_, part) in parts {
        match part {
            EmbedPart::Text(text) => texts.push(text),
            EmbedPart::Field(name, value) => {
                fields.push(json!({ "name": name, "value": value, "inline": true }));
            }
            EmbedPart::Log(text) => log = Some(text),
        }
    }
    let colour = colour(message.outcome);
    let first = json!({
        "title": title,
        "url": message.links.first().map(|run| &run.url),
        "description": texts.join("\n\n"),
        "color": colour,
        "fields": fields,
    });
    let second = log.map(|log| json!({ "description": log, "color": colour }));
    let embeds: Vec<Value> = std::iter::once(first).chain(second).collect();
    // Nobody is called, whatever a commit says.
    json!({ "embeds": embeds, "allowed_mentions": { "parse": [] } })
}

enum EmbedPart {
    Text(String),
    Field(&'static str, String),
    Log(String),
}

impl EmbedPart {
    fn length(&self) -> usize {
        match self {
            // With the blank line before it.
            Self::Text(text) => length(text) + 2,
            Self::Field(name, value) => length(name) + length(value),
            Self::Log(text) => length(text),
        }
    }
}

#[cfg(test)]
#[path = "discord_tests.rs"]
mod tests;

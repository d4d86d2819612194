//! The message for Discord: an embed, and a second one with the log.

use serde_json::{Value, json};

use super::parts::{BoxLimits, MessagePart, boxes};
use super::{Message, colour, length, markdown};

/// Discord's own limits.
const MAX_TITLE: usize = 256;
const MAX_FIELDS: usize = 25;
/// All text of all embeds.
const MAX_TOTAL: usize = 6000;

pub(super) fn render(message: &Message<'_>) -> Value {
    let title = markdown::title(&message.title, MAX_TITLE);
    // Below Discord's limits, so that the rest has room.
    let limits = BoxLimits {
        line: 700,
        further: 400,
        log: 2000,
        fields: MAX_FIELDS,
        total: MAX_TOTAL - length(&title),
    };
    let boxes = boxes(message, &limits, long);
    let fields = boxes.fields.iter();
    let fields: Vec<Value> = fields
        .map(|(name, value)| json!({ "name": name, "value": value, "inline": true }))
        .collect();
    let colour = colour(message.outcome);
    let first = json!({
        "title": title,
        "url": message.links.first().map(|run| &run.url),
        "description": boxes.text,
        "color": colour,
        "fields": fields,
    });
    let second = boxes
        .log
        .map(|log| json!({ "description": log, "color": colour }));
    let embeds: Vec<Value> = std::iter::once(first).chain(second).collect();
    // Nobody is called, whatever a commit says.
    json!({ "embeds": embeds, "allowed_mentions": { "parse": [] } })
}

fn long(part: &MessagePart) -> usize {
    match part {
        // With the blank line before it.
        MessagePart::Text(text) => length(text) + 2,
        MessagePart::Fields(all) => all
            .iter()
            .map(|(name, value)| length(name) + length(value))
            .sum(),
        MessagePart::Log(text) => length(text),
    }
}

#[cfg(test)]
#[path = "discord_tests.rs"]
mod tests;

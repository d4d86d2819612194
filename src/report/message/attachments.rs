//! The message for Mattermost and Rocket.Chat, which draw attachments and no blocks.
//!
//! All is in attachments, because only they have a colour. They show text, then fields; what comes behind the fields is
//! in a second one.

use serde_json::{Value, json};

use super::parts::{BoxLimits, MessagePart, boxes};
use super::{Message, colour, length, markdown};

const LIMITS: BoxLimits = BoxLimits {
    line: MAX_LINE,
    further: 400,
    log: 2600,
    fields: 20,
    // As JSON: servers of some years ago keep 8,000 characters.
    total: 5800,
};
const MAX_LINE: usize = 700;
const MAX_TITLE: usize = 150;

pub(super) fn render(message: &Message<'_>) -> Value {
    let boxes = boxes(message, &LIMITS, long);
    let colour = format!("#{:06x}", colour(message.outcome));
    let first = json!({
        "fallback": markdown::title(&message.summary(), MAX_LINE),
        "color": colour,
        "title": markdown::title(&message.title, MAX_TITLE),
        "title_link": message.links.first().map(|run| &run.url),
        "text": boxes.text,
        "fields": fields(&boxes.fields),
    });
    let second = boxes
        .log
        .map(|log| json!({ "fallback": "", "color": colour, "text": log }));
    let attachments: Vec<Value> = std::iter::once(first).chain(second).collect();
    json!({ "attachments": attachments })
}

fn fields(fields: &[(&str, String)]) -> Vec<Value> {
    let field =
        |(name, value): &(&str, String)| json!({ "title": name, "value": value, "short": true });
    fields.iter().map(field).collect()
}

/// Line breaks and quotes are two characters in JSON.
fn long(part: &MessagePart) -> usize {
    match part {
        MessagePart::Text(text) | MessagePart::Log(text) => length(&json!(text).to_string()),
        MessagePart::Fields(all) => length(&json!(fields(all)).to_string()),
    }
}

#[cfg(test)]
#[path = "attachments_tests.rs"]
mod tests;

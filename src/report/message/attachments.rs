//! The message for Mattermost and Rocket.Chat, which draw attachments and no blocks.
//!
//! All is in attachments, because only they have a colour. They show text, then fields; what comes behind the fields is
//! in a second one.

use serde_json::{Value, json};

use super::{Message, Weight, colour, fit, length, markdown, mrkdwn};

/// All attachments together, as JSON: servers of some years ago keep 8,000 characters.
const MAX_TOTAL: usize = 5800;

const MAX_TITLE: usize = 150;
const MAX_LINE: usize = 700;
const MAX_LOG: usize = 2600;
const MAX_FIELDS: usize = 20;

pub(super) fn render(message: &Message<'_>) -> Value {
    let facts = message.facts.iter().take(MAX_FIELDS);
    let fields: Vec<Value> = facts
        .map(|fact| json!({ "title": fact.name, "value": markdown::value(fact), "short": true }))
        .collect();
    let further = (!message.further.is_empty()).then(|| markdown::escaped(&message.further, 400));
    let log = (!message.log.is_empty()).then(|| mrkdwn::plain_block(message.log, MAX_LOG));
    let mut parts = vec![(Weight::Must, AttachmentPart::Text(text(message)))];
    parts.extend(further.map(|further| (Weight::Facts, AttachmentPart::Text(further))));
    parts.extend(markdown::links(message).map(|links| (Weight::Must, AttachmentPart::Text(links))));
    parts.push((Weight::Fields, AttachmentPart::Fields(fields)));
    parts.extend(log.map(|log| (Weight::Log, AttachmentPart::Log(log))));
    fit(&mut parts, MAX_TOTAL, AttachmentPart::length);

    let colour = format!("#{:06x}", colour(message.outcome));
    let (mut texts, mut fields, mut log) = (Vec::new(), Vec::new(), None);
    for (_, part) in parts {
        match part {
            AttachmentPart::Text(text) => texts.push(text),
            AttachmentPart::Fields(all) => fields = all,
            AttachmentPart::Log(text) => log = Some(text),
        }
    }
    let first = json!({
        "fallback": markdown::title(&message.summary(), MAX_LINE),
        "color": colour,
        "title": markdown::title(&message.title, MAX_TITLE),
        "title_link": message.links.first().map(|run| &run.url),
        "text": texts.join("\n\n"),
        "fields": fields,
    });
    let second = log.map(|log| json!({ "fallback": "", "color": colour, "text": log }));
    let attachments: Vec<Value> = std::iter::once(first).chain(second).collect();
    json!({ "attachments": attachments })
}

enum AttachmentPart {
    Text(String),
    Fields(Vec<Value>),
    Log(String),
}

impl AttachmentPart {
    fn length(&self) -> usize {
        match self {
            // Line breaks and quotes are two characters in JSON.
            Self::Text(text) | Self::Log(text) => length(&json!(text).to_string()),
            Self::Fields(fields) => length(&json!(fields).to_string()),
        }
    }
}

/// How it ended, and what failed.
fn text(message: &Message<'_>) -> String {
    let line = markdown::escaped(&message.line, MAX_LINE);
    let cause: Vec<String> = message.cause.iter().map(markdown::cause).collect();
    match cause.is_empty() {
        true => line,
        false => format!("{line}\n\n{}", cause.join("\n")),
    }
}

#[cfg(test)]
#[path = "attachments_tests.rs"]
mod tests;

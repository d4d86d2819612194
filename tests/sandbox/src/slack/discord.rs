//! What Discord refuses in a message. Lengths are in UTF-16 units, which are never fewer than characters.

use serde_json::Value;

use super::limits::{Verdict, list};

const LENGTH: Verdict = Err("BASE_TYPE_MAX_LENGTH");
const REQUIRED: Verdict = Err("BASE_TYPE_REQUIRED");

pub(super) fn check(message: &Value) -> Verdict {
    let embeds = list(message, "embeds");
    let content = units(&message["content"]);
    if embeds.is_empty() && content == 0 {
        return Err("cannot send an empty message");
    }
    if embeds.len() > 10 || content > 2000 {
        return LENGTH;
    }
    let mut total = 0;
    for embed in embeds {
        total += embed_length(embed)?;
    }
    if total > 6000 {
        return Err("MAX_EMBED_SIZE_EXCEEDED");
    }
    Ok(())
}

/// What counts for the limit of all embeds together.
fn embed_length(embed: &Value) -> Result<usize, &'static str> {
    let (title, description) = (units(&embed["title"]), units(&embed["description"]));
    let fields = list(embed, "fields");
    if title > 256 || description > 4096 || fields.len() > 25 {
        LENGTH?;
    }
    if !embed["color"].is_u64() || embed["color"].as_u64() > Some(0xff_ff_ff) {
        return Err("NUMBER_TYPE_MAX");
    }
    if embed["url"].as_str().is_some_and(|url| url.len() > 2048) {
        LENGTH?;
    }
    let mut total = title + description;
    for field in fields {
        let (name, value) = (units(&field["name"]), units(&field["value"]));
        if name == 0 || value == 0 {
            REQUIRED?;
        }
        if name > 256 || value > 1024 {
            LENGTH?;
        }
        total += name + value;
    }
    if title + description == 0 {
        REQUIRED?;
    }
    Ok(total)
}

fn units(text: &Value) -> usize {
    text.as_str().unwrap_or_default().encode_utf16().count()
}

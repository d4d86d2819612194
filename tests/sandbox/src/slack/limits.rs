//! What Slack refuses in a message, with the word it answers. Lengths are in characters.

use serde_json::Value;

pub(super) type Verdict = Result<(), &'static str>;

const BLOCKS: Verdict = Err("invalid_blocks");
/// All blocks together, as JSON (undocumented, seen in the field).
const MAX_BLOCKS_TOTAL: usize = 13_000;

/// Judges a whole message.
pub(super) fn check(message: &Value) -> Verdict {
    if !message.is_object() {
        return Err("invalid_payload");
    }
    let text = message
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let blocks = list(message, "blocks");
    let attachments = list(message, "attachments");
    if text.is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err("no_text");
    }
    if text.chars().count() > 40_000 {
        return Err("msg_too_long");
    }
    check_blocks(message)?;
    if attachments.len() > 100 {
        return Err("too_many_attachments");
    }
    for attachment in attachments {
        if !attachment.is_object() || check_blocks(attachment).is_err() {
            return Err("invalid_attachments");
        }
    }
    Ok(())
}

fn check_blocks(holder: &Value) -> Verdict {
    match holder.get("blocks") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(_)) => {}
        Some(_) => return BLOCKS,
    }
    let blocks = list(holder, "blocks");
    if blocks.len() > 50 {
        return BLOCKS;
    }
    let total: usize = blocks
        .iter()
        .map(|block| block.to_string().chars().count())
        .sum();
    if total > MAX_BLOCKS_TOTAL {
        return Err("msg_blocks_too_long");
    }
    blocks.iter().try_for_each(check_block)
}

fn check_block(block: &Value) -> Verdict {
    if block.get("block_id").is_some_and(|id| !string(id, 1..=255)) {
        return BLOCKS;
    }
    match block.get("type").and_then(Value::as_str) {
        Some("divider") => Ok(()),
        Some("header") => require(
            block
                .get("text")
                .is_some_and(|text| text_object(text, 150, &["plain_text"])),
        ),
        Some("section") => check_section(block),
        Some("context") => {
            let elements = list(block, "elements");
            let good = |element: &Value| text_object(element, 3000, TEXT) || image(element);
            require((1..=10).contains(&elements.len()) && elements.iter().all(good))
        }
        Some("actions") => {
            let elements = list(block, "elements");
            require((1..=25).contains(&elements.len()) && elements.iter().all(button))
        }
        Some("image") => require(image(block)),
        Some("rich_text") => require(!list(block, "elements").is_empty()),
        Some(_) | None => BLOCKS,
    }
}

const TEXT: &[&str] = &["mrkdwn", "plain_text"];

fn check_section(block: &Value) -> Verdict {
    let text = block.get("text");
    let fields = list(block, "fields");
    require(
        (text.is_some() || !fields.is_empty())
            && text.is_none_or(|text| text_object(text, 3000, TEXT))
            && fields.len() <= 10
            && fields.iter().all(|field| text_object(field, 2000, TEXT))
            && block
                .get("accessory")
                .is_none_or(|accessory| button(accessory) || image(accessory)),
    )
}

fn text_object(value: &Value, max: usize, kinds: &[&str]) -> bool {
    let kind = value.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kinds.contains(&kind))
        && value.get("text").is_some_and(|text| string(text, 1..=max))
}

fn button(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str) == Some("button")
        && value
            .get("text")
            .is_some_and(|text| text_object(text, 75, &["plain_text"]))
        && value.get("url").is_none_or(|url| string(url, 1..=3000))
        && value.get("value").is_none_or(|text| string(text, 0..=2000))
}

fn image(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str) == Some("image")
        && value
            .get("image_url")
            .is_some_and(|url| string(url, 1..=3000))
        && value
            .get("alt_text")
            .is_some_and(|text| string(text, 1..=2000))
}

fn string(value: &Value, length: std::ops::RangeInclusive<usize>) -> bool {
    value
        .as_str()
        .is_some_and(|text| length.contains(&text.chars().count()))
}

pub(super) fn list<'a>(holder: &'a Value, key: &str) -> &'a [Value] {
    holder
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn require(holds: bool) -> Verdict {
    if holds { Ok(()) } else { BLOCKS }
}

//! What Mattermost does not take, or takes and does not draw.

use serde_json::Value;

use super::limits::{Verdict, list};

/// A post's text, and all its attachments, in a server of some years ago.
const MAX_TEXT: usize = 16_383;
const MAX_PROPS: usize = 8_000;

pub(super) fn check(message: &Value) -> Verdict {
    let text = message["text"].as_str().unwrap_or_default();
    let attachments = list(message, "attachments");
    if text.is_empty() && attachments.is_empty() {
        return Err("api.incoming_webhook.invalid_text");
    }
    let all: usize = attachments
        .iter()
        .map(|attachment| attachment.to_string().chars().count())
        .sum();
    if text.chars().count() > MAX_TEXT || all > MAX_PROPS {
        return Err("model.post.is_valid.props.app_error");
    }
    let draws = |attachment: &Value| {
        attachment.get("blocks").is_none()
            && list(attachment, "fields").iter().all(|field| {
                ["title", "value"].iter().all(|key| field[*key].is_string())
                    && field["short"].is_boolean()
            })
    };
    if message.get("blocks").is_some() || !attachments.iter().all(draws) {
        return Err("not drawn");
    }
    Ok(())
}

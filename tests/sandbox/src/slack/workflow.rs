//! What the webhook of a workflow refuses.

use serde_json::Value;

use super::limits::Verdict;

/// The variables that the workflow of the stand-in declares.
const DECLARED: [&str; 4] = ["text", "outcome", "commit", "run_url"];

pub(super) fn check(message: &Value) -> Verdict {
    let Some(variables) = message.as_object() else {
        return Err("invalid_payload");
    };
    // Nothing nested, and nothing but text.
    if !variables.values().all(Value::is_string) {
        return Err("invalid_type");
    }
    if DECLARED.iter().any(|name| !variables.contains_key(*name)) {
        return Err("missing_required_field");
    }
    Ok(())
}

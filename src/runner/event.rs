//! The event that started the run. Everything in a payload is untrusted text.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::protocol::ids::Commit;
use crate::report::context::RunContext;

/// What the gate and the reports want to know of a pull request event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `owner/name`.
    pub repository: String,
    /// The pull request's number.
    pub number: u64,
    /// Its head commit.
    pub head: Commit,
    /// Its head branch.
    pub head_ref: String,
    /// Who set the label.
    pub sender: String,
}

/// Where a payload lacks a field or has a wrong type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event has no usable `{0}`")]
pub struct Unusable(pub &'static str);

/// A text inside a payload; `pointer` is an RFC 6901 path.
pub fn text<'a>(payload: &'a Value, pointer: &'static str) -> Result<&'a str, Unusable> {
    payload
        .pointer(pointer)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or(Unusable(pointer))
}

/// Reads the facts; a missing or malformed one is an error, never a default.
pub fn facts(payload: &Value) -> Result<Facts, Unusable> {
    const HEAD: &str = "/pull_request/head/sha";
    const NUMBER: &str = "/pull_request/number";
    Ok(Facts {
        repository: text(payload, "/repository/full_name")?.to_owned(),
        number: payload
            .pointer(NUMBER)
            .and_then(Value::as_u64)
            .ok_or(Unusable(NUMBER))?,
        head: text(payload, HEAD)?
            .parse()
            .map_err(|_name| Unusable(HEAD))?,
        head_ref: text(payload, "/pull_request/head/ref")?.to_owned(),
        sender: text(payload, "/sender/login")?.to_owned(),
    })
}

/// Where the payload may be, best first.
///
/// `act` can name a path of its host that is not there in the container; the payload then lies
/// where `act` or the runner mounts it.
pub fn payload_paths(env: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let named = env
        .get("GITHUB_EVENT_PATH")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let known = [
        "/github/workflow/event.json",
        "/var/run/act/workflow/event.json",
    ];
    named.into_iter().chain(known.map(PathBuf::from)).collect()
}

/// Reads the first payload that is there; the error says what is wrong with it.
pub fn load(paths: &[PathBuf]) -> Result<Value, String> {
    let mut first_trouble = None;
    for path in paths {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                return serde_json::from_str(&text)
                    .map_err(|error| format!("`{}` is not JSON: {error}", path.display()));
            }
            Err(error) => {
                let trouble = format!("`{}` cannot be read: {error}", path.display());
                first_trouble.get_or_insert(trouble);
            }
        }
    }
    Err(first_trouble.unwrap_or_else(|| "no event is given".to_owned()))
}

/// What the environment says about the run.
pub fn context(env: &BTreeMap<String, String>) -> RunContext {
    let get = |name: &str| env.get(name).filter(|text| !text.is_empty()).cloned();
    RunContext {
        app: None,
        slots: None,
        repository: get("GITHUB_REPOSITORY"),
        pull_request: None,
        // `GITHUB_SHA` is the merge commit of a pull request: the head comes from the event only.
        commit: None,
        head_ref: get("GITHUB_HEAD_REF"),
        actor: get("GITHUB_ACTOR").or_else(|| get("USER")),
        event_name: get("GITHUB_EVENT_NAME"),
        workflow: get("GITHUB_WORKFLOW"),
        job: get("GITHUB_JOB"),
        action: Some(get("GITHUB_ACTION").unwrap_or_else(|| "pct-deploy".to_owned())),
        server_url: get("GITHUB_SERVER_URL"),
        api_url: get("GITHUB_API_URL"),
        run_id: get("GITHUB_RUN_ID"),
        run_attempt: get("GITHUB_RUN_ATTEMPT"),
    }
}

/// The same with the event's own facts, which know better.
#[must_use]
pub fn with_facts(context: RunContext, facts: &Facts) -> RunContext {
    RunContext {
        repository: Some(facts.repository.clone()),
        pull_request: Some(facts.number),
        commit: Some(facts.head.clone()),
        head_ref: Some(facts.head_ref.clone()),
        actor: Some(facts.sender.clone()),
        ..context
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn the_head_never_comes_from_github_sha() {
        let env = env(&[
            ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_ACTOR", ""),
        ]);
        let context = context(&env);
        assert_eq!(context.commit, None);
        assert_eq!(context.actor, None);
        assert_eq!(context.repository.as_deref(), Some("o/r"));
        assert_eq!(context.action.as_deref(), Some("pct-deploy"));
    }

    #[test]
    fn a_payload_is_found_where_it_is_mounted() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.json");
        let there = folder.path().join("event.json");
        std::fs::write(&there, r#"{"action":"labeled"}"#).unwrap();
        let payload = load(&[missing.clone(), there]).unwrap();
        assert_eq!(payload["action"], "labeled");
        let trouble = load(std::slice::from_ref(&missing)).unwrap_err();
        assert!(trouble.contains("missing.json"), "{trouble}");
        std::fs::write(&missing, "{").unwrap();
        assert!(load(&[missing]).unwrap_err().contains("is not JSON"));
        assert_eq!(
            payload_paths(&env(&[("GITHUB_EVENT_PATH", "/x")])),
            [
                "/x",
                "/github/workflow/event.json",
                "/var/run/act/workflow/event.json"
            ]
            .map(PathBuf::from)
        );
    }
}

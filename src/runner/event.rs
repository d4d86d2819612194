//! The event that started the run. Everything in a payload is untrusted text.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::protocol::ids::Commit;
use crate::report::context::RunContext;

/// An event, and where its payload may be, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowEvent {
    /// `pull_request`, …
    pub name: String,
    /// Files; the first one that is there counts.
    pub payload: Vec<PathBuf>,
}

/// What the gate and the reports want to know of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `owner/name`.
    pub repository: String,
    /// The commit that is asked for: the pull request's head, or the one that was named.
    pub commit: Commit,
    /// Who set the label or started the workflow.
    pub sender: String,
    /// Which kind of event it is.
    pub origin: Trigger,
}

/// Which kind of event asked for a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A label was put on a pull request.
    Label(PullRequest),
    /// Somebody started the workflow by hand; this is the branch or tag it runs on.
    Dispatch(String),
}

/// A pull request, as the event has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    pub number: u64,
    pub head_ref: String,
    /// GitHub's merge of it into the base, which the event may be without.
    pub merge: Option<Commit>,
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

/// A whole number inside a payload.
pub fn number(payload: &Value, pointer: &'static str) -> Result<u64, Unusable> {
    let number = payload.pointer(pointer).and_then(Value::as_u64);
    number.ok_or(Unusable(pointer))
}

/// A yes or no inside a payload.
pub fn flag(payload: &Value, pointer: &'static str) -> Result<bool, Unusable> {
    let flag = payload.pointer(pointer).and_then(Value::as_bool);
    flag.ok_or(Unusable(pointer))
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
        repository: get("GITHUB_REPOSITORY"),
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
        // The commit among them: `GITHUB_SHA` is the merge commit of a pull request, the head comes from the event only.
        ..RunContext::default()
    }
}

/// The same with the event's own facts, which know better.
#[must_use]
pub fn with_facts(context: RunContext, facts: &Facts) -> RunContext {
    let (pull, branch) = match &facts.origin {
        Trigger::Label(pull) => (Some(pull), &pull.head_ref),
        Trigger::Dispatch(branch) => (None, branch),
    };
    RunContext {
        repository: Some(facts.repository.clone()),
        pull_request: pull.map(|pull| pull.number),
        commit: Some(facts.commit.clone()),
        head_ref: Some(branch.clone()),
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

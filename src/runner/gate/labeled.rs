//! A label that was put on a pull request.

use serde_json::Value;

use super::Refusal;
use super::show::short;
use crate::config::types::GateConfig;
use crate::error::Reason;
use crate::runner::event::{self, Facts, PullRequest, Trigger, Unusable};

const HEAD: &str = "/pull_request/head/sha";

/// What is asked for, or the first reason against it.
pub(super) fn asked(gate: &GateConfig, payload: &Value) -> Result<Facts, Refusal> {
    action(payload)?;
    label(gate, payload)?;
    base(gate, payload)?;
    origin(payload)?;
    state(payload)?;
    Ok(facts(payload)?)
}

fn action(payload: &Value) -> Result<(), Refusal> {
    let action = event::text(payload, "/action")?;
    if action == "labeled" {
        return Ok(());
    }
    let text = format!(
        "the action is `{}`, and only `labeled` deploys",
        short(action)
    );
    Err(Refusal::new(Reason::WrongAction, text))
}

/// The label that was just put on; the pull request's own list may hold ours for other reasons.
fn label(gate: &GateConfig, payload: &Value) -> Result<(), Refusal> {
    let label = event::text(payload, "/label/name")?;
    if is_the_label(gate, label) {
        return Ok(());
    }
    let text = format!(
        "the label is `{}`, and only `{}` deploys",
        short(label),
        short(&gate.label)
    );
    Err(Refusal::new(Reason::WrongLabel, text))
}

/// Whether this is the label that deploys.
pub(super) fn is_the_label(gate: &GateConfig, label: &str) -> bool {
    let wanted = comparable(&gate.label);
    !wanted.is_empty() && comparable(label) == wanted
}

/// A label's code points without the variation selector that some keyboards add after an emoji.
fn comparable(label: &str) -> String {
    let label: String = label.chars().filter(|c| *c != '\u{fe0f}').collect();
    label.trim().to_owned()
}

fn base(gate: &GateConfig, payload: &Value) -> Result<(), Refusal> {
    let base = event::text(payload, "/pull_request/base/ref")?;
    if base == gate.base {
        return Ok(());
    }
    let text = format!(
        "the pull request targets `{}`; only pull requests into `{}` are deployed",
        short(base),
        short(&gate.base)
    );
    Err(Refusal::new(Reason::WrongBase, text))
}

/// The head must be in the repository itself, by number and by name. A fork that is deleted is `null`.
fn origin(payload: &Value) -> Result<(), Refusal> {
    let refused = |whose: &str| {
        let text = format!(
            "the pull request comes from {whose}: push its branch to this repository and open another one"
        );
        Err(Refusal::new(Reason::FromFork, text))
    };
    if payload.pointer("/pull_request/head/repo") == Some(&Value::Null) {
        return refused("a fork that is gone");
    }
    let head = event::text(payload, "/pull_request/head/repo/full_name")?;
    let base = event::text(payload, "/pull_request/base/repo/full_name")?;
    let here = event::text(payload, "/repository/full_name")?;
    let head_id = event::number(payload, "/pull_request/head/repo/id")?;
    let base_id = event::number(payload, "/pull_request/base/repo/id")?;
    if base != here {
        return Err(Unusable("/pull_request/base/repo/full_name").into());
    }
    if head != base || head_id != base_id {
        return refused(&format!("the fork `{}`", short(head)));
    }
    Ok(())
}

fn state(payload: &Value) -> Result<(), Refusal> {
    const STATE: &str = "/pull_request/state";
    let merged = event::flag(payload, "/pull_request/merged")?;
    let draft = event::flag(payload, "/pull_request/draft")?;
    match event::text(payload, STATE)? {
        _ if merged => Err(Refusal::new(
            Reason::Merged,
            "the pull request is merged already",
        )),
        "closed" => Err(Refusal::new(Reason::Closed, "the pull request is closed")),
        "open" if draft => Err(draft_refused()),
        "open" => Ok(()),
        _other => Err(Unusable(STATE).into()),
    }
}

/// The same words for the event and for what GitHub says later.
pub(super) fn draft_refused() -> Refusal {
    let text =
        "the pull request is a draft: mark it as ready, take the label off and put it on again";
    Refusal::new(Reason::Draft, text)
}

/// A missing or malformed one is an error, never a default.
fn facts(payload: &Value) -> Result<Facts, Unusable> {
    Ok(Facts {
        repository: event::text(payload, "/repository/full_name")?.to_owned(),
        commit: event::text(payload, HEAD)?
            .parse()
            .map_err(|_name| Unusable(HEAD))?,
        sender: event::text(payload, "/sender/login")?.to_owned(),
        origin: Trigger::Label(PullRequest {
            number: event::number(payload, "/pull_request/number")?,
            head_ref: event::text(payload, "/pull_request/head/ref")?.to_owned(),
            // Nothing is allowed by it alone, so that it may be missing.
            merge: event::text(payload, "/pull_request/merge_commit_sha")
                .ok()
                .and_then(|commit| commit.parse().ok()),
        }),
    })
}

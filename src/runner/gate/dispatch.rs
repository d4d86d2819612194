//! A workflow that somebody started by hand, with a commit among its inputs.

use serde_json::Value;

use super::Refusal;
use super::show::short;
use crate::error::Reason;
use crate::protocol::ids::Commit;
use crate::runner::event::{self, Facts, Trigger};

const HOW: &str = "give the workflow an input `sha` under `on: workflow_dispatch: inputs:` and write the full commit into it";

/// What is asked for. The event has no label, no base and no pull request: the commit is all that it names.
pub(super) fn asked(payload: &Value) -> Result<Facts, Refusal> {
    let commit = commit(payload)?;
    Ok(Facts {
        repository: event::text(payload, "/repository/full_name")?.to_owned(),
        commit,
        sender: event::text(payload, "/sender/login")?.to_owned(),
        origin: Trigger::Dispatch(branch(event::text(payload, "/ref")?).to_owned()),
    })
}

fn branch(name: &str) -> &str {
    let short = name.strip_prefix("refs/heads/");
    short
        .or_else(|| name.strip_prefix("refs/tags/"))
        .unwrap_or(name)
}

/// The one under `sha` or `commit`. Both may be declared, and one of them empty.
fn commit(payload: &Value) -> Result<Commit, Refusal> {
    let refused = |what: &str| Refusal::new(Reason::NoCommit, format!("{what}: {HOW}"));
    let mut named = Vec::new();
    for pointer in ["/inputs/sha", "/inputs/commit"] {
        match payload.pointer(pointer) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => named.extend(Some(text.trim()).filter(|t| !t.is_empty())),
            Some(_other) => return Err(refused("the commit is no text")),
        }
    }
    named.dedup();
    match named.as_slice() {
        [] => Err(refused("the workflow was started without a commit")),
        [text] => text.parse().map_err(|_name| {
            refused(&format!(
                "`{}` is not a full commit of 40 lower-case hex digits",
                short(text)
            ))
        }),
        _ => Err(refused("`sha` and `commit` name two commits")),
    }
}

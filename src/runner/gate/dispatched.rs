//! Where a commit is that a person named: GitHub hands out the commits of forks by number, too.

use super::{Refusal, reviews, standing};
use crate::clients::github::{CommitPosition, Github};
use crate::config::types::GateConfig;
use crate::error::{Reason, Result};
use crate::runner::event::Facts;

use super::show::short;

/// Which try of a run this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The one that was asked for.
    First,
    /// "Re-run jobs", which replays an old event.
    Again,
}

/// What stands behind the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Backing {
    /// The base has it.
    Base,
    /// It is the head of an approved open pull request to the base.
    Pull(u64),
    /// Nothing does.
    Nothing(Refusal),
}

/// What the base alone says about the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnBase {
    /// Deploy it.
    Yes,
    /// It is an older one, and nobody asked for it anew.
    Stale,
    /// A pull request may stand behind it.
    No,
}

pub(super) fn on_base(standing: CommitPosition, attempt: Attempt) -> OnBase {
    match (standing, attempt) {
        (CommitPosition::Tip, Attempt::First | Attempt::Again)
        | (CommitPosition::Behind, Attempt::First) => OnBase::Yes,
        (CommitPosition::Behind, Attempt::Again) => OnBase::Stale,
        (CommitPosition::Elsewhere, Attempt::First | Attempt::Again) => OnBase::No,
    }
}

/// The commit must be on the base, or be what a pull request with the wanted approvals would bring there.
pub(super) async fn backing(
    github: &Github,
    facts: &Facts,
    gate: &GateConfig,
    attempt: Attempt,
) -> Result<Backing> {
    let standing = github.standing(&gate.base, &facts.commit).await?;
    match on_base(standing, attempt) {
        OnBase::Yes => Ok(Backing::Base),
        OnBase::Stale => Ok(Backing::Nothing(stale(facts, gate))),
        OnBase::No => by_pull_request(github, facts, gate).await,
    }
}

async fn by_pull_request(github: &Github, facts: &Facts, gate: &GateConfig) -> Result<Backing> {
    let mut first = None;
    for number in github.pulls_with_head(&facts.commit).await? {
        let now = github.pull_request(number).await?;
        if now.state != "open" || now.base != gate.base {
            continue;
        }
        let refusal = match standing::refusal(&now, facts, gate) {
            None => reviews::refusal(github, number, gate.approvals).await?,
            refusal => refusal,
        };
        match refusal {
            None => return Ok(Backing::Pull(number)),
            Some(refusal) => first = first.or(Some(refusal)),
        }
    }
    Ok(Backing::Nothing(
        first.unwrap_or_else(|| not_on_base(facts, gate)),
    ))
}

/// Said here and when it is asked again.
pub(in crate::runner) fn not_on_base(facts: &Facts, gate: &GateConfig) -> Refusal {
    let text = format!(
        "the commit `{}` is neither on `{}` nor the head of an open pull request to it: \
         open one, or merge it first",
        facts.commit.short(),
        short(&gate.base)
    );
    Refusal::new(Reason::NotOnBase, text)
}

fn stale(facts: &Facts, gate: &GateConfig) -> Refusal {
    let text = format!(
        "this is a re-run, and `{}` has moved on since from the commit `{}`: \
         start the workflow again to deploy an older commit",
        short(&gate.base),
        facts.commit.short()
    );
    Refusal::new(Reason::StaleRun, text)
}

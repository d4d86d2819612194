//! Asks again what the gate has asked, right before something that cannot be taken back.
//!
//! Building takes minutes, and somebody may push to the branch meanwhile, a check may fail, a reviewer may object.

use super::event::Facts;
use super::gate::{Refusal, checks, dispatched, reviews, standing};
use crate::clients::github::{CommitPosition, Github};
use crate::config::types::{GateConfig, RequiredChecks};
use crate::error::{Error, Result};

/// Whom to ask.
#[derive(Debug)]
pub enum Recheck {
    /// GitHub, whether all is as it was.
    Github(Box<Again>),
    /// Nobody: the commit was named by a person at a keyboard, or there is no token.
    Nobody,
}

/// What is asked again.
#[derive(Debug)]
pub struct Again {
    pub github: Github,
    pub facts: Facts,
    pub gate: GateConfig,
    /// The pull request behind the commit; `None` when the base has it already.
    pub pull: Option<u64>,
    /// Our own run, whose jobs cannot wait for themselves.
    pub run_id: Option<String>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The image goes to the registry.
    Push,
    /// The host is told to deploy it.
    Swap,
}

impl Recheck {
    /// Fails unless all is as it was; also when GitHub does not say so.
    pub async fn unmoved(&self, before: Before) -> Result<()> {
        let Self::Github(again) = self else {
            return Ok(());
        };
        let Some(refusal) = again.refusal().await? else {
            return Ok(());
        };
        let what = match before {
            Before::Push => "the image is not pushed",
            Before::Swap => "the host is not told to deploy",
        };
        Err(Error::untouched(refusal.reason, what).because(refusal.text))
    }
}

impl Again {
    async fn refusal(&self) -> Result<Option<Refusal>> {
        let Self {
            github,
            facts,
            gate,
            pull,
            run_id,
        } = self;
        let moved = match pull {
            Some(number) => {
                let now = github.pull_request(*number).await?;
                match standing::moved(&now, &facts.commit, &gate.base) {
                    None => reviews::refusal(github, *number, gate.approvals).await?,
                    moved => moved,
                }
            }
            None => match github.standing(&gate.base, &facts.commit).await? {
                CommitPosition::Tip | CommitPosition::Behind => None,
                CommitPosition::Elsewhere => Some(dispatched::not_on_base(facts, gate)),
            },
        };
        if moved.is_some() || gate.checks == RequiredChecks::Off {
            return Ok(moved);
        }
        let found = github.checks(&facts.commit).await?;
        Ok(checks::refusal(&gate.checks, &found, run_id.as_deref()))
    }
}

//! Asks again what the gate has asked, right before something that cannot be taken back.
//!
//! Building takes minutes, and somebody may push to the branch meanwhile.

use super::gate::standing;
use crate::error::{Error, Result};
use crate::protocol::ids::Commit;
use crate::report::github::Github;

/// Whom to ask about what.
#[derive(Debug)]
pub enum Recheck {
    /// GitHub, whether the pull request is where it was.
    Pull {
        /// The client.
        github: Box<Github>,
        /// The pull request.
        number: u64,
        /// The head commit that is deployed.
        commit: Commit,
        /// The branch it goes to.
        base: String,
    },
    /// Nobody: the commit was named by a person, or there is no token.
    Nobody,
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
        let Self::Pull {
            github,
            number,
            commit,
            base,
        } = self
        else {
            return Ok(());
        };
        let now = github.pull_request(*number).await?;
        let Some(refusal) = standing::moved(&now, commit, base) else {
            return Ok(());
        };
        let what = match before {
            Before::Push => "the image is not pushed",
            Before::Swap => "the host is not told to deploy",
        };
        Err(Error::untouched(refusal.reason, what).because(refusal.text))
    }
}

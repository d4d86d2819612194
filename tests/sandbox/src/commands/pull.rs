//! The pull request that `event` writes about and `github` holds.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sandbox::event::Event;
use sandbox::pull::{Pull, Stage};

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    #[arg(long, default_value = "octo-org/pct-backend")]
    repo: String,
    #[arg(long, default_value_t = 7)]
    pr: u64,
    #[arg(long, default_value = "main")]
    base: String,
    #[arg(long, default_value = "feature")]
    head: String,
    #[arg(long, default_value = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    head_sha: String,
    #[arg(long, default_value = "octocat")]
    author: String,
    /// Labels on the pull request.
    #[arg(long = "label")]
    labels: Vec<String>,
    #[arg(long, value_enum, default_value_t = StageArg::Open)]
    stage: StageArg,
    /// Puts the head into this user's fork.
    #[arg(long)]
    fork_of: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StageArg {
    Draft,
    Open,
    Closed,
    Merged,
}

#[derive(Debug, Args)]
pub(crate) struct EventArgs {
    #[command(flatten)]
    pull: PullArgs,
    /// The label that was put on.
    #[arg(long, default_value = "🎅🏼deploy")]
    put: String,
    #[arg(long, default_value = "labeled")]
    action: String,
    /// Who did it; the author when not given.
    #[arg(long)]
    sender: Option<String>,
    /// The API that the payload's addresses name.
    #[arg(long)]
    api: Option<String>,
    #[arg(long)]
    out: PathBuf,
}

impl EventArgs {
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        let mut event = Event::labeled(self.pull.build(), &self.put).action(&self.action);
        if let Some(sender) = &self.sender {
            event = event.sender(sender);
        }
        if let Some(api) = &self.api {
            event = event.api(api);
        }
        event.write(&self.out)
    }
}

impl PullArgs {
    pub(crate) fn build(&self) -> Pull {
        let stage = match self.stage {
            StageArg::Draft => Stage::Draft,
            StageArg::Open => Stage::Open,
            StageArg::Closed => Stage::Closed,
            StageArg::Merged => Stage::Merged,
        };
        let mut pull = Pull::new(&self.repo, self.pr)
            .base(&self.base)
            .head(&self.head, &self.head_sha)
            .author(&self.author)
            .stage(stage);
        for label in &self.labels {
            pull = pull.label(label);
        }
        match &self.fork_of {
            Some(owner) => pull.fork_of(owner),
            None => pull,
        }
    }
}

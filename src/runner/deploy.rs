//! **The story**: a deploy from the event to the last report. What the host makes of it is told in `agent::deploy`.

use tokio::{join, try_join};

use super::ending::{self, EndedRun};
use super::gate::passing;
use super::recheck::Before;
use super::run::{Invocation, Run};
use super::session::Session;
use super::{dry_run, provide, swap, worktree};
use crate::config::parse::{self, Gated};
use crate::config::types::{DeployConfig, Mode};
use crate::error::Result;
use crate::protocol::plan::Target;
use crate::protocol::result::RunResult;

/// The gate, the settings, the image beside the host, the swap, the reports.
pub async fn deploy(mut by: Invocation) -> Result<EndedRun> {
    // The event alone decides first, before settings, secrets, Docker and SSH are looked at.
    let facts = match passing::event(&by) {
        Ok(facts) => facts,
        Err(refusal) => return Ok(ending::refused(&by, &refusal).await),
    };
    by.read_standard_input().await?;
    let gated = facts.as_ref().map_or(Gated::Free, |_| Gated::ByEvent);
    let config = match parse::deploy(&by.settings, by.caller, by.reach, gated) {
        Ok(config) => config,
        Err(error) => return Ok(ending::misconfigured(&by, facts.as_ref(), error).await),
    };
    let mut run = Run::of_deploy(&by, &config, facts.as_ref());
    if let Some(facts) = &facts {
        match Box::pin(passing::questions(&run, &config, facts)).await {
            Ok(recheck) => run.recheck = recheck,
            Err(result) => return Ok(run.finish(*result).await),
        }
        run.label = passing::label(&config.gate, facts);
    }
    worktree::tell(&mut run, &config).await;
    by.memory.begin(&run.context, &run.reporter);
    let result = match config.gate.mode {
        Mode::DryRun => run.alive_during(dry_run::check(&run, &config.host)).await,
        Mode::Deploy => {
            let both = async { join!(run.report_start(), ship(&run, &config)) };
            run.alive_during(both).await.1
        }
    };
    Ok(run.finish(run.result(result)).await)
}

/// The image beside the host, then the swap. Tags that move are pushed when the release is live.
async fn ship(run: &Run<'_>, config: &DeployConfig) -> Result<RunResult> {
    let both = async {
        let image = Box::pin(provide::image(run, config));
        let host = Box::pin(Session::ready(config, &run.reporter));
        let both = try_join!(image, host)?;
        run.recheck.unmoved(Before::Swap).await?;
        Ok(both)
    };
    let (image, host) = run.unless_cancelled(both).await?;
    let result = swap::swap(run, host, Target::Image(image.pinned.clone())).await;
    if result.outcome.is_live() {
        image.push_rest(run, config).await;
    }
    Ok(result)
}

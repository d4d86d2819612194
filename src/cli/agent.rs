//! The hidden host side.

use super::args::AgentCommand;
use crate::agent;
use crate::error::{ExitCode, Result};

pub(super) async fn run(command: AgentCommand) -> Result<ExitCode> {
    agent::keep_to_ourselves();
    match command {
        AgentCommand::Serve => Box::pin(agent::serve()).await,
        AgentCommand::Work => Box::pin(agent::work()).await,
        AgentCommand::Recover => tell(&agent::recover_all().await?),
        AgentCommand::Settle => tell(&agent::settle_all().await?),
    }
}

fn tell(lines: &[String]) -> Result<ExitCode> {
    for line in lines {
        super::render::out(&format!("{line}\n"))?;
    }
    Ok(ExitCode::Success)
}

//! The hidden host side.

use super::args::AgentCommand;
use crate::agent;
use crate::error::{ExitCode, Result};

/// Runs it.
pub(super) async fn run(command: AgentCommand) -> Result<ExitCode> {
    match command {
        AgentCommand::Serve => Box::pin(agent::serve()).await,
        AgentCommand::Work => Box::pin(agent::work()).await,
        AgentCommand::Recover => {
            for line in agent::recover_all().await? {
                super::render::out(&format!("{line}\n"))?;
            }
            Ok(ExitCode::Success)
        }
        AgentCommand::ReplaceFile { path, mode } => agent::replace_file(&path, mode),
    }
}

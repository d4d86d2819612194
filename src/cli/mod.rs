//! The command line: reads the world once, asks the floors below, says how it went.
//!
//! [`args`] is what can be typed; [`environment`] is the only reader of the process environment;
//! [`deploy`], [`rollback`], [`provision`] and [`look`] are the commands; [`exit`] maps results to exit codes;
//! [`render`] writes errors, once, and [`tables`] what `status` and `history` found.

mod agent;
mod args;
mod deploy;
mod environment;
pub mod exit;
mod flags;
mod look;
mod provision;
mod render;
mod rollback;
mod start;
mod stdin;
mod tables;

use clap::Parser as _;

use crate::error::{Error, ExitCode, Result};
use crate::runner::cancel::Cancel;
use args::{AgentCommand, Cli, Command, Global};

/// Parses the command line, runs the command, and says how it went.
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => {
            // Help and version go to standard output and are no failure.
            let code = if refusal.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Success
            };
            refusal.print().ok();
            return code.into();
        }
    };
    run(cli)
        .unwrap_or_else(|error| {
            render::error(&error);
            error.code()
        })
        .into()
}

fn run(cli: Cli) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::bug("cannot start the runtime").because(error))?;
    let code = runtime.block_on(Box::pin(command(cli.global, cli.command)));
    // A read of standard input that nobody answers must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn command(global: Global, command: Command) -> Result<ExitCode> {
    match command {
        Command::Agent(command) => serve(command).await,
        Command::Action(args) => deploy::action(&begin(global)?, &args.settings).await,
        Command::Deploy(args) => deploy::deploy(&begin(global)?, &args).await,
        Command::Rollback(args) => rollback::run(&begin(global)?, &args).await,
        Command::Provision(args) => provision::run(&begin(global)?, &args).await,
        Command::Status(args) => look::status(&begin(global)?, &args.settings).await,
        Command::History(args) => look::history(&begin(global)?, &args.settings).await,
    }
}

/// The agent outlives its runner and handles signals in its own way.
async fn serve(command: AgentCommand) -> Result<ExitCode> {
    agent::run(command).await
}

/// Signals first: as PID 1 of the action's container an unhandled one would be ignored.
fn begin(global: Global) -> Result<start::Start> {
    let cancel = Cancel::install()?;
    start::Start::new(global, cancel)
}

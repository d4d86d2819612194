//! The command line: reads the world once, asks the floors below, says how it went.
//!
//! [`args`] is what can be typed; [`environment`] is the only reader of the process environment;
//! [`start`] makes of both what a command is given; [`mod@deploy`], [`provision`], [`doctor`], [`look`] and [`mod@logs`] are
//! the commands;
//! [`pages`] prints what shells and `man` read of it; [`render`] writes errors, once, and [`tables`] what `status` and `history` found.

mod agent;
mod args;
mod deploy;
mod doctor;
mod environment;
mod flags;
mod logs;
mod look;
mod pages;
mod provision;
mod render;
mod settings_file;
mod start;
mod tables;

use std::ffi::OsString;
use std::path::Path;

use clap::Parser as _;

use crate::error::{Error, ExitCode, Result};
use crate::runner::cancel::Cancel;
use args::{Cli, Command, Global};

/// The command of the host side.
const AGENT: &str = "agent";

/// The name under which the image has this binary a second time: a runner gives `post-entrypoint` no
/// arguments of its own, only those of the main step.
const POST: &str = "pct-deploy-post";

/// Parses the command line, runs the command, and says how it went.
pub fn main() -> std::process::ExitCode {
    let typed = arguments(std::env::args_os().collect());
    // Signals first: as PID 1 of the action's container an unhandled one would be ignored. The agent outlives
    // its runner and handles them in its own way.
    let cancel = match typed.get(1) {
        Some(word) if word == AGENT => Ok(Cancel::never()),
        Some(_) | None => Cancel::install(),
    };
    let cli = match Cli::try_parse_from(typed) {
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
    cancel
        .and_then(|cancel| run(cli, cancel))
        .unwrap_or_else(|error| {
            render::error(&error);
            error.code().into()
        })
}

/// What was typed, or what the name of the program stands for.
fn arguments(typed: Vec<OsString>) -> Vec<OsString> {
    let name = typed
        .first()
        .and_then(|path| Path::new(path).file_name())
        .unwrap_or_default();
    if name == POST {
        return vec![name.to_owned(), "action-post".into()];
    }
    typed
}

fn run(cli: Cli, cancel: Cancel) -> Result<std::process::ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::bug("cannot start the runtime").because(error))?;
    let code = runtime.block_on(Box::pin(command(cli.global, cli.command, cancel)));
    // A read of standard input that nobody answers must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn command(
    global: Global,
    command: Command,
    cancel: Cancel,
) -> Result<std::process::ExitCode> {
    let begin = || start::Start::new(global, cancel);
    let code = match command {
        // Another program's code, which may be any.
        Command::Exec(args) => {
            let code = deploy::exec(&begin()?, &args).await?;
            return Ok(std::process::ExitCode::from(code));
        }
        Command::Agent(command) => agent::run(command).await,
        Command::Action(args) => deploy::action(&begin()?, &args.settings).await,
        Command::ActionPost => deploy::post(&begin()?).await,
        Command::Deploy(args) => deploy::deploy(&begin()?, &args).await,
        Command::Rollback(args) => deploy::rollback(&begin()?, &args).await,
        Command::Restart(args) => deploy::restart(&begin()?, &args).await,
        Command::Provision(args) => provision::run(&begin()?, &args).await,
        Command::Doctor(args) => doctor::run(&begin()?, &args).await,
        Command::Status(args) => look::status(&begin()?, &args.settings).await,
        Command::History(args) => look::history(&begin()?, &args).await,
        Command::Logs(args) => logs::logs(&begin()?, &args).await,
        Command::Completions(args) => pages::completions(args.shell),
        Command::Man(args) => pages::man(args.into.as_deref()),
    };
    code.map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_can_stand_for_the_post_step() {
        let of = |words: &[&str]| arguments(words.iter().map(OsString::from).collect());
        // As a runner starts it: with the arguments of the main step.
        let post = of(&["/usr/local/bin/pct-deploy-post", "action"]);
        assert_eq!(post, ["pct-deploy-post", "action-post"]);
        let main = of(&["/usr/local/bin/pct-deploy", "action"]);
        assert_eq!(main, ["/usr/local/bin/pct-deploy", "action"]);
        assert_eq!(of(&[]), Vec::<OsString>::new());
    }
}

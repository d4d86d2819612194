//! The sandbox's parts as commands, for shell scripts and for trying things by hand.

#![allow(
    clippy::disallowed_methods,
    reason = "the product's fences (clock, sleep, files) do not bind its tests' surroundings"
)]

mod commands;

use clap::Parser as _;

use commands::Cli;

fn main() -> anyhow::Result<std::process::ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(Cli::parse().run())
}

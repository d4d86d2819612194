//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::flags::{ForDeploy, ForLook, ForRollback, SettingFlags};
use crate::protocol::ids::{Commit, DeploymentId, ReleasePrefix, ServerName};
use crate::protocol::logs::LogStart;
use crate::protocol::span::Span;

/// Deploys a container to a small server without losing a request.
#[derive(Debug, Parser)]
#[command(name = "pct-deploy", version, propagate_version = true)]
#[command(after_help = "\
Settings come from flags, action inputs (INPUT_*), the environment (PCT_DEPLOY_SSH_HOST for
--ssh-host) and .pct-deploy.yml, in this order. Secrets are never taken literally from a flag.

Exit codes: 0 deployed, unchanged or refused by the gate; 1 a bug; 2 usage or settings; 3 failed and
rolled back; 4 stuck, manual action needed; 5 failed before the app was touched; 130/143 cancelled.")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Work on this machine, without SSH
    #[arg(long, global = true, value_name = "local")]
    pub(super) host: Option<HostWord>,
    /// Read the settings from this file instead of `.pct-deploy.yml`
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print the result as one JSON object on standard output, everything else on standard error
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say more: every step and what builds, compose and the app print; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say nothing but warnings, errors and how it ended
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
}

/// What `--host` understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum HostWord {
    /// This machine; another one is named by `--ssh-host`
    Local,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run as a GitHub action: inputs and event from the environment
    Action(ActionArgs),
    /// Settle what the action left open when it ended; runs as its post step
    ActionPost,
    /// Build, push and deploy an image
    Deploy(DeployArgs),
    /// Deploy an earlier release again; needs no registry and no CI
    Rollback(RollbackArgs),
    /// Start the live release again, in the other slot, without losing a request; needs no registry and no CI
    ///
    /// The release starts in the slot that is idle, with the settings that it was deployed with, gets the traffic when it
    /// is healthy, is watched, and then the old container is stopped: a deploy of the same release. A change of the
    /// compose file needs `deploy`.
    Restart(RestartArgs),
    /// Run a command in the live slot's container; it ends with that command's exit code
    ///
    /// Standard input may be piped to it. It has the terminal with `--host local` alone, on the server itself.
    Exec(ExecArgs),
    /// Prepare the host: the reload-free switch and recovery at boot; safe to run again
    Provision(ProvisionArgs),
    /// Look at both ends, change nothing, and say what is wrong and what to do about it
    Doctor(DoctorArgs),
    /// Show what is live
    Status(LookArgs),
    /// Show what happened; with a DEPLOYMENT, why that one ended as it did
    History(HistoryArgs),
    /// Show what the live slot printed, or another one
    Logs(LogsArgs),
    /// Print a completion script for a shell
    #[command(after_help = "\
bash: pct-deploy completions bash >~/.local/share/bash-completion/completions/pct-deploy
zsh:  pct-deploy completions zsh >~/.zfunc/_pct-deploy   (with ~/.zfunc in $fpath)
fish: pct-deploy completions fish >~/.config/fish/completions/pct-deploy.fish")]
    Completions(CompletionsArgs),
    /// Print the manual pages, or write them into a folder
    Man(ManArgs),
    /// The host side
    #[command(subcommand, hide = true)]
    Agent(AgentCommand),
}

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// `live`, `idle` (the other one), or the name of a slot
    #[arg(long, value_name = "SLOT", default_value = "live")]
    pub(super) slot: String,
    /// Go on until the container ends or Ctrl-C
    #[arg(short, long)]
    pub(super) follow: bool,
    /// Begin so long ago (`10m`), or where a deployment began (as `history` lists it)
    #[arg(long, value_name = "TIME|DEPLOYMENT", value_parser = log_start)]
    pub(super) since: Option<LogStart>,
    /// Only the last so many lines; 100 unless `--since` is given
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub(super) lines: Option<u32>,
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForLook>,
}

fn log_start(text: &str) -> Result<LogStart, String> {
    if let Ok(deployment) = text.parse() {
        return Ok(LogStart::Deployment(deployment));
    }
    let ago: Span = text.parse().map_err(|error| {
        format!("{error}; or write a deployment, such as `20260131T235959Z-0a1b2c`")
    })?;
    let ms = ago.duration().as_millis();
    Ok(LogStart::AgoMs(u64::try_from(ms).unwrap_or(u64::MAX)))
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write a page for each command into this folder, such as ~/.local/share/man/man1
    #[arg(long, value_name = "FOLDER")]
    pub(super) into: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ActionArgs {
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForDeploy>,
}

#[derive(Debug, Args)]
pub(super) struct DeployArgs {
    /// Pass this GitHub event through the gate first
    #[arg(long, value_name = "FILE", conflicts_with = "commit")]
    pub(super) event: Option<PathBuf>,
    /// The full commit that the image is built from, for tags and reports; what git says if not given
    #[arg(long, value_name = "SHA")]
    pub(super) commit: Option<Commit>,
    /// Deploy even if the release is live already: it starts again, in the other slot
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForDeploy>,
}

#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    /// The release to go back to, as `status` lists it, or the commit that it was built from, or the beginning of either;
    /// the one before the live one if not given
    #[arg(long, value_name = "RELEASE|COMMIT")]
    pub(super) to: Option<ReleasePrefix>,
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForRollback>,
}

#[derive(Debug, Args)]
pub(super) struct RestartArgs {
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForRollback>,
}

#[derive(Debug, Args)]
pub(super) struct ExecArgs {
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForLook>,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ProvisionArgs {
    /// The name people type, for a new site file; a `server` block that uses the include already needs none
    #[arg(long, value_name = "NAME")]
    pub(super) server_name: Option<ServerName>,
    /// Say what would be changed and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Change lines of your own in nginx's files where the lossless switch needs it; without it they are shown
    #[arg(long)]
    pub(super) edit: bool,
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForLook>,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForDeploy>,
}

#[derive(Debug, Args)]
pub(super) struct LookArgs {
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForLook>,
}

#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// One of the list, such as `20260131T235959Z-0a1b2c`
    #[arg(value_name = "DEPLOYMENT")]
    pub(super) deployment: Option<DeploymentId>,
    #[command(flatten)]
    pub(super) settings: SettingFlags<ForLook>,
}

#[derive(Debug, Subcommand)]
pub(super) enum AgentCommand {
    /// Serve one request on standard input
    Serve,
    /// Carry out the plan on standard input, in a session of its own; `serve` starts it
    Work,
    /// Bring deploys that were cut short to their end; safe at any time, also at boot
    Recover,
    /// End what a deploy left open when nobody is at work; a timer starts it
    Settle,
}

//! `action`, its post step, `deploy`, `rollback`, `restart` and `exec`.

use super::args::{DeployArgs, ExecArgs, RestartArgs, RollbackArgs};
use super::environment;
use super::flags::{ForDeploy, SettingFlags};
use super::render;
use super::start::Start;
use crate::config::parse::Caller;
use crate::config::sources::Inputs;
use crate::error::{ExitCode, Result};
use crate::report::outputs::OutputFiles;
use crate::report::state::{self, Memory};
use crate::report::{ConsoleMode, Verbosity};
use crate::runner::event::{self, WorkflowEvent};
use crate::runner::rollback::{self, WantedRelease};
use crate::runner::{Invocation, deploy, exec, post};

/// The container's entry point.
pub(super) async fn action(start: &Start, flags: &SettingFlags<ForDeploy>) -> Result<ExitCode> {
    let mut by = of_action(start, &flags.given);
    by.memory = Memory::new(by.files.clone(), environment::post_step(&start.env));
    by.event = Some(WorkflowEvent {
        name: by.context.event_name.clone().unwrap_or_default(),
        payload: event::payload_paths(&start.env),
    });
    let ended = Box::pin(deploy::deploy(by)).await?;
    render::ended(&ended, start.global.json)
}

/// Settles what the action left open. The main step's exit code stands, so this one is always 0; nothing to do means
/// nothing said: the main step told everything, or (act) nobody kept its state.
pub(super) async fn post(start: &Start) -> Result<ExitCode> {
    if let Some(memory) = state::left(&start.env) {
        let mut by = of_action(start, &[]);
        by.memory = memory;
        by.files = OutputFiles {
            output: None,
            state: None,
            ..by.files
        };
        Box::pin(post::settle(&by)).await;
    }
    Ok(ExitCode::Success)
}

fn of_action(start: &Start, flags: &[(&'static str, String)]) -> Invocation {
    Invocation {
        caller: Caller::Action,
        console: ConsoleMode::Actions,
        ..start.invocation(start.gather(flags, Inputs::OfThisAction))
    }
}

pub(super) async fn deploy(start: &Start, args: &DeployArgs) -> Result<ExitCode> {
    let mut by = start.typed(&args.settings);
    by.force = args.force;
    match &args.event {
        Some(path) => {
            by.event = Some(WorkflowEvent {
                name: "pull_request".to_owned(),
                payload: vec![path.clone()],
            });
        }
        None => by.context.commit.clone_from(&args.commit),
    }
    let ended = Box::pin(deploy::deploy(by)).await?;
    render::ended(&ended, start.global.json)
}

pub(super) async fn rollback(start: &Start, args: &RollbackArgs) -> Result<ExitCode> {
    let to = args.to.clone();
    let wanted = to.map_or(WantedRelease::Previous, WantedRelease::Named);
    let by = start.typed(&args.settings);
    let ended = Box::pin(rollback::rollback(by, wanted)).await?;
    render::ended(&ended, start.global.json)
}

pub(super) async fn restart(start: &Start, args: &RestartArgs) -> Result<ExitCode> {
    let by = start.typed(&args.settings);
    let ended = Box::pin(rollback::rollback(by, WantedRelease::Live)).await?;
    render::ended(&ended, start.global.json)
}

/// The exit code is that of the command.
pub(super) async fn exec(start: &Start, args: &ExecArgs) -> Result<u8> {
    let by = start.asked(&args.settings, Verbosity::Answer);
    Box::pin(exec::exec(by, &args.command)).await
}

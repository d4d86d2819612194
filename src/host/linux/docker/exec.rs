//! Runs a program in a container to its end.

use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use futures_util::TryStreamExt as _;

use super::super::super::HostResult;
use super::super::super::error::{HostError, Trouble};
use super::errors;
use crate::clients::lines::{Lines, Tail};

/// What an error shows of the output.
const TAIL: usize = 20;
/// What a shell, and Docker, say of a program that is not there.
const NOT_FOUND: i64 = 127;

/// What a program in a container printed.
#[derive(Debug, Default)]
pub(in super::super) struct Printed {
    pub(in super::super) output: Vec<u8>,
    /// The end of its standard error.
    pub(in super::super) errors: Vec<String>,
}

/// Runs a program as `docker exec` does, at most `most` bytes of output and for at most `deadline`; it must end with 0.
pub(in super::super) async fn run(
    docker: &Docker,
    container: &str,
    command: &[&str],
    doing: &str,
    most: usize,
    deadline: Duration,
) -> HostResult<Printed> {
    let name = command.first().copied().unwrap_or_default();
    let ran = tokio::time::timeout(deadline, to_its_end(docker, container, command, most)).await;
    let (printed, code) = match ran {
        Ok(Ok(Some(ran))) => ran,
        Ok(Ok(None)) => {
            return Err(HostError::new(Trouble::Refused, doing)
                .because(format!("`{name}` printed more than {most} bytes")));
        }
        Ok(Err(error)) => return Err(errors::host_error(doing, error)),
        Err(_elapsed) => {
            return Err(HostError::new(Trouble::TimedOut, doing).because(format!(
                "`{name}` in the container `{container}` did not end in {} s",
                deadline.as_secs()
            )));
        }
    };
    match code {
        0 => Ok(printed),
        NOT_FOUND => Err(HostError::new(Trouble::Missing, doing).because(format!(
            "there is no `{name}` in the container `{container}`"
        ))),
        code => Err(HostError::new(Trouble::Refused, doing)
            .because(format!(
                "`{name}` in the container `{container}` ended with exit status {code}"
            ))
            .output(printed.errors)),
    }
}

/// What it printed and its exit status; `None` when it printed too much.
async fn to_its_end(
    docker: &Docker,
    container: &str,
    command: &[&str],
    most: usize,
) -> Result<Option<(Printed, i64)>, bollard::errors::Error> {
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.to_vec()),
        ..CreateExecOptions::default()
    };
    let exec = docker.create_exec(container, options).await?;
    let mut printed = Printed::default();
    let (mut tail, mut open) = (Tail::new(TAIL), Lines::raw());
    if let StartExecResults::Attached { mut output, .. } = docker.start_exec(&exec.id, None).await?
    {
        while let Some(piece) = output.try_next().await? {
            match piece {
                LogOutput::StdErr { message } => open.push(&message, |line| tail.push(line)),
                LogOutput::StdOut { message }
                | LogOutput::StdIn { message }
                | LogOutput::Console { message } => printed.output.extend_from_slice(&message),
            }
            if printed.output.len() > most {
                return Ok(None);
            }
        }
    }
    open.finish(|line| tail.push(line));
    printed.errors = tail.lines();
    let ended = docker.inspect_exec(&exec.id).await?;
    Ok(Some((printed, ended.exit_code.unwrap_or(-1))))
}

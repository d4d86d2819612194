//! What containers printed, without the secrets of their environment: a report may be public.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::query_parameters::{InspectContainerOptions, LogsOptions, LogsOptionsBuilder};
use futures_util::TryStreamExt as _;

use super::super::super::error::{HostError, Trouble};
use super::super::super::masking::Mask;
use super::super::super::{HostResult, LogRange, OnLine};
use super::errors::host_error;
use super::{within, within_or_none};
use crate::clients::lines::{Lines, Tail, shortened};
use crate::protocol::logs::LogEnd;

/// The last lines that a container printed, oldest first; none when there is no such container.
pub(in super::super) async fn last(
    docker: &Docker,
    container: &str,
    lines: u16,
) -> HostResult<Vec<String>> {
    let mut tail = Tail::new(lines.into());
    let options = LogsOptionsBuilder::new().tail(&lines.to_string());
    let doing = doing(container);
    let read = each(docker, container, options, |line| tail.push(line));
    if within_or_none(&doing, read).await?.is_none() {
        return Ok(Vec::new());
    }
    // Gone between the two calls: nobody can tell what is secret in these lines.
    let Some(mask) = mask_of(docker, container).await? else {
        return Ok(Vec::new());
    };
    let lines = tail.lines();
    Ok(lines.iter().map(|line| shown(&mask, line)).collect())
}

/// What a container printed and, when it is followed, what it goes on to print until it ends.
pub(in super::super) async fn output(
    docker: &Docker,
    container: &str,
    range: &LogRange,
    on_line: OnLine<'_>,
) -> HostResult<()> {
    let doing = doing(container);
    let Some(mask) = mask_of(docker, container).await? else {
        return Err(HostError::new(Trouble::Missing, doing).because("the container is gone"));
    };
    let since = range.since_ms.map_or(0, |ms| ms / 1000);
    let lines = range
        .lines
        .map_or_else(|| "all".to_owned(), |lines| lines.to_string());
    let options = LogsOptionsBuilder::new()
        .follow(range.end == LogEnd::Followed)
        .since(i32::try_from(since).unwrap_or(i32::MAX))
        .tail(&lines);
    let read = each(docker, container, options, |line| {
        on_line(&shown(&mask, line));
    });
    match range.end {
        LogEnd::Followed => read.await.map_err(|error| host_error(doing, error)),
        LogEnd::Now => within(&doing, read).await,
    }
}

fn doing(container: &str) -> String {
    format!("read the log of the container `{container}`")
}

fn shown(mask: &Mask, line: &str) -> String {
    shortened(&mask.line(line))
}

async fn each(
    docker: &Docker,
    container: &str,
    options: LogsOptionsBuilder,
    mut on_line: impl FnMut(&str),
) -> Result<(), bollard::errors::Error> {
    let options: LogsOptions = options.stdout(true).stderr(true).build();
    let mut open = Lines::raw();
    let mut log = docker.logs(container, Some(options));
    while let Some(piece) = log.try_next().await? {
        let (LogOutput::StdErr { message }
        | LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message }) = piece;
        open.push(&message, &mut on_line);
    }
    open.finish(&mut on_line);
    Ok(())
}

/// What must not be shown of a container's log; `None` when it is gone.
async fn mask_of(docker: &Docker, container: &str) -> HostResult<Option<Mask>> {
    let inspect = docker.inspect_container(container, None::<InspectContainerOptions>);
    let found = within_or_none(&doing(container), inspect).await?;
    Ok(found.map(|found| {
        let environment = found.config.and_then(|config| config.env);
        Mask::of(&environment.unwrap_or_default())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::lines::LONGEST_LINE;

    #[test]
    fn a_secret_is_hidden_before_its_line_is_cut() {
        let mask = Mask::of(&["PASSPHRASE=correct horse battery".to_owned()]);
        for before in LONGEST_LINE - 40..LONGEST_LINE {
            let line = format!("{} correct horse battery end\n", "x".repeat(before));
            let (mut lines, mut seen) = (Lines::raw(), Vec::new());
            lines.push(line.as_bytes(), |line| seen.push(shown(&mask, line)));
            assert!(!seen[0].contains("correct") && seen[0].len() <= LONGEST_LINE);
        }
    }
}

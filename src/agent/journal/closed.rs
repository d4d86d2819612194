//! The journals of swaps that are over: `<app>/history/<deployment>.jsonl`.
//!
//! They are ordered by the number of their run, which the host gave away, and never by a clock of a runner. A file that
//! cannot be read is told of: it may be the newest one.

use super::codec;
use super::entry::{Begun, Entry};
use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::paths::AppPaths;
use crate::error::{Failure, Reason};
use crate::host::{Host, HostResult};
use crate::protocol::ids::DeploymentId;

const CANNOT_READ: &str = "cannot read the journals of earlier deploys";

/// A journal that was closed.
#[derive(Debug)]
pub(in crate::agent) struct Closed {
    pub(in crate::agent) name: String,
    /// The number of its run and the host's time; `None` when nobody can tell.
    pub(in crate::agent) order: Option<(u64, u64)>,
    /// What it says, or why it cannot be read.
    pub(in crate::agent) entries: Result<Vec<Entry>, String>,
}

impl Closed {
    /// What it was about, when it can be read.
    fn begun(&self) -> Option<&Begun> {
        let Some(Entry::Begun(begun)) = self.entries.as_deref().ok()?.first() else {
            return None;
        };
        Some(begun)
    }
}

/// Every closed journal, those that nobody can place first, then the newest.
pub(in crate::agent) async fn all<H: Host>(host: &H, paths: &AppPaths) -> HostResult<Vec<Closed>> {
    let names = host.list(&paths.archive()).await?;
    let mut all = Vec::new();
    for name in names.into_iter().filter(|name| name.ends_with(".jsonl")) {
        all.extend(of(host, paths, name).await?);
    }
    all.sort_by_key(|closed| std::cmp::Reverse(closed.order.unwrap_or((u64::MAX, u64::MAX))));
    Ok(all)
}

/// The closed journal with this file name, if it is there.
pub(in crate::agent) async fn of<H: Host>(
    host: &H,
    paths: &AppPaths,
    name: String,
) -> HostResult<Option<Closed>> {
    let Some(bytes) = host.read(&paths.archive().join(&name)).await? else {
        return Ok(None);
    };
    let entries = match codec::decode(&bytes) {
        Ok(read) if read.entries.is_empty() => Err("it has no whole line".to_owned()),
        Ok(read) => Ok(read.entries),
        Err(why) => Err(why.to_string()),
    };
    Ok(Some(Closed {
        name,
        order: codec::order(&bytes),
        entries,
    }))
}

/// What the newest closed journal was about; `None` when nothing was ever deployed. An error when there are some and
/// none of them can be read.
pub(in crate::agent) async fn last_closed<H: Host>(
    host: &H,
    paths: &AppPaths,
) -> StepResult<Option<Begun>> {
    let all = all(host, paths)
        .await
        .during(Reason::JournalUnwritable, CANNOT_READ)?;
    let newest = all.iter().find_map(Closed::begun);
    match (newest, unread(paths, &all).first()) {
        (Some(begun), _) => Ok(Some(begun.clone())),
        (None, None) => Ok(None),
        (None, Some(why)) => Err(Failure::new(Reason::OtherVersion, why)
            .hint("deploy once more: that leaves a record which this version can read")),
    }
}

/// What cannot be read of the newest journals, a sentence each; older ones than the newest that can be read are past.
pub(in crate::agent) async fn unread_closed<H: Host>(
    host: &H,
    paths: &AppPaths,
) -> StepResult<Vec<String>> {
    let all = all(host, paths)
        .await
        .during(Reason::JournalUnwritable, CANNOT_READ)?;
    Ok(unread(paths, &all))
}

fn unread(paths: &AppPaths, all: &[Closed]) -> Vec<String> {
    let newest = all.iter().filter(|closed| closed.begun().is_some());
    let newest = newest.filter_map(|closed| closed.order).max();
    all.iter()
        .filter(|closed| closed.order.is_none() || closed.order > newest)
        .filter_map(|closed| {
            let path = paths.archive().join(&closed.name);
            let why = closed.entries.as_ref().err()?;
            Some(format!(
                "the record of a deploy, `{}`, cannot be read: {why}",
                path.display()
            ))
        })
        .collect()
}

/// The deployment that a journal is about, open or closed.
pub(in crate::agent) fn deployment(bytes: &[u8]) -> Option<DeploymentId> {
    let entries = codec::decode(bytes).ok()?.entries;
    let Some(Entry::Begun(begun)) = entries.into_iter().next() else {
        return None;
    };
    Some(begun.plan.deployment)
}

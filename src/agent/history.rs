//! What happened before, read from the event logs.

use std::collections::BTreeSet;

use super::paths::AppPaths;
use crate::error::Reason;
use crate::host::{Host, HostResult, Owner};
use crate::protocol::event::{Event, Happening};
use crate::protocol::ids::{DeploymentId, PinnedImage, ReleaseId};
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::Origin;
use crate::protocol::status::{KeptRelease, Past};
use crate::protocol::wire;

/// Event logs kept on the host.
const KEEP_LOGS: usize = 50;

/// One deployment as its event log tells it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) past: Past,
    /// What went live, when something did.
    pub(super) deployed: Option<(ReleaseId, PinnedImage)>,
}

/// Every finished deployment, newest first. A log that cannot be read is passed over.
pub(super) async fn read<H: Host>(host: &H, paths: &AppPaths) -> HostResult<Vec<Record>> {
    let mut records = Vec::new();
    for id in logs(host, paths).await? {
        if let Some(bytes) = host.read(&paths.event_log(&id)).await? {
            records.extend(fold(&id, &String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(records)
}

/// Releases that were live once and whose images are still here, newest first, each once.
pub(super) async fn kept<H: Host>(host: &H, records: &[Record]) -> HostResult<Vec<KeptRelease>> {
    let deployed = || records.iter().filter_map(|record| record.deployed.as_ref());
    let repositories: BTreeSet<_> = deployed().map(|(_, image)| &image.repository).collect();
    let mut images = Vec::new();
    for repository in repositories {
        images.extend(host.images_of(repository).await?);
    }
    let mut kept: Vec<KeptRelease> = Vec::new();
    for record in records {
        let Some((release, image)) = &record.deployed else {
            continue;
        };
        if images.contains(image) && kept.iter().all(|earlier| earlier.release != *release) {
            kept.push(KeptRelease {
                release: release.clone(),
                image: image.clone(),
                at_ms: record.past.at_ms,
            });
        }
    }
    Ok(kept)
}

/// Removes the oldest event logs beyond a bound.
pub(super) async fn trim<H: Host>(host: &H, paths: &AppPaths) -> HostResult<()> {
    for id in logs(host, paths).await?.into_iter().skip(KEEP_LOGS) {
        host.remove(&paths.event_log(&id), Owner::Us).await?;
    }
    Ok(())
}

/// Ids of the logs, newest first: they sort by time.
async fn logs<H: Host>(host: &H, paths: &AppPaths) -> HostResult<Vec<DeploymentId>> {
    let names = host.list(&paths.events()).await?;
    Ok(names
        .iter()
        .rev()
        .filter_map(|name| name.strip_suffix(".jsonl")?.parse().ok())
        .collect())
}

fn fold(id: &DeploymentId, log: &str) -> Option<Record> {
    let mut at_ms = None;
    let mut origin = Origin::default();
    let mut resolved = None;
    let mut end: Option<(u64, Finished)> = None;
    for event in log
        .lines()
        .filter_map(|line| wire::decode::<Event>(line).ok())
    {
        at_ms = at_ms.or(Some(event.at_ms));
        match event.what {
            Happening::Begun { origin: from, .. } => origin = from,
            Happening::Resolved { release, image, .. } => resolved = Some((release, image)),
            Happening::Finished(finished) => end = Some((event.at_ms, *finished)),
            Happening::LockWaiting { .. }
            | Happening::Recovered { .. }
            | Happening::StepStarted { .. }
            | Happening::StepProgress { .. }
            | Happening::StepDone { .. }
            | Happening::StepFailed { .. }
            | Happening::Committed
            | Happening::UndoStarted { .. }
            | Happening::Undone { .. }
            | Happening::UndoFailed { .. }
            | Happening::Output { .. }
            | Happening::Warning { .. }
            | Happening::Unknown => {}
        }
    }
    let at_ms = at_ms?;
    // A log without an end belongs to a run that died: say so rather than hide it.
    let (ended_ms, outcome, reason) = match &end {
        Some((ended, finished)) => (*ended, finished.outcome, finished.reason.clone()),
        None => (
            at_ms,
            Outcome::Failed,
            Reason::InternalError.as_str().to_owned(),
        ),
    };
    let release = resolved.as_ref().map(|(release, _)| release.clone());
    let deployed = resolved.filter(|_| matches!(outcome, Outcome::Deployed | Outcome::Unchanged));
    Some(Record {
        past: Past {
            deployment: id.clone(),
            at_ms,
            outcome,
            reason,
            release,
            took_ms: ended_ms.saturating_sub(at_ms),
            origin,
        },
        deployed,
    })
}

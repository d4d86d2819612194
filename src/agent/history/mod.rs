//! What happened before, read from the event logs ([`log`]) and, where one has no last word, from the closed journals.
//!
//! Runs are ordered by the number that the host gave them, never by a runner's clock. A record that cannot be read is a
//! row of its own, and a reason to keep everything: no image and no record is removed on its account.

use std::collections::BTreeSet;

use super::events::Events;
use super::journal::closed::{self, Closed};
use super::journal::entry::Entry;
use super::paths::AppPaths;
use crate::error::Reason;
use crate::host::error::HostError;
use crate::host::{Host, HostResult, Owner};
use crate::protocol::ids::{DeploymentId, PinnedImage, ReleaseId};
use crate::protocol::outcome::Outcome;
use crate::protocol::status::{KeptRelease, Past, Standing, Told, Unended};

#[cfg(test)]
mod golden_tests;
pub(super) mod log;
#[cfg(test)]
mod tests;

use log::EventLog;

/// Event logs kept on the host, beside those of kept releases.
const KEEP_LOGS: usize = 50;
/// A run that waits for the lock says so every five seconds.
const WAITS_MS: u64 = 30_000;

/// One deployment as its event log tells it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) past: Past,
    /// What went live, when something did.
    pub(super) deployed: Option<(ReleaseId, PinnedImage)>,
}

impl Record {
    /// Why it cannot be told how the run ended.
    pub(super) fn unreadable(&self) -> Option<&str> {
        match self.past.outcome {
            Standing::Unended(Unended::Unreadable) => self.past.note.as_deref(),
            _ => None,
        }
    }
}

/// Every deployment, newest first. Nobody is taken for running: [`tell_running`] knows.
pub(super) async fn read<H: Host>(host: &H, paths: &AppPaths) -> HostResult<Vec<Record>> {
    let mut numbered = Vec::new();
    for name in host.list(&paths.events()).await? {
        let id = name.strip_suffix(".jsonl").map(str::parse::<DeploymentId>);
        let Some(Ok(id)) = id else { continue };
        let bytes = host.read(&paths.event_log(&id)).await?.unwrap_or_default();
        let log = EventLog::read(&bytes);
        // Version 1 had no number in its logs; its journals have.
        let told = log.run.is_some() && log.end.is_some() && log.unreadable.is_none();
        let journal = match told {
            true => None,
            false => closed::of(host, paths, name).await?,
        };
        let of_journal = journal.as_ref().and_then(|closed| closed.order);
        let of_journal = of_journal.map(|(run, _)| run).filter(|run| *run > 0);
        let run = log.run.or(of_journal);
        if let Some(record) = record(id, log, journal.as_ref()) {
            numbered.push((run, record));
        }
    }
    Ok(in_order(numbered))
}

/// When a deployment began, host time; `None` without a record of it.
pub(super) async fn began_ms<H: Host>(
    host: &H,
    paths: &AppPaths,
    id: &DeploymentId,
) -> HostResult<Option<u64>> {
    let bytes = host.read(&paths.event_log(id)).await?;
    Ok(bytes.and_then(|bytes| EventLog::read(&bytes).began_ms))
}

/// What one deployment said of its end: what failed, and the warnings before. `None` without a record of it.
pub(super) async fn told<H: Host>(
    host: &H,
    paths: &AppPaths,
    id: &DeploymentId,
) -> HostResult<Option<Told>> {
    let bytes = host.read(&paths.event_log(id)).await?;
    Ok(bytes.map(|bytes| log::told(&bytes)))
}

/// Newest first: by the number of the run. A run without one comes behind those that had begun by the host's clock.
fn in_order(numbered: Vec<(Option<u64>, Record)>) -> Vec<Record> {
    let known: Vec<(u64, u64)> = numbered
        .iter()
        .filter_map(|(run, record)| Some(((*run)?, record.past.at_ms)))
        .collect();
    let place = |at_ms| {
        let before = known.iter().filter(|(_, began)| *began <= at_ms);
        before.map(|(run, _)| *run).max().unwrap_or_default()
    };
    let mut placed: Vec<_> = numbered
        .into_iter()
        .map(|(run, record)| {
            let at_ms = record.past.at_ms;
            let key = (run.unwrap_or_else(|| place(at_ms)), run.is_none(), at_ms);
            (key, record)
        })
        .collect();
    placed.sort_by(|one, other| {
        let id = |record: &Record| record.past.deployment.clone();
        (other.0, id(&other.1)).cmp(&(one.0, id(&one.1)))
    });
    placed.into_iter().map(|(_, record)| record).collect()
}

/// What cannot be read is kept, and everything with it, until a person has seen to it.
pub(super) async fn warn_of_unreadable<H: Host>(
    events: &Events<'_, H>,
    paths: &AppPaths,
    records: &[Record],
) {
    for record in records {
        let Some(why) = record.unreadable() else {
            continue;
        };
        let log = paths.event_log(&record.past.deployment);
        let text = format!(
            "the record of deployment {} cannot be read: {why}; no old image is removed",
            record.past.deployment
        );
        let hint = format!(
            "when the release it was about is not needed any more: `mv {0} {0}.unreadable`",
            log.display()
        );
        events.warn(text, hint).await;
    }
}

/// `None` for a run that died before it said anything, and so before it did anything.
fn record(id: DeploymentId, log: EventLog, journal: Option<&Closed>) -> Option<Record> {
    let began_ms = log
        .began_ms
        .or(journal.and_then(|closed| Some(closed.order?.1)));
    let (mut took_ms, mut deployed, mut note) = (0, log.deployed(), None);
    let (outcome, reason) = match (&log.end, &log.unreadable, journal) {
        (Some((ended_ms, end)), None, _) => {
            took_ms = ended_ms.saturating_sub(began_ms.unwrap_or(*ended_ms));
            (end.outcome.into(), end.reason.as_str())
        }
        // The log lost its last word; the journal was closed, and says what it was.
        (_, _, Some(closed)) => match &closed.entries {
            Ok(entries) => {
                deployed = committed(entries);
                let outcome = match deployed {
                    Some(_) => Outcome::Deployed,
                    None => Outcome::RolledBack,
                };
                (outcome.into(), Reason::Interrupted.as_str())
            }
            Err(why) => {
                note = Some(format!("its journal cannot be read: {why}"));
                (Unended::Unreadable.into(), Reason::OtherVersion.as_str())
            }
        },
        (_, Some(why), None) => {
            note = Some(why.clone());
            (Unended::Unreadable.into(), Reason::OtherVersion.as_str())
        }
        (None, None, None) => (Unended::Interrupted.into(), Reason::Interrupted.as_str()),
    };
    let release = log.resolved.as_ref().or(deployed.as_ref());
    let waits = log.waits.then_some(log.last_ms);
    Some(Record {
        past: Past {
            deployment: id,
            at_ms: match note {
                Some(_) => began_ms.unwrap_or_default(),
                None => began_ms?,
            },
            outcome,
            reason: reason.to_owned(),
            release: release.map(|(release, _)| release.clone()),
            took_ms,
            origin: log.origin,
            intent: log.intent,
            note,
            waits,
        },
        deployed,
    })
}

fn committed(entries: &[Entry]) -> Option<(ReleaseId, PinnedImage)> {
    let Some(Entry::Begun(begun)) = entries.first() else {
        return None;
    };
    let release = (begun.release.clone(), begun.image.clone());
    entries.contains(&Entry::Committed).then_some(release)
}

/// Finds out which of the runs without an end are still at work. `holder` is the note of whoever holds the lock,
/// `open` the deployment whose journal is open.
pub(super) fn tell_running(
    records: &mut [Record],
    holder: Option<&str>,
    open: Option<&DeploymentId>,
    now_ms: u64,
) {
    let Some(holder) = holder else { return };
    for record in records {
        let past = &mut record.past;
        if past.outcome != Unended::Interrupted.into() {
            continue;
        }
        let at_work = holder.contains(past.deployment.as_str()) || open == Some(&past.deployment);
        let waits = past
            .waits
            .is_some_and(|said| now_ms.abs_diff(said) <= WAITS_MS);
        let standing = match (at_work, waits) {
            (true, _) => Unended::Running,
            (false, true) => Unended::Waiting,
            (false, false) => continue,
        };
        past.outcome = standing.into();
        past.reason = String::new();
        past.took_ms = now_ms.saturating_sub(past.at_ms);
    }
}

/// The releases whose settings are here.
pub(super) async fn with_settings<H: Host>(
    host: &H,
    paths: &AppPaths,
) -> HostResult<Vec<ReleaseId>> {
    let names = host.list(&paths.releases()).await?;
    Ok(names
        .iter()
        .filter_map(|name| name.strip_suffix(".yml")?.parse().ok())
        .collect())
}

/// Releases that were live once and whose images and settings are still here, newest first, each once. Version 1 kept no
/// settings.
pub(super) async fn kept<H: Host>(
    host: &H,
    paths: &AppPaths,
    records: &[Record],
) -> HostResult<Vec<KeptRelease>> {
    let settings = with_settings(host, paths).await?;
    let has_settings = |release: &ReleaseId| release.is_of_old() || settings.contains(release);
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
        if images.contains(image)
            && has_settings(release)
            && kept.iter().all(|earlier| earlier.release != *release)
        {
            kept.push(KeptRelease {
                release: release.clone(),
                image: image.clone(),
                at_ms: record.past.at_ms,
            });
        }
    }
    Ok(kept)
}

/// Removes the oldest records beyond a bound: event logs, closed journals, and cancels of runs that are over. Those of
/// kept releases stay however many came after them, and so does what cannot be read.
pub(super) async fn trim<H: Host>(host: &H, paths: &AppPaths) -> HostResult<()> {
    let records = read(host, paths).await?;
    let kept = kept(host, paths, &records).await?;
    let mut missing: Vec<&ReleaseId> = kept.iter().map(|kept| &kept.release).collect();
    let mut stay = BTreeSet::new();
    for (place, record) in records.iter().enumerate() {
        let first_of_release = record.deployed.as_ref().is_some_and(|(release, _)| {
            let before = missing.len();
            missing.retain(|kept| *kept != release);
            missing.len() < before
        });
        if place < KEEP_LOGS || first_of_release || record.unreadable().is_some() {
            stay.insert(record.past.deployment.as_str());
        } else {
            let log = paths.event_log(&record.past.deployment);
            host.remove(&log, Owner::Us).await?;
        }
        if let Standing::Ended(_) = record.past.outcome {
            let cancel = paths.cancel(&record.past.deployment);
            if host.read(&cancel).await?.is_some() {
                host.remove(&cancel, Owner::Us).await?;
            }
        }
    }
    if host.list(&paths.archive()).await?.len() <= KEEP_LOGS {
        return Ok(());
    }
    let journals = closed::all(host, paths).await?;
    for closed in journals.iter().skip(KEEP_LOGS) {
        let id = closed.name.strip_suffix(".jsonl").unwrap_or_default();
        if closed.entries.is_ok() && !stay.contains(id) {
            host.remove(&paths.archive().join(&closed.name), Owner::Us)
                .await?;
        }
    }
    Ok(())
}

/// The deployment whose journal is open, when it can be read.
pub(super) async fn open<H: Host>(
    host: &H,
    paths: &AppPaths,
) -> Result<Option<DeploymentId>, HostError> {
    let bytes = host.read(&paths.journal()).await?.unwrap_or_default();
    Ok(closed::deployment(&bytes))
}

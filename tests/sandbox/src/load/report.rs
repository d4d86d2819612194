//! What a load saw, added up.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::worker::{Sample, Tally};

/// The version of answers that carry no `X-Version` header.
pub const NO_VERSION: &str = "(none)";

/// The counts and times of one load. Every request sent ends in exactly one of `ok`, `non_200`,
/// `lost`, `broken` and `timeouts`. Durations are serialized in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadReport {
    #[serde(rename = "duration_ms", serialize_with = "millis")]
    pub duration: Duration,
    /// Anything but [`EndedBy::Stop`] means that the load may have ended before the test did.
    pub ended_by: EndedBy,
    /// Requests written to their last byte.
    pub sent: u64,
    /// Whole answers with status 200.
    pub ok: u64,
    /// Fully written, then the connection ended without one byte of an answer.
    pub lost: u64,
    /// Those of `lost` that were POST.
    pub lost_post: u64,
    /// Answers cut short, or not HTTP.
    pub broken: u64,
    /// No whole answer within the request's time.
    pub timeouts: u64,
    /// Not fully written because the connection ended: the server cannot have acted on them.
    pub unsent: u64,
    /// Whole answers with another status, by status.
    pub non_200: BTreeMap<u16, u64>,
    /// Connections refused or not made in time.
    pub connect_errors: u64,
    /// Connections opened beyond the first of each.
    pub reconnects: u64,
    /// The longest time without an answer of status 200 on any connection, the time before the
    /// first and after the last included.
    #[serde(rename = "longest_gap_ms", serialize_with = "millis")]
    pub longest_gap: Duration,
    /// Answers of status 200 by their `X-Version` header.
    pub by_version: BTreeMap<String, VersionReport>,
}

/// The answers of one version; times since the start of the load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionReport {
    pub count: u64,
    #[serde(rename = "p50_ms", serialize_with = "millis")]
    pub p50: Duration,
    #[serde(rename = "p99_ms", serialize_with = "millis")]
    pub p99: Duration,
    #[serde(rename = "max_ms", serialize_with = "millis")]
    pub max: Duration,
    #[serde(rename = "first_seen_ms", serialize_with = "millis")]
    pub first_seen: Duration,
    #[serde(rename = "last_seen_ms", serialize_with = "millis")]
    pub last_seen: Duration,
}

/// Why the load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndedBy {
    Stop,
    TimeLimit,
    RequestLimit,
}

impl LoadReport {
    /// Every request was answered with status 200, and every connection could be made.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.ok > 0 && self.sent == self.ok && self.unsent == 0 && self.connect_errors == 0
    }

    /// When a version first answered, since the start of the load.
    #[must_use]
    pub fn first_seen(&self, version: &str) -> Option<Duration> {
        self.by_version
            .get(version)
            .map(|version| version.first_seen)
    }

    pub(super) fn from_tallies(tallies: Vec<Tally>, duration: Duration) -> Self {
        let mut report = Self {
            duration,
            ended_by: EndedBy::Stop,
            sent: 0,
            ok: 0,
            lost: 0,
            lost_post: 0,
            broken: 0,
            timeouts: 0,
            unsent: 0,
            non_200: BTreeMap::new(),
            connect_errors: 0,
            reconnects: 0,
            longest_gap: Duration::ZERO,
            by_version: BTreeMap::new(),
        };
        let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        for tally in tallies {
            if tally.ended_by != EndedBy::Stop {
                report.ended_by = tally.ended_by;
            }
            report.sent += tally.sent;
            report.lost += tally.lost;
            report.lost_post += tally.lost_post;
            report.broken += tally.broken;
            report.timeouts += tally.timeouts;
            report.unsent += tally.unsent;
            report.connect_errors += tally.connect_errors;
            report.reconnects += tally.connects.saturating_sub(1);
            for (status, count) in tally.non_200 {
                *report.non_200.entry(status).or_default() += count;
            }
            for (version, mut seen) in tally.samples {
                samples.entry(version).or_default().append(&mut seen);
            }
        }
        report.longest_gap = longest_gap(samples.values().flatten(), duration);
        report.by_version = samples
            .into_iter()
            .filter_map(|(version, samples)| Some((version, VersionReport::of(&samples)?)))
            .collect();
        report.ok = report
            .by_version
            .values()
            .map(|version| version.count)
            .sum();
        report
    }
}

impl VersionReport {
    /// `None` when there is no sample.
    fn of(samples: &[Sample]) -> Option<Self> {
        let mut latencies: Vec<_> = samples.iter().map(|sample| sample.latency).collect();
        latencies.sort_unstable();
        // The nearest rank: the smallest latency that this share of all does not exceed.
        let rank = |percent: usize| {
            let rank = (latencies.len() * percent).div_ceil(100).saturating_sub(1);
            latencies.get(rank).copied().map(Duration::from)
        };
        Some(Self {
            count: samples.len().try_into().ok()?,
            p50: rank(50)?,
            p99: rank(99)?,
            max: rank(100)?,
            first_seen: samples.iter().map(|sample| sample.at).min()?.into(),
            last_seen: samples.iter().map(|sample| sample.at).max()?.into(),
        })
    }
}

fn longest_gap<'a, I: Iterator<Item = &'a Sample>>(samples: I, end: Duration) -> Duration {
    let mut times: Vec<Duration> = samples.map(|sample| sample.at.into()).collect();
    times.push(end);
    times.sort_unstable();
    let mut last = Duration::ZERO;
    let mut longest = Duration::ZERO;
    for time in times {
        longest = longest.max(time.saturating_sub(last));
        last = time;
    }
    longest
}

fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1e3)
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = match self.ended_by {
            EndedBy::Stop => "",
            EndedBy::TimeLimit => ", ended by its time limit",
            EndedBy::RequestLimit => ", ended by its request limit",
        };
        writeln!(
            f,
            "{} of {} requests lost ({} of them POST) in {:.1} s{ended}",
            self.lost,
            self.sent,
            self.lost_post,
            self.duration.as_secs_f64()
        )?;
        writeln!(
            f,
            "ok {}  broken {}  timeouts {}  unsent {}  connect errors {}  reconnects {}  longest gap {}",
            self.ok,
            self.broken,
            self.timeouts,
            self.unsent,
            self.connect_errors,
            self.reconnects,
            Millis(self.longest_gap),
        )?;
        for (status, count) in &self.non_200 {
            writeln!(f, "status {status}: {count}")?;
        }
        if self.by_version.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "{:<16} {:>9} {:>11} {:>11} {:>11} {:>13} {:>13}",
            "version", "count", "p50", "p99", "max", "first seen", "last seen"
        )?;
        for (name, version) in &self.by_version {
            writeln!(
                f,
                "{name:<16} {:>9} {:>11} {:>11} {:>11} {:>13} {:>13}",
                version.count,
                Millis(version.p50),
                Millis(version.p99),
                Millis(version.max),
                Millis(version.first_seen),
                Millis(version.last_seen),
            )?;
        }
        Ok(())
    }
}

/// A duration as a person reads a column of them.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.1} ms", self.0.as_secs_f64() * 1e3))
    }
}

//! What a deploy did to the people who used the site meanwhile.
//!
//! The window is from just before the switch until the drain has ended. Requests of people are read from the
//! slots' own access log (`<app>/traffic.log`); what a reload or a closed connection loses leaves no line there,
//! and is seen by our own stream of requests on kept-alive connections through the public listener.

use serde::{Deserialize, Serialize};

use super::series::Series;
use super::slot::PerSlot;

/// Figures of one run. What was not measured is `None`, never zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// How traffic was moved; `None` when it was not.
    pub switch: Option<SwitchKind>,
    /// Requests of people in the window, by the slot that answered; `None` without a traffic log.
    pub traffic: Option<PerSlot<Served>>,
    /// The old slot before the window, for comparison.
    pub baseline: Option<Served>,
    /// Requests of users from shortly before the window on, by time; `None` when nobody asked or nothing was logged.
    #[serde(default)]
    pub series: Option<Series>,
    /// Our own requests on kept-alive connections in the window.
    pub probes: Option<Probes>,
    /// What a reload was expected to lose; `None` when nothing was reloaded.
    pub predicted_loss: Option<PredictedLoss>,
    /// How the watch over the new slot ended; `None` when there was none.
    pub bake: Option<BakeReport>,
    /// Requests still in flight to the old slot when it was stopped.
    pub cut_connections: Option<u32>,
    /// Bytes of layers that the host downloaded.
    pub bytes_pulled: Option<u64>,
    /// From the last healthy probe to the switch, milliseconds.
    pub healthy_to_switched_ms: Option<u64>,
    /// From the last healthy probe until the new slot began to answer its first request, milliseconds.
    pub healthy_to_first_request_ms: Option<u64>,
    /// From the decision to go back until traffic was back, milliseconds; `None` when nothing went back.
    pub flip_back_ms: Option<u64>,
    /// The agent's peak of resident memory, bytes.
    pub agent_memory_bytes: Option<u64>,
    /// The new slot's peak of memory, as its control group tells it, bytes.
    pub slot_memory_bytes: Option<u64>,
    /// What could not be measured, and so is not said.
    #[serde(default)]
    pub not_measured: Vec<NotMeasured>,
}

/// What could not be measured, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum NotMeasured {
    /// Requests of users: there is no traffic log with `switch: reload`.
    NoTrafficLog,
    /// Requests of users to a `location` that has an `access_log` of its own.
    OwnAccessLog {
        /// The `location`, as the configuration has it.
        location: String,
    },
    /// Requests of users: the kernel saw some, the log has none.
    SilentLog,
    /// The slots' own times and retries: the nginx files are of an earlier `provision`.
    EarlierFormat,
    /// Whether the new slot is as good: too few requests came to it.
    TooFewRequests,
    /// Whether the new slot is as good: the old one had too few requests to compare with.
    NoBaseline,
    /// How fast the old slot was while nothing booted beside it: too few requests came by then, so that all of them
    /// before the switch were taken.
    NoQuietTime,
    /// Requests through nginx: it has no TCP listener for this app.
    NoListener,
    /// That our own requests were answered by a slot: no log line shows it, or, with a reload, no connection to one.
    NotProven,
    /// Written by a newer version.
    #[serde(other)]
    Unknown,
}

impl Receipt {
    /// Requests of the window: those of people, and ours. `None` when neither was measured.
    pub fn requests_total(&self) -> Option<u64> {
        let people = self
            .traffic
            .as_ref()
            .map(|slots| slots.one.requests + slots.two.requests);
        let ours = self.probes.map(|probes| probes.sent);
        match (people, ours) {
            (None, None) => None,
            (people, ours) => Some(people.unwrap_or_default() + ours.unwrap_or_default()),
        }
    }

    /// Requests without an answer beyond those that the old slot had before: clients that leave are no news.
    fn unanswered(&self, served: &Served) -> u64 {
        let before = self.baseline.unwrap_or_default();
        let usual = (before.unanswered * served.requests).div_ceil(before.requests.max(1));
        served.unanswered.saturating_sub(usual)
    }

    /// Those of [`Self::requests_total`] that were lost or answered with 5xx.
    pub fn requests_failed(&self) -> Option<u64> {
        self.requests_total()?;
        let people = self.traffic.as_ref().map_or(0, |slots| {
            [slots.one, slots.two]
                .iter()
                .map(|served| served.server_errors + self.unanswered(served))
                .sum()
        });
        let ours = self.probes.map_or(0, |probes| probes.lost + probes.failed);
        Some(people + ours)
    }
}

/// How traffic was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SwitchKind {
    /// By a flag file that nginx looks at for every request.
    Flag,
    /// By an include that names the port, and a reload.
    Reload,
}

impl SwitchKind {
    /// The word in settings and results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Reload => "reload",
        }
    }
}

/// What one slot answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// Requests that it was asked and that ended; those that a client took back are not among them.
    pub requests: u64,
    /// Those that got neither 2xx nor 3xx from it.
    pub not_ok: u64,
    /// Those that were 5xx.
    pub server_errors: u64,
    /// Those that were 4xx.
    #[serde(default)]
    pub client_errors: u64,
    /// Those that this slot did not answer, so that nginx asked the other one; in `requests` of both.
    #[serde(default)]
    pub retried: u64,
    /// Requests whose clients waited for long and then went away without an answer; not in `requests`.
    #[serde(default)]
    pub unanswered: u64,
    /// Half of the answers began after at most this, milliseconds; `None` without answers.
    pub p50_ms: Option<f64>,
    /// 99 of 100 answers began after at most this, milliseconds; `None` without answers.
    pub p99_ms: Option<f64>,
}

/// Our own requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// Fully written.
    pub sent: u64,
    /// Fully written, and the connection ended without one byte of an answer, or no connection was to be had.
    pub lost: u64,
    /// Answered with a status that the health check does not accept and that did not come before the switch.
    pub failed: u64,
}

/// What a reload loses: requests that are on their way on a kept-alive connection when nginx closes it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PredictedLoss {
    /// Requests a second, just before.
    pub requests_per_second: f64,
    /// The round trip to the clients, milliseconds, as the kernel measures it.
    pub round_trip_ms: f64,
    /// Their product: requests.
    pub requests: f64,
}

/// How the watch over the new slot ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BakeReport {
    /// The verdict.
    pub verdict: BakeVerdict,
    /// Why, in words; empty when there is nothing to say.
    pub why: String,
    /// What the new slot had answered by then.
    pub new: Served,
    /// How long it was watched, milliseconds.
    pub watched_ms: u64,
}

/// The verdict on a new slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BakeVerdict {
    /// As good as the old one.
    Good,
    /// Too little traffic to tell; our own requests and the container were fine.
    Inconclusive,
    /// Worse than the budget allows.
    Worse,
}

impl BakeVerdict {
    /// The word in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Inconclusive => "inconclusive",
            Self::Worse => "worse",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_unknown_and_what_failed_is_added_up() {
        let mut receipt = Receipt::default();
        assert_eq!(
            (receipt.requests_total(), receipt.requests_failed()),
            (None, None)
        );
        receipt.probes = Some(Probes {
            sent: 40,
            lost: 1,
            failed: 2,
        });
        assert_eq!(
            (receipt.requests_total(), receipt.requests_failed()),
            (Some(40), Some(3))
        );
        let served = |requests, server_errors| Served {
            requests,
            server_errors,
            ..Served::default()
        };
        receipt.traffic = Some(PerSlot {
            one: served(100, 0),
            two: served(50, 7),
        });
        assert_eq!(
            (receipt.requests_total(), receipt.requests_failed()),
            (Some(190), Some(10))
        );
    }
}

//! How releases behave: to whoever asks how they are, and to users.

use super::network::{WEB_1, WEB_2};
use super::world::{World, service_of};
use crate::host::facts::{Probe, ProbeAnswer};

/// How a release behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Behaviour {
    /// Answers 200 this many milliseconds after its start.
    HealthyAfter(u64),
    /// Answers 503 for ever.
    Unhealthy,
    /// Ends with this code right after its start.
    Crashes(i64),
    /// Is killed for its memory right after its start.
    OutOfMemory,
    /// Healthy by its check; of a hundred requests of people so many are answered with 500.
    FailsPeople(u64),
    /// Answers 200, and ends this many milliseconds after its start.
    EndsAfter(u64),
    /// Answers 200, and 503 from so many milliseconds after its start on.
    SickAfter(u64),
    /// Healthy by its check; requests of users never end.
    HangsUsers,
    /// Healthy by its check; every other path hangs, for whoever asks.
    HangsElsewhere,
    /// Answers 200, and nothing at all from so many milliseconds after its start on.
    HangsAfter(u64),
    /// Healthy by its check; of a hundred requests of users so many are dropped, and the other slot answers.
    DropsUsers(u64),
    /// Healthy by its check; answers users with this status.
    AnswersUsers(u16),
    /// Healthy by its check; takes so many milliseconds for a user.
    SlowFor(u64),
    /// Healthy by its check; from so many milliseconds after its start on the disk is full, users get 500, and nginx cannot
    /// log that.
    FillsDiskAfter(u64),
}

impl Behaviour {
    /// What it answers whoever asks how it is, so long after its start.
    pub(super) fn answers(self, age_ms: u64) -> Answers {
        match self {
            Self::HealthyAfter(ms) if age_ms < ms => Answers::Refuses,
            Self::EndsAfter(ms) if age_ms >= ms => Answers::Refuses,
            Self::SickAfter(ms) if age_ms >= ms => Answers::Status(503),
            Self::HangsAfter(ms) if age_ms >= ms => Answers::Hangs,
            Self::Unhealthy => Answers::Status(503),
            Self::Crashes(_) | Self::OutOfMemory => Answers::Refuses,
            Self::HealthyAfter(_)
            | Self::EndsAfter(_)
            | Self::SickAfter(_)
            | Self::HangsAfter(_)
            | Self::FailsPeople(_)
            | Self::HangsUsers
            | Self::HangsElsewhere
            | Self::DropsUsers(_)
            | Self::AnswersUsers(_)
            | Self::FillsDiskAfter(_)
            | Self::SlowFor(_) => Answers::Status(200),
        }
    }

    /// The line that nginx logs for the `number`-th request of a user to `port`; none while it hangs.
    pub(super) fn line(self, number: u64, age_ms: u64, port: u16) -> Option<String> {
        let hit = |percent| number * 37 % 100 < percent;
        let answer = |status, ms: u64| {
            let time = format!("{}.{:03}", ms / 1000, ms % 1000);
            Some(format!(
                "v2 {status} {time} 127.0.0.1:{port} | {status} | {time} | {time}"
            ))
        };
        match self {
            Self::HangsUsers | Self::HangsElsewhere => None,
            Self::HangsAfter(ms) if age_ms >= ms => None,
            Self::FailsPeople(percent) if hit(percent) => answer(500, 4),
            Self::AnswersUsers(status) => answer(status, 4),
            Self::SlowFor(ms) => answer(200, ms),
            Self::DropsUsers(percent) if hit(percent) => {
                let other = if port == 8080 { 8081 } else { 8080 };
                Some(format!(
                    "v2 200 0.005 127.0.0.1:{port}, 127.0.0.1:{other} | 502, 200 | -, 0.004 | 0.001, 0.004"
                ))
            }
            Self::HealthyAfter(_)
            | Self::Unhealthy
            | Self::Crashes(_)
            | Self::OutOfMemory
            | Self::FailsPeople(_)
            | Self::EndsAfter(_)
            | Self::SickAfter(_)
            | Self::HangsAfter(_)
            | Self::FillsDiskAfter(_)
            | Self::DropsUsers(_) => answer(200, 4),
        }
    }

    /// Whether nginx can write its log, so long after the start.
    pub(super) fn leaves_room(self, age_ms: u64) -> bool {
        !matches!(self, Self::FillsDiskAfter(ms) if age_ms >= ms)
    }
}

/// What comes of a request.
pub(super) enum Answers {
    Status(u16),
    Refuses,
    Hangs,
}

/// What a simulated probe that nobody answers says.
pub(super) const TIMED_OUT: &str = "timed out";

impl World {
    /// What a probe gets, through nginx or from a slot itself.
    pub(super) fn answer_to(&self, probe: &Probe) -> ProbeAnswer {
        let port = match (probe.address.ip(), probe.address.port()) {
            (_, 80) => self.live_port(),
            (WEB_1, _) => 8080,
            (WEB_2, _) => 8081,
            (_, port) => port,
        };
        match service_of(port) {
            None => ProbeAnswer::Nothing("?".into()),
            Some(service) if self.hangs_at(service, &probe.path) => {
                ProbeAnswer::Nothing(TIMED_OUT.to_owned())
            }
            Some(service) => self.answer(service),
        }
    }

    /// Whether whoever asks a service for `path` waits in vain, though its health check is fine.
    pub(super) fn hangs_at(&self, service: &str, path: &str) -> bool {
        let container = self.containers.get(service);
        let hangs = container.is_some_and(|container| {
            container.running && self.behaviour(container) == Behaviour::HangsElsewhere
        });
        hangs && path != "/health"
    }
}

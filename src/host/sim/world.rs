//! What is there: everything that survives the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::host::facts::{ContainerFacts, OomKilled, ProbeAnswer, RunState};
use crate::protocol::ids::PinnedImage;

/// How a release behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Answers 200 this many milliseconds after its start.
    HealthyAfter(u64),
    /// Answers 503 for ever.
    Unhealthy,
    /// Ends with this code right after its start.
    Crashes(i64),
    /// Is killed for its memory right after its start.
    OutOfMemory,
}

#[derive(Debug, Clone)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) image: Option<PinnedImage>,
    pub(super) release: Option<String>,
    pub(super) started_ms: u64,
    pub(super) running: bool,
}

/// Everything that survives the agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    pub(super) containers: BTreeMap<String, Container>,
    pub(crate) images: BTreeSet<String>,
    pub(crate) behaviours: BTreeMap<String, Behaviour>,
    pub(super) loaded_port: u16,
    pub(super) generation: u64,
    pub(super) now_ms: u64,
    pub(super) made: u64,
    /// Every verb, in order, for assertions and for placing faults.
    pub(crate) done: Vec<&'static str>,
    /// What broke the promise, when it was broken.
    pub(crate) broken: Vec<String>,
}

impl World {
    pub(super) fn is_served(&self) -> bool {
        service_of(self.loaded_port)
            .is_some_and(|service| matches!(self.answer(service), ProbeAnswer::Status(200)))
    }

    fn behaviour(&self, container: &Container) -> Behaviour {
        let digest = container
            .image
            .as_ref()
            .map(|image| image.digest.to_string());
        digest
            .and_then(|digest| self.behaviours.get(&digest).copied())
            .unwrap_or(Behaviour::HealthyAfter(0))
    }

    pub(super) fn answer(&self, service: &str) -> ProbeAnswer {
        let refused = || ProbeAnswer::Nothing("connection refused".to_owned());
        let Some(container) = self.containers.get(service).filter(|c| c.running) else {
            return refused();
        };
        match self.behaviour(container) {
            Behaviour::HealthyAfter(ms) if self.now_ms >= container.started_ms + ms => {
                ProbeAnswer::Status(200)
            }
            Behaviour::Unhealthy => ProbeAnswer::Status(503),
            Behaviour::HealthyAfter(_) | Behaviour::Crashes(_) | Behaviour::OutOfMemory => {
                refused()
            }
        }
    }

    pub(super) fn facts(&self, container: &Container) -> ContainerFacts {
        let run = match (container.running, self.behaviour(container)) {
            (_, Behaviour::Crashes(code)) => RunState::Ended {
                code,
                oom: OomKilled::No,
            },
            (_, Behaviour::OutOfMemory) => RunState::Ended {
                code: 137,
                oom: OomKilled::Yes,
            },
            (true, Behaviour::HealthyAfter(_) | Behaviour::Unhealthy) => RunState::Running,
            (false, _) => RunState::Ended {
                code: 0,
                oom: OomKilled::No,
            },
        };
        ContainerFacts {
            id: container.id.clone(),
            state: if run == RunState::Running {
                "running"
            } else {
                "exited"
            }
            .to_owned(),
            run,
            health: None,
            restarts: 0,
            memory_limit: None,
            image: container.image.clone(),
            release: container.release.clone(),
            pid: None,
            exposed: Vec::new(),
        }
    }
}

pub(super) fn service_of(port: u16) -> Option<&'static str> {
    match port {
        8080 => Some("web-1"),
        8081 => Some("web-2"),
        _ => None,
    }
}

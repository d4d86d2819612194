//! What is there: everything that survives the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{FOLDER, INCLUDE};
use crate::host::facts::{ContainerFacts, OomKilled, ProbeAnswer, RunState};
use crate::host::nginx::{IncludePort, flag};
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
    /// Healthy by its check; of a hundred requests of people so many are answered with 500.
    FailsPeople(u64),
}

/// What nginx has loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Loaded {
    /// No include that makes sense.
    #[default]
    Nothing,
    /// An include that names a port.
    Port(u16),
    /// An include of ours: the flag decides.
    Flag,
}

impl Loaded {
    /// What nginx makes of an include.
    pub(super) fn from(include: &[u8]) -> Self {
        let text = String::from_utf8_lossy(include);
        match (flag::describe(&text), IncludePort::find(&text)) {
            (Ok(Some(_)), _) => Self::Flag,
            (_, Ok(found)) => Self::Port(found.port),
            (_, Err(_)) => Self::Nothing,
        }
    }
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
    /// What a program sees.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    /// What a power cut leaves.
    pub(super) durable: BTreeMap<PathBuf, Vec<u8>>,
    pub(super) containers: BTreeMap<String, Container>,
    pub(crate) images: BTreeSet<String>,
    pub(crate) behaviours: BTreeMap<String, Behaviour>,
    pub(super) loaded: Loaded,
    /// Requests of people a second.
    pub(crate) visitors: u64,
    pub(super) visited: u64,
    pub(super) generation: u64,
    pub(super) now_ms: u64,
    pub(super) made: u64,
    /// Every verb, in order, for assertions and for placing faults.
    pub(crate) done: Vec<&'static str>,
    /// What broke the promise, when it was broken.
    pub(crate) broken: Vec<String>,
}

impl World {
    /// Makes a change and notes when it leaves nobody serving, now or should the power fail now.
    pub(super) fn checked<T>(
        &mut self,
        verb: &'static str,
        change: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let (served, safe) = (self.is_served(), self.would_serve_after_boot());
        let value = change(self);
        if served && !self.is_served() {
            self.broken.push(format!("nobody serves after {verb}"));
        }
        if safe && !self.would_serve_after_boot() {
            self.broken
                .push(format!("nobody would serve after {verb} and a power cut"));
        }
        value
    }

    pub(super) fn essence(&self) -> String {
        let people = |path: &Path| path.to_string_lossy().contains("/events/");
        let files = |files: &BTreeMap<PathBuf, Vec<u8>>| -> String {
            let seen = files
                .iter()
                .filter(|(path, _)| !path.ends_with("traffic.log"));
            let kept = seen.map(|(path, bytes)| {
                let text = String::from_utf8_lossy(bytes);
                if people(path) {
                    format!(
                        "{} {}",
                        path.display(),
                        text.contains("\"kind\":\"finished\"")
                    )
                } else if path.ends_with("fence.json")
                    || path.to_string_lossy().contains("/history/")
                {
                    // Whoever is new gets a number of its own, and nobody reads a closed journal.
                    path.display().to_string()
                } else {
                    // Journal lines carry the time.
                    let timeless = text
                        .split("\"at_ms\":")
                        .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
                    let sumless = timeless.collect::<String>();
                    let lines = sumless.lines().map(|line| line.get(17..).unwrap_or(line));
                    format!("{} {}", path.display(), lines.collect::<String>())
                }
            });
            kept.collect()
        };
        let containers: Vec<_> = self
            .containers
            .iter()
            .map(|(name, c)| (name, &c.image, &c.release, c.running))
            .collect();
        format!(
            "{}|{}|{containers:?}|{:?}|{:?}|{:?}",
            files(&self.files),
            files(&self.durable),
            self.images,
            self.loaded,
            self.broken
        )
    }

    /// Lets time pass: people come, and nginx logs them when it is to.
    pub(super) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        let folder = Path::new(FOLDER);
        let logged = self.files.contains_key(&flag::measure_file(folder));
        let due = self.visitors * ms / 1000;
        if due == 0 || !logged || self.loaded != Loaded::Flag {
            return;
        }
        let live = self.live_port();
        let service = service_of(live).unwrap_or_default();
        let behaviour = self
            .containers
            .get(service)
            .map(|container| self.behaviour(container));
        let mut lines = String::new();
        for _ in 0..due {
            self.visited += 1;
            let status = match behaviour {
                Some(Behaviour::FailsPeople(percent)) if self.visited % 100 < percent => 500,
                _ => 200,
            };
            let (seconds, ms) = (self.now_ms / 1000, self.now_ms % 1000);
            lines.push_str(&format!(
                "{seconds}.{ms:03} 1 {status} 0.004 127.0.0.1:{live}\n"
            ));
        }
        self.append(&flag::traffic_log(folder), lines.as_bytes());
    }

    /// Adds bytes to a file; not yet synced.
    pub(super) fn append(&mut self, path: &Path, bytes: &[u8]) {
        self.files
            .entry(path.into())
            .or_default()
            .extend_from_slice(bytes);
    }

    /// Makes a file's present state survive a power cut.
    pub(super) fn sync(&mut self, path: &Path) {
        match self.files.get(path) {
            Some(bytes) => self.durable.insert(path.into(), bytes.clone()),
            None => self.durable.remove(path),
        };
    }

    /// A power cut and a boot: containers that ran are started again, nginx reads its include.
    pub(super) fn reboot(&mut self) {
        self.files = self.durable.clone();
        self.loaded = Loaded::from(
            self.durable
                .get(Path::new(INCLUDE))
                .map_or(&[], Vec::as_slice),
        );
        self.generation += 1;
        for container in self.containers.values_mut() {
            container.started_ms = self.now_ms;
        }
        // Time passes until people are back; a release that boots slowly is up by then.
        self.now_ms += 60_000;
    }

    /// The port that takes traffic now.
    pub(super) fn live_port(&self) -> u16 {
        port(self.loaded, &self.files)
    }

    fn would_serve_after_boot(&self) -> bool {
        let include = self.durable.get(Path::new(INCLUDE));
        let loaded = Loaded::from(include.map_or(&[], Vec::as_slice));
        service_of(port(loaded, &self.durable)).is_some_and(|service| {
            let running = self
                .containers
                .get(service)
                .filter(|container| container.running);
            running.is_some_and(|container| {
                matches!(
                    self.behaviour(container),
                    Behaviour::HealthyAfter(_) | Behaviour::FailsPeople(_)
                )
            })
        })
    }

    pub(super) fn is_served(&self) -> bool {
        service_of(self.live_port())
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
            Behaviour::FailsPeople(_) => ProbeAnswer::Status(200),
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
            (
                true,
                Behaviour::HealthyAfter(_) | Behaviour::Unhealthy | Behaviour::FailsPeople(_),
            ) => RunState::Running,
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

fn port(loaded: Loaded, files: &BTreeMap<PathBuf, Vec<u8>>) -> u16 {
    match loaded {
        Loaded::Nothing => 0,
        Loaded::Port(port) => port,
        Loaded::Flag if files.contains_key(&flag::flag_file(Path::new(FOLDER))) => 8081,
        Loaded::Flag => 8080,
    }
}

pub(super) fn service_of(port: u16) -> Option<&'static str> {
    match port {
        8080 => Some("web-1"),
        8081 => Some("web-2"),
        _ => None,
    }
}

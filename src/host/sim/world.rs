//! What is there: everything that survives the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::behaviour::{Answers, Behaviour, TIMED_OUT};
use super::content::Content;
use super::loaded::LoadedInclude;
use super::{Death, FOLDER};
use crate::host::HostResult;
use crate::host::error::{HostError, Trouble};
use crate::host::facts::{ContainerFacts, OomKilled, ProbeAnswer, Publisher, RunState};
use crate::host::nginx::flag;
use crate::protocol::ids::PinnedImage;

#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) image: Option<PinnedImage>,
    pub(crate) release: Option<String>,
    /// What compose gave it.
    pub(crate) environment: Option<String>,
    /// The compose project that it is in.
    pub(crate) project: String,
    pub(crate) networks: Vec<String>,
    pub(super) started_ms: u64,
    /// What it ends with, when it runs to its end.
    pub(super) code: i64,
    pub(crate) running: bool,
    /// Stopped so that it stays down when the engine starts again.
    pub(crate) held: bool,
    /// Its weights are lowered.
    pub(crate) lowered: bool,
}

pub(crate) type Disk = BTreeMap<PathBuf, Content>;

/// Everything that survives the agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    /// What a program sees.
    pub(crate) files: Disk,
    /// What a power cut leaves.
    pub(super) durable: Disk,
    pub(crate) containers: BTreeMap<String, Container>,
    pub(crate) images: BTreeSet<String>,
    pub(crate) behaviours: BTreeMap<String, Behaviour>,
    pub(super) loaded: LoadedInclude,
    /// Whether services have `restart: always`: what was not stopped to stay down is started at a boot.
    pub(crate) restart_always: bool,
    /// Requests of people a second.
    pub(crate) visitors: u64,
    pub(super) visited: u64,
    /// Thousandths of a request that are due.
    pub(super) due: u64,
    /// Whether their `location` has an `access_log` of its own.
    pub(crate) own_log: bool,
    /// Whether nginx logs as an earlier `provision` had it.
    pub(super) earlier_log: bool,
    /// Requests without an end: when they began, and the port of their slot.
    pub(super) hanging: Vec<(u64, u16)>,
    /// When users came last, by the port of the slot: nginx keeps a connection to it for a while.
    pub(super) came_ms: BTreeMap<u16, u64>,
    pub(super) generation: u64,
    /// The clock that never jumps.
    pub(crate) now_ms: u64,
    /// How far the clock on the wall is from it.
    pub(super) clock_ms: i64,
    pub(super) made: u64,
    /// What services without a port, but the database, end with.
    pub(crate) one_shots_end_with: i64,
    /// A container that publishes the ports of the slots, and is none of them.
    pub(crate) publisher: Option<Publisher>,
    /// The networks that somebody made.
    pub(crate) networks: Vec<String>,
    /// Variables of the compose file that nobody sets.
    pub(crate) unset: Vec<String>,
    /// Every verb, in order, for assertions and for placing faults.
    pub(crate) done: Vec<&'static str>,
    /// What broke the promise, when it was broken.
    pub(crate) broken: Vec<String>,
}

impl World {
    /// nginx goes on with what it loaded before `provision`.
    pub(crate) fn forget_reload(&mut self) {
        self.loaded = LoadedInclude::Port(8080);
    }

    /// Whether nginx logs requests now.
    pub(crate) fn is_logging(&self) -> bool {
        self.files
            .contains_key(&flag::measure_file(Path::new(FOLDER)))
    }

    /// Something takes its time, and users come meanwhile.
    pub(crate) fn let_pass(&mut self, ms: u64) {
        (0..ms / 50).for_each(|_| self.pass(50));
    }

    /// nginx's files are those of an earlier version.
    pub(crate) fn provisioned_earlier(&mut self, version: flag::FlagVersion) {
        self.earlier_log = version == flag::FlagVersion::One;
        for content in self.files.values_mut() {
            if let Some(text) = flag::as_version(&String::from_utf8_lossy(content), version) {
                *content = text.into_bytes().into();
            }
        }
    }

    /// A slot is gone, and with it every connection to it.
    pub(super) fn stop(&mut self, service: &str) {
        let running = self
            .containers
            .get(service)
            .is_some_and(|slot| slot.running);
        // On the way back of a first release people are sent to it until it is gone: there is nobody else.
        let live = self.live_port();
        let mut ports = self.came_ms.keys().filter(|port| **port != live);
        if running && ports.any(|port| service_of(*port) == Some(service) && self.keeps(*port)) {
            self.broken.push(format!(
                "`{service}` was stopped while nginx kept connections to it"
            ));
        }
        if let Some(container) = self.containers.get_mut(service) {
            container.running = false;
            container.held = true;
        }
        self.hanging
            .retain(|(_, port)| service_of(*port) != Some(service));
    }

    /// What everybody but a stop watch takes for the time.
    pub(super) fn wall_ms(&self) -> u64 {
        self.now_ms.saturating_add_signed(self.clock_ms)
    }

    /// Adds bytes to a file; not yet synced.
    pub(super) fn append(&mut self, path: &Path, bytes: &[u8]) {
        let whole = match self.files.get(path) {
            Some(content) => content.and(bytes),
            None => bytes.to_vec().into(),
        };
        self.files.insert(path.into(), whole);
    }

    /// Starts a container as it is; one that ended by itself begins again.
    pub(super) fn start(&mut self, service: &str) -> HostResult<()> {
        let gone = || HostError::new(Trouble::Missing, format!("start `{service}`"));
        let container = self.containers.get(service).ok_or_else(gone)?;
        let runs = self.facts(container).run == RunState::Running;
        let now_ms = self.now_ms;
        let container = self.containers.get_mut(service).ok_or_else(gone)?;
        container.held = false;
        if !runs {
            (container.running, container.started_ms) = (true, now_ms);
            container.lowered = false;
        }
        Ok(())
    }

    /// Makes a file's present state survive a power cut.
    pub(super) fn sync(&mut self, path: &Path) {
        match self.files.get(path) {
            Some(bytes) => self.durable.insert(path.into(), bytes.clone()),
            None => self.durable.remove(path),
        };
    }

    /// Makes what was removed from the folder of `path` stay removed after a power cut.
    pub(super) fn sync_folder(&mut self, path: &Path) {
        let (files, folder) = (&self.files, path.parent());
        self.durable
            .retain(|name, _| name.parent() != folder || files.contains_key(name));
    }

    /// What a death leaves. At a boot containers that ran are started again, and nginx reads its include.
    pub(crate) fn after(&self, death: Death) -> Self {
        let mut world = self.clone();
        match death {
            Death::Kill => return world,
            Death::PowerLoss => world.files = world.durable.clone(),
            Death::LuckyPowerLoss => world.durable = world.files.clone(),
        }
        world.loaded = LoadedInclude::by(&world.files);
        world.generation += 1;
        for container in world.containers.values_mut() {
            container.started_ms = world.now_ms;
            container.lowered = false;
            container.running |= world.restart_always && !container.held;
        }
        // Time passes until people are back; a release that boots slowly is up by then.
        world.now_ms += 60_000;
        world
    }

    /// The port that takes traffic now.
    pub(super) fn live_port(&self) -> u16 {
        port(self.loaded, &self.files)
    }

    /// Whether somebody would serve after a power cut and a boot.
    pub(super) fn would_serve(&self, death: Death) -> bool {
        let files = match death {
            Death::PowerLoss => &self.durable,
            Death::Kill | Death::LuckyPowerLoss => &self.files,
        };
        service_of(port(LoadedInclude::by(files), files)).is_some_and(|service| {
            let running = self
                .containers
                .get(service)
                .filter(|container| container.running);
            running.is_some_and(|container| match self.behaviour(container) {
                Behaviour::Unhealthy | Behaviour::Crashes(_) | Behaviour::OutOfMemory => false,
                Behaviour::HealthyAfter(_)
                | Behaviour::FailsPeople(_)
                | Behaviour::EndsAfter(_)
                | Behaviour::SickAfter(_)
                | Behaviour::HangsUsers
                | Behaviour::HangsElsewhere
                | Behaviour::HangsAfter(_)
                | Behaviour::DropsUsers(_)
                | Behaviour::AnswersUsers(_)
                | Behaviour::FillsDiskAfter(_)
                | Behaviour::SlowFor(_) => true,
            })
        })
    }

    pub(super) fn is_served(&self) -> bool {
        service_of(self.live_port())
            .is_some_and(|service| matches!(self.answer(service), ProbeAnswer::Status(200)))
    }

    pub(super) fn behaviour(&self, container: &Container) -> Behaviour {
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
        let age_ms = self.now_ms.saturating_sub(container.started_ms);
        match self.behaviour(container).answers(age_ms) {
            Answers::Status(status) => ProbeAnswer::Status(status),
            Answers::Refuses => refused(),
            Answers::Hangs => ProbeAnswer::Nothing(TIMED_OUT.to_owned()),
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
            (true, Behaviour::EndsAfter(ms)) if self.now_ms >= container.started_ms + ms => {
                RunState::Ended {
                    code: 1,
                    oom: OomKilled::No,
                }
            }
            (true, _) => RunState::Running,
            (false, _) => RunState::Ended {
                code: container.code,
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
            stop_grace: None,
            image: container.image.clone(),
            release: container.release.clone(),
            pid: None,
            exposed: Vec::new(),
            networks: container.networks.clone(),
        }
    }
}

fn port(loaded: LoadedInclude, files: &Disk) -> u16 {
    match loaded {
        LoadedInclude::Nothing => 0,
        LoadedInclude::Port(port) => port,
        LoadedInclude::Flag if files.contains_key(&flag::flag_file(Path::new(FOLDER))) => 8081,
        LoadedInclude::Flag => 8080,
    }
}

pub(super) fn service_of(port: u16) -> Option<&'static str> {
    match port {
        8080 => Some("web-1"),
        8081 => Some("web-2"),
        _ => None,
    }
}

//! A simulated host for tests: files, containers, what nginx loaded, images, a clock. Nothing else.
//!
//! Every effect passes numbered *points*: before it, visible but not yet durable, durable, and for an append torn. A
//! test may crash the agent at a point (the future is then never polled again), or film a run: a picture is the world
//! that a crash at that point leaves. Verbs fail when a test wants it ([`Faults`]). The promise of the product is
//! checked at every change ([`watch`]).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tokio::sync::Notify;

use super::HostResult;
use super::error::{HostError, Trouble};
use super::facts::ProbeAnswer;
use super::nginx::context::IncludeContext;
use super::nginx::flag::{self, FlagSwitch, Keeping};
use crate::protocol::ids::PinnedImage;
use crate::protocol::slot::PerSlot;

mod behaviour;
mod clock;
mod containers;
mod content;
mod edits;
mod essence;
mod faults;
mod files;
mod images;
mod loaded;
mod machine;
mod network;
mod proxy;
mod visitors;
mod watch;
mod world;

pub(crate) use behaviour::Behaviour;
pub(crate) use essence::kept_files;
pub(crate) use faults::Faults;
use loaded::LoadedInclude;
use world::service_of;
pub(crate) use world::{Disk, World};

/// The host.
#[derive(Debug)]
pub(crate) struct SimHost {
    /// When everybody who sleeps wants to wake.
    sleepers: RefCell<BTreeMap<u64, u64>>,
    slept: Cell<u64>,
    pub(crate) world: RefCell<World>,
    /// What goes wrong.
    pub(crate) faults: Faults,
    /// The crash point at which the agent dies.
    pub(crate) crash_at: Cell<Option<usize>>,
    crash: Notify,
    resume: Notify,
    locks: Locks,
    dead: Cell<bool>,
    points: Cell<usize>,
    film: RefCell<Option<Film>>,
}

/// Essences of worlds that need no picture any more.
pub(crate) type KnownWorlds = Rc<RefCell<HashSet<u64>>>;

#[derive(Debug)]
struct Film {
    known: KnownWorlds,
    pictures: Vec<(usize, World)>,
}

/// How an agent dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// SIGKILL: what it wrote is there.
    Kill,
    /// Power cut and boot: what was not synced is gone, nginx reads its files anew.
    PowerLoss,
    /// Power cut and boot; what was not synced happened to be on disk already.
    LuckyPowerLoss,
}

impl Death {
    pub(crate) const ALL: [Self; 3] = [Self::Kill, Self::PowerLoss, Self::LuckyPowerLoss];
}

pub(crate) const INCLUDE: &str = "/etc/nginx/conf.d/service-url.inc";
/// The state folder of the app.
pub(crate) const FOLDER: &str = "/var/lib/pct-deploy/app";
/// The time at which every simulation begins.
const BEGAN_MS: u64 = 1_764_000_000_000;
const COMPOSE: &str = "/home/u/docker-compose.yml";
const CONFIG: &str = "services:\n  web-1: {image: a, ports: ['8080:80'], depends_on: [db]}\n  web-2: {image: a, ports: ['8081:80'], depends_on: [db]}\n  db: {image: db}\n";

/// Who holds which file.
type Locks = Rc<RefCell<BTreeMap<PathBuf, String>>>;

impl SimHost {
    /// A host on which nothing was ever deployed.
    pub(crate) fn new() -> Self {
        let mut world = World {
            loaded: LoadedInclude::Port(8080),
            now_ms: BEGAN_MS,
            ..World::default()
        };
        world
            .files
            .insert(COMPOSE.into(), CONFIG.as_bytes().to_vec().into());
        world.files.insert(
            INCLUDE.into(),
            b"set $service_url http://127.0.0.1:8080;\n".to_vec().into(),
        );
        world.durable = world.files.clone();
        Self::with(world)
    }

    /// The same after `provision`.
    pub(crate) fn provisioned() -> Self {
        let host = Self::new();
        let app = "app".parse().unwrap();
        let switch = FlagSwitch {
            app: &app,
            ports: PerSlot {
                one: 8080,
                two: 8081,
            },
            variable: "$service_url",
            folder: Path::new(FOLDER),
            context: &IncludeContext::default(),
            keeping: Keeping::Told,
        };
        let mut world = host.world.borrow().clone();
        let upstreams = Path::new(INCLUDE).with_file_name(flag::upstreams_file(&app));
        world
            .files
            .insert(INCLUDE.into(), switch.include().into_bytes().into());
        world
            .files
            .insert(upstreams, switch.upstreams().into_bytes().into());
        world.durable = world.files.clone();
        world.loaded = LoadedInclude::Flag;
        Self::with(world)
    }

    /// How many verbs were called so far.
    pub(crate) fn calls(&self) -> usize {
        self.faults.calls.get()
    }

    /// The image that answers through nginx now.
    pub(crate) fn serves(&self) -> Option<PinnedImage> {
        let world = self.world.borrow();
        let service = service_of(world.live_port())?;
        let container = world
            .containers
            .get(service)
            .filter(|container| container.running)?;
        matches!(world.answer(service), ProbeAnswer::Status(200))
            .then(|| container.image.clone())?
    }

    /// The services whose containers run.
    pub(crate) fn running(&self) -> Vec<String> {
        let world = self.world.borrow();
        let running = world
            .containers
            .iter()
            .filter(|(_, container)| container.running);
        running.map(|(service, _)| service.clone()).collect()
    }

    /// A reboot that brings no container back.
    pub(crate) fn stop_everything(&self) {
        for container in self.world.borrow_mut().containers.values_mut() {
            container.running = false;
        }
    }

    /// Waits until the agent has crashed; a test drops the agent's future then.
    pub(crate) async fn crashed(&self) {
        self.crash.notified().await;
    }

    /// Whether the crash point was reached: the agent is never polled again.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// From here on every point leaves a picture of the world: what a crash there leaves.
    ///
    /// Worlds whose essence is in `known` already leave none, and those that do are in it afterwards.
    pub(crate) fn start_film(&self, known: KnownWorlds) {
        let pictures = Vec::new();
        self.film.replace(Some(Film { known, pictures }));
    }

    /// The pictures so far, each with its point.
    pub(crate) fn end_film(&self) -> Vec<(usize, World)> {
        self.film
            .take()
            .map(|film| film.pictures)
            .unwrap_or_default()
    }

    /// Lets an agent that stands still at its crash point go on.
    pub(crate) fn resume(&self) {
        self.crash_at.set(None);
        self.resume.notify_one();
    }

    /// Somebody removes a lock file: the next one to come finds it free.
    pub(crate) fn forget_lock(&self, path: &Path) {
        self.locks.borrow_mut().remove(path);
    }

    /// How many crash points were passed so far.
    pub(crate) fn points(&self) -> usize {
        self.points.get()
    }

    /// The same machine after the agent's death or a power cut, with a new agent about to start.
    pub(crate) fn after(&self, death: Death) -> Self {
        Self::with(self.world.borrow().after(death))
    }

    /// A machine in this state, with an agent about to start.
    pub(crate) fn with(world: World) -> Self {
        Self {
            sleepers: RefCell::default(),
            slept: Cell::new(0),
            world: RefCell::new(world),
            faults: Faults::default(),
            crash_at: Cell::new(None),
            crash: Notify::new(),
            resume: Notify::new(),
            locks: Rc::default(),
            dead: Cell::new(false),
            points: Cell::new(0),
            film: RefCell::default(),
        }
    }

    /// A place where the agent may die: from here on it is never polled again, or stands still until it is let go on.
    async fn point(&self) {
        let number = self.points.get();
        self.points.set(number + 1);
        self.picture(number, &self.world.borrow());
        if self.crash_at.get() == Some(number) {
            self.dead.set(true);
            self.crash.notify_one();
            self.resume.notified().await;
            self.dead.set(false);
        }
    }

    /// Pictures of an append that is cut in other places than the one where an agent may die.
    fn picture_torn(&self, path: &Path, line: &[u8]) {
        if line.is_empty() || self.film.borrow().is_none() {
            return;
        }
        let half = line.len() / 2;
        let zeros = [&line[..half], &vec![0; line.len() - half]].concat();
        for rest in [&line[..line.len() - 1], &zeros] {
            let mut world = self.world.borrow().clone();
            world.append(path, rest);
            world.sync(path);
            self.picture(self.points.get(), &world);
        }
    }

    fn picture(&self, point: usize, world: &World) {
        if let Some(film) = self.film.borrow_mut().as_mut()
            && film.known.borrow_mut().insert(world.essence())
        {
            film.pictures.push((point, world.clone()));
        }
    }

    /// An effect or a look: counted, and failing when a test wants it.
    fn call(&self, verb: &'static str) -> HostResult<()> {
        self.world.borrow_mut().done.push(verb);
        if let Some(ms) = self.faults.clock_jump() {
            self.world.borrow_mut().clock_ms += ms;
        }
        if self
            .faults
            .strikes(verb, || self.world.borrow().has_noted("undo_started"))
        {
            return Err(HostError::new(
                Trouble::Other,
                format!("{verb} (simulated)"),
            ));
        }
        Ok(())
    }

    /// The same for what needs room on the disk.
    fn write(&self, verb: &'static str) -> HostResult<()> {
        self.call(verb)?;
        if self.faults.disk_is_full() {
            return Err(HostError::new(
                Trouble::DiskFull,
                format!("{verb} (simulated)"),
            ));
        }
        Ok(())
    }

    /// Changes the world and checks the promise; the world is ours only under the lock.
    fn act<T>(&self, verb: &'static str, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.borrow_mut();
        if self.locks.borrow().is_empty() {
            world.broken.push(format!("{verb} without the lock"));
        }
        world.checked(verb, change)
    }

    /// A change that is durable at once, or not a matter of files.
    async fn change<T>(
        &self,
        verb: &'static str,
        change: impl FnOnce(&mut World) -> T,
    ) -> HostResult<T> {
        self.call(verb)?;
        self.point().await;
        let value = self.act(verb, change);
        self.point().await;
        Ok(value)
    }

    /// A change of files' names: visible first, durable when the folders are synced.
    async fn change_files(
        &self,
        verb: &'static str,
        paths: &[&Path],
        change: impl FnOnce(&mut World),
    ) {
        self.point().await;
        self.act(verb, change);
        self.point().await;
        self.act(verb, |world| {
            for path in paths {
                world.sync(path);
                world.sync_folder(path);
            }
        });
        self.point().await;
    }
}

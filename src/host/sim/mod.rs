//! A simulated host for tests: files, containers, what nginx loaded, images, a clock. Nothing else.
//!
//! Every effect passes a numbered *point* before and after it takes place. A test may crash the agent
//! at a point (the future is then never polled again) or have a verb fail once. The promise of
//! the product is checked at every change of the world: while a slot serves, traffic points at a running,
//! healthy slot.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tokio::sync::Notify;

use super::error::{HostError, Trouble};
use super::facts::ProbeAnswer;
use super::nginx::context::Context;
use super::nginx::flag::{self, FlagSwitch};
use super::{Held, HostResult};
use crate::protocol::ids::PinnedImage;
use crate::protocol::slot::PerSlot;

mod verbs;
mod world;

pub(crate) use world::{Behaviour, World};
use world::{Loaded, service_of};

/// The host.
#[derive(Debug)]
pub(crate) struct SimHost {
    /// When everybody who sleeps wants to wake.
    sleepers: RefCell<BTreeMap<u64, u64>>,
    slept: Cell<u64>,
    pub(crate) world: RefCell<World>,
    /// The verb (by its place in the order of all verbs) that fails once.
    pub(crate) fail_at: Cell<Option<usize>>,
    /// The verb that fails every time.
    pub(crate) fail_always: Cell<Option<&'static str>>,
    /// The crash point at which the agent dies.
    pub(crate) crash_at: Cell<Option<usize>>,
    crash: Notify,
    resume: Notify,
    locks: Locks,
    points: Cell<usize>,
    calls: Cell<usize>,
}

/// How an agent dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// SIGKILL: what it wrote is there.
    Kill,
    /// Power cut and boot: what was not synced is gone, nginx reads its files anew.
    PowerLoss,
}

pub(crate) const INCLUDE: &str = "/etc/nginx/conf.d/service-url.inc";
/// So often a sleeper looks before it takes those that should wake before it for dead.
const STANDS_STILL: u32 = 20;
/// The state folder of the app.
pub(crate) const FOLDER: &str = "/var/lib/pct-deploy/app";
const COMPOSE: &str = "/home/u/docker-compose.yml";
const CONFIG: &str = "services:\n  web-1: {image: a, ports: ['8080:80'], depends_on: [db]}\n  web-2: {image: a, ports: ['8081:80'], depends_on: [db]}\n  db: {image: db}\n";

/// Who holds which file.
type Locks = Rc<RefCell<BTreeMap<PathBuf, String>>>;

#[derive(Debug)]
pub(crate) struct SimLock {
    path: PathBuf,
    locks: Locks,
}
impl Held for SimLock {}
impl Drop for SimLock {
    fn drop(&mut self) {
        self.locks.borrow_mut().remove(&self.path);
    }
}

impl SimHost {
    /// A host on which nothing was ever deployed.
    pub(crate) fn new() -> Self {
        let mut world = World {
            loaded: Loaded::Port(8080),
            now_ms: 1_000_000,
            ..World::default()
        };
        world.files.insert(COMPOSE.into(), CONFIG.into());
        world.files.insert(
            INCLUDE.into(),
            b"set $service_url http://127.0.0.1:8080;\n".to_vec(),
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
            context: &Context::default(),
        };
        let mut world = host.world.borrow().clone();
        let upstreams = flag::upstreams_file(Path::new(INCLUDE), &app);
        world
            .files
            .insert(INCLUDE.into(), switch.include().into_bytes());
        world
            .files
            .insert(upstreams, switch.upstreams().into_bytes());
        world.durable = world.files.clone();
        world.loaded = Loaded::Flag;
        Self::with(world)
    }

    /// How many verbs were called so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.get()
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

    /// Everything that a new agent could see or meet, without the clock and the lines that only people read: two
    /// worlds with the same essence have the same future.
    pub(crate) fn essence(&self) -> String {
        self.world.borrow().essence()
    }

    /// The same machine after the agent's death or a power cut, with a new agent about to start.
    pub(crate) fn after(&self, death: Death) -> Self {
        let mut world = self.world.borrow().clone();
        if death == Death::PowerLoss {
            world.reboot();
        }
        Self::with(world)
    }

    fn with(world: World) -> Self {
        Self {
            sleepers: RefCell::default(),
            slept: Cell::new(0),
            world: RefCell::new(world),
            fail_at: Cell::new(None),
            fail_always: Cell::new(None),
            crash_at: Cell::new(None),
            crash: Notify::new(),
            resume: Notify::new(),
            locks: Rc::default(),
            points: Cell::new(0),
            calls: Cell::new(0),
        }
    }

    /// Waits in simulated time: whoever wants to wake first lets the time pass for all.
    async fn sleep_until(&self, deadline: u64) {
        let number = self.slept.get();
        self.slept.set(number + 1);
        let _woken = Woken { host: self, number };
        let (mut seen, mut looks) = (0, 0);
        loop {
            self.sleepers.borrow_mut().insert(number, deadline);
            tokio::task::yield_now().await;
            let now = self.world.borrow().now_ms;
            looks = if seen == now { looks + 1 } else { 0 };
            seen = now;
            if looks == STANDS_STILL {
                // Whoever should wake first belongs to an agent that stands still.
                self.sleepers
                    .borrow_mut()
                    .retain(|_, other| *other >= deadline);
            }
            let earliest = self.sleepers.borrow().values().min().copied();
            if now >= deadline || earliest == Some(deadline) {
                self.world.borrow_mut().pass(deadline.saturating_sub(now));
                return;
            }
        }
    }

    /// A place where the agent may die: from here on it is never polled again, or stands still until it is let go on.
    async fn point(&self) {
        let number = self.points.get();
        self.points.set(number + 1);
        if self.crash_at.get() == Some(number) {
            self.crash.notify_one();
            self.resume.notified().await;
        }
    }

    /// An effect or a look: counted, and failing when a test wants it.
    fn call(&self, verb: &'static str) -> HostResult<()> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        self.world.borrow_mut().done.push(verb);
        if self.fail_at.get() == Some(number) || self.fail_always.get() == Some(verb) {
            return Err(HostError::new(
                Trouble::Other,
                format!("{verb} (simulated)"),
            ));
        }
        Ok(())
    }

    /// Changes the world, then checks the promise: now, and should the power fail now.
    async fn change<T>(
        &self,
        verb: &'static str,
        change: impl FnOnce(&mut World) -> T,
    ) -> HostResult<T> {
        self.call(verb)?;
        self.point().await;
        let value = self.world.borrow_mut().checked(verb, change);
        self.point().await;
        Ok(value)
    }
}

/// Takes a sleeper off the list when it has woken, and when nobody waits for it any more.
struct Woken<'a> {
    host: &'a SimHost,
    number: u64,
}

impl Drop for Woken<'_> {
    fn drop(&mut self) {
        self.host.sleepers.borrow_mut().remove(&self.number);
    }
}

//! What a host says about itself.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::nginx::{Preface, Scheme};
use crate::protocol::ids::{PinnedImage, ProjectName};
use crate::protocol::plan::HealthCheck;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerFacts {
    /// As `docker version` prints it.
    pub version: String,
    /// As `linux/amd64`.
    pub platform: String,
    /// The folder images and containers are in.
    pub root: PathBuf,
    /// Whether containers outlive the engine's death.
    pub live_restore: LiveRestore,
}

/// Whether containers outlive the engine's death (`live-restore` in `daemon.json`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveRestore {
    On,
    Off,
    /// They cannot: the engine is part of a swarm.
    Impossible,
}

/// Which compose there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComposeTool {
    /// `docker-compose`, the Python program; every file must name the same `version`.
    V1,
    /// `docker compose`.
    V2,
}

/// A compose project: one folder, its file, and override files on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeProject {
    /// Absolute and free of links.
    pub folder: PathBuf,
    /// The first is the user's, relative to the folder; the others are absolute.
    pub files: Vec<PathBuf>,
    /// What stands in for all of them when a slot is started, absolute; the project stays that of the files.
    pub instead: Vec<PathBuf>,
    /// What it is called; `None` leaves that to compose, and any project of its folder is taken for it.
    pub name: Option<ProjectName>,
    /// Which program reads it.
    pub tool: ComposeTool,
}

impl ComposeProject {
    /// The same project under this name, or under whatever name.
    #[must_use]
    pub fn named(&self, name: Option<ProjectName>) -> Self {
        Self {
            name,
            ..self.clone()
        }
    }

    /// The folder that compose takes for that of the project: the first file's.
    pub fn base(&self) -> PathBuf {
        let first = self.files.first().map(|file| self.folder.join(file));
        let base = first.as_deref().and_then(std::path::Path::parent);
        base.unwrap_or(&self.folder).to_owned()
    }

    /// The same project, started from other files.
    #[must_use]
    pub fn from(&self, instead: Vec<PathBuf>) -> Self {
        Self {
            instead,
            ..self.clone()
        }
    }

    /// The same project with one more file on top.
    #[must_use]
    pub fn with(&self, file: PathBuf) -> Self {
        let mut project = self.clone();
        project.files.push(file);
        project
    }
}

/// What compose makes of a project's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composed {
    /// One file, resolved, as YAML.
    pub yaml: String,
    /// The variables that the files name and nobody sets, for which compose puts nothing. Sorted, each once.
    pub unset: Vec<String>,
}

/// Whether nginx has loaded a file as it is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// It has, or does not run and will.
    Yes,
    /// It was changed after the last reload.
    No,
}

/// A container now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Its full id.
    pub id: String,
    /// As Docker names it: `running`, `exited`, `restarting`, …
    pub state: String,
    /// Whether its process runs.
    pub run: RunState,
    /// What its own `HEALTHCHECK` says; `None` without one.
    pub health: Option<ContainerHealth>,
    /// How often Docker restarted it.
    pub restarts: u64,
    /// The memory limit in bytes; `None` means unlimited.
    pub memory_limit: Option<u64>,
    /// How long its own settings give it to end after SIGTERM (`stop_grace_period`), when they say.
    pub stop_grace: Option<Duration>,
    /// The image it was made from, when that has a digest.
    pub image: Option<PinnedImage>,
    /// The value of our label `pct-deploy.release`.
    pub release: Option<String>,
    /// The id of its first process, as the host sees it.
    pub pid: Option<u32>,
    /// Where its exposed TCP ports answer on the container network.
    pub exposed: Vec<(IpAddr, u16)>,
    /// The networks that it is on, as Docker calls them, sorted.
    pub networks: Vec<String>,
}

/// A running container that publishes a port, and what compose noted about where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    pub container: String,
    pub service: String,
    pub project: String,
    /// The project's folder.
    pub folder: PathBuf,
    /// Its compose files, absolute.
    pub files: Vec<PathBuf>,
}

/// The weights that a container's control group had before they were lowered: files of the kernel's, and what each said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnWeights(pub Vec<(PathBuf, String)>);

/// Whether a container's process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Running,
    /// It ended, with this code, and the kernel killed it for its memory or did not.
    Ended {
        code: i64,
        /// Whether the kernel's OOM killer was at work.
        oom: OomKilled,
    },
}

/// Whether the kernel's OOM killer was at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OomKilled {
    Yes,
    No,
}

/// What a container's own `HEALTHCHECK` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerHealth {
    /// Not decided.
    Starting,
    Healthy,
    Unhealthy,
}

/// Something that befell a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// Its process ended with this code.
    Died(i64),
    /// Somebody had Docker send it a SIGKILL.
    KilledThroughDocker,
    /// The kernel killed something in it for memory.
    OutOfMemory,
    Restarted,
}

/// A local image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// As `linux/amd64`, where the engine says it.
    pub platform: Option<String>,
    /// Bytes on disk.
    pub size: u64,
}

/// How far a pull is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullProgress {
    /// Bytes downloaded so far.
    pub done: u64,
    /// Bytes to download, as far as known.
    pub total: u64,
}

/// An nginx worker process: its id and when it started, so that a reused id is not mistaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkerId {
    pub pid: u32,
    /// Start time in kernel ticks since boot.
    pub started: u64,
}

/// One request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Where to.
    pub address: SocketAddr,
    pub scheme: Scheme,
    pub preface: Preface,
    pub host: String,
    pub path: String,
    /// Whether it says that it came by HTTPS (`X-Forwarded-Proto`).
    pub by_https: bool,
    /// For the whole exchange.
    pub timeout: Duration,
}

impl Probe {
    /// The request that tells whether the slot at `address` is healthy.
    pub fn of_health(address: SocketAddr, check: &HealthCheck, timeout: Duration) -> Self {
        Self {
            address,
            scheme: Scheme::Http,
            preface: Preface::None,
            host: check.host_or_localhost().to_owned(),
            path: check.path_or_root().to_owned(),
            by_https: check.by_https,
            timeout,
        }
    }
}

/// What a probe saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeAnswer {
    Status(u16),
    /// No answer; why, in a few words.
    Nothing(String),
}

impl fmt::Display for ProbeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "HTTP {status}"),
            Self::Nothing(why) => f.write_str(why),
        }
    }
}

/// What a request on a kept-alive connection came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestOutcome {
    /// A whole answer.
    Status(u16),
    /// Fully written, then the connection ended without a whole answer.
    Lost,
    /// No connection was to be had; why, in a few words.
    Refused(String),
}

/// What arrives at a slot, as the kernel sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Arrivals {
    /// Connections a second.
    pub per_second: f64,
    /// Connections that are open, or ended within the last second.
    pub lately: u32,
    /// The round trip to the clients in milliseconds; `None` when there are none.
    pub round_trip_ms: Option<f64>,
}

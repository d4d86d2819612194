//! The two slots of an app.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ids::{ProjectName, ServiceName, SlotName};

/// One of the two compose services that can serve an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first service of the `slots` setting.
    One,
    /// The second service of the `slots` setting.
    Two,
}

impl Slot {
    /// Both slots, in order.
    pub const BOTH: [Self; 2] = [Self::One, Self::Two];

    /// The slot that is not this one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "1",
            Self::Two => "2",
        })
    }
}

/// A value for each slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerSlot<T> {
    /// The first slot's.
    pub one: T,
    /// The second slot's.
    pub two: T,
}

impl<T> PerSlot<T> {
    /// What `make` makes for each slot.
    pub fn of(mut make: impl FnMut(Slot) -> T) -> Self {
        Self {
            one: make(Slot::One),
            two: make(Slot::Two),
        }
    }

    /// The same, unless it fails for one.
    pub fn try_of<E>(mut make: impl FnMut(Slot) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            one: make(Slot::One)?,
            two: make(Slot::Two)?,
        })
    }

    /// The value of `slot`, to be changed.
    pub fn get_mut(&mut self, slot: Slot) -> &mut T {
        match slot {
            Slot::One => &mut self.one,
            Slot::Two => &mut self.two,
        }
    }

    /// What `make` makes of each value.
    pub fn map<U>(&self, mut make: impl FnMut(&T) -> U) -> PerSlot<U> {
        PerSlot {
            one: make(&self.one),
            two: make(&self.two),
        }
    }

    /// The value of `slot`.
    pub fn get(&self, slot: Slot) -> &T {
        match slot {
            Slot::One => &self.one,
            Slot::Two => &self.two,
        }
    }
}

/// A slot as the compose file describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotService {
    /// The compose service.
    pub service: ServiceName,
    /// The port it is published on, on the host.
    pub port: u16,
    /// The port that the health check asks, when that is another one.
    #[serde(default)]
    pub health_port: Option<u16>,
    /// What people call it, when that is not its service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<SlotName>,
    /// Its compose files, relative to the project's folder; none means the project's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
    /// Its compose project, when that is not left to compose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// What an nginx in a container calls it, where that asks it by name; both ports are then the container's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
}

impl SlotService {
    /// One that is asked on this port of the host, and of which nothing else is known.
    pub fn new(service: ServiceName, port: u16) -> Self {
        Self {
            service,
            port,
            health_port: None,
            name: None,
            files: Vec::new(),
            project: None,
            hosts: Vec::new(),
        }
    }

    /// What people call it.
    pub fn name(&self) -> SlotName {
        self.name
            .clone()
            .unwrap_or_else(|| SlotName::from(&self.service))
    }

    /// What a person types to do something to it, such as `docker compose logs web-1`.
    pub fn compose(&self, verb: &str) -> String {
        let project = self.project.iter().map(|name| format!(" -p {name}"));
        let files = self.files.iter();
        let files = files.map(|file| format!(" -f {}", file.display()));
        let options: String = project.chain(files).collect();
        format!("docker compose{options} {verb} {}", self.service)
    }

    /// Whether nginx asks it by name, so that it need not publish a port.
    pub fn is_named(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Where an nginx on the host reaches the slot.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

impl PerSlot<SlotService> {
    /// Whether the same files describe both, in the same project: they have networks, volumes and dependencies in common.
    pub fn share_files(&self) -> bool {
        self.one.files == self.two.files && self.one.project == self.two.project
    }
}

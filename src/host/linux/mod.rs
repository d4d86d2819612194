//! The real host.
//!
//! - `files`, [`mod@replace`], `lock`, `root` and `sudoers`: our files, and root's through `sudo -n`
//! - `containers`, `docker` and `compose_cli`: the engine through its socket, compose as a program
//! - `nginx_cli`: nginx as a program and as processes; `nginx_inside`: the same in a container
//! - `http_probe` (with `stream` and [`line`](mod@line)), `net`, `inside` (in a container) and `clock`: requests, connections, time; `machine`: who we are here
//! - [`detached`]: our own program in a session of its own; `faults`: where a fault test may have us die
//! - `group`: the kernel's control groups; `memory` and `weight`: what they tell, and what is changed there for a while
//! - `process`: other programs and what their end means

mod arrivals;
mod clock;
mod compose_cli;
mod containers;
pub mod detached;
mod docker;
mod faults;
mod files;
mod group;
mod http_probe;
mod inside;
pub mod line;
mod link;
mod loaded;
pub mod lock;
mod machine;
mod memory;
mod net;
mod nginx_cli;
mod nginx_inside;
mod process;
pub mod replace;
mod root;
mod stream;
mod sudoers;
mod tail;
mod tcp_info;
mod tcp_table;
mod weight;
mod workers;

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Instant;

use bollard::Docker;
use tokio::sync::OnceCell;

use super::HostResult;
use super::error::{HostError, Trouble};

#[derive(Debug)]
pub struct LinuxHost {
    home: PathBuf,
    started: Instant,
    docker: OnceCell<Docker>,
    compose: OnceCell<compose_cli::Launcher>,
    nginx_pid_file: RefCell<Option<PathBuf>>,
    faults: faults::FaultInjector,
}

impl LinuxHost {
    /// The host, with nothing asked of it yet.
    pub fn new() -> HostResult<Self> {
        let doing = "find the home of this user";
        let home = std::env::home_dir().filter(|home| home.is_absolute());
        let home = home.ok_or_else(|| HostError::new(Trouble::Missing, doing))?;
        Ok(Self {
            home: home
                .canonicalize()
                .map_err(|error| HostError::io(doing, error))?,
            started: Instant::now(),
            docker: OnceCell::new(),
            compose: OnceCell::new(),
            nginx_pid_file: RefCell::new(None),
            faults: faults::FaultInjector::default(),
        })
    }

    async fn engine(&self) -> HostResult<&Docker> {
        self.docker
            .get_or_try_init(async || docker::connect())
            .await
    }

    async fn launcher(&self) -> HostResult<&compose_cli::Launcher> {
        self.compose
            .get_or_try_init(|| compose_cli::Launcher::detect(&self.home))
            .await
    }
}

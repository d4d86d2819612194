//! The nginx of the simulated host.

use std::path::Path;

use super::SimHost;
use super::loaded::LoadedInclude;
use crate::host::error::{HostError, Trouble};
use crate::host::facts::{self, WorkerId};
use crate::host::{HostResult, Proxy};

impl Proxy for SimHost {
    async fn nginx_config(&self) -> HostResult<String> {
        self.call("nginx_config")?;
        if self.faults.no_nginx.get() {
            let why = "`nginx` is not installed";
            return Err(
                HostError::new(Trouble::Missing, "read the configuration of nginx").because(why),
            );
        }
        Ok(self.world.borrow().nginx_dump())
    }
    async fn nginx_test(&self) -> HostResult<()> {
        self.call("nginx_test")
    }
    async fn nginx_reload(&self) -> HostResult<()> {
        self.change("nginx_reload", |world| {
            world.loaded = LoadedInclude::by(&world.files);
            world.generation += 1;
        })
        .await
    }
    async fn nginx_loaded(&self, _: &Path) -> HostResult<facts::Loaded> {
        self.call("nginx_loaded")?;
        let world = self.world.borrow();
        Ok(if world.loaded == LoadedInclude::by(&world.files) {
            facts::Loaded::Yes
        } else {
            facts::Loaded::No
        })
    }
    async fn nginx_workers(&self) -> HostResult<Vec<WorkerId>> {
        self.call("nginx_workers")?;
        if self.faults.nginx_down.get() {
            return Ok(Vec::new());
        }
        Ok(vec![WorkerId {
            pid: 1,
            started: self.world.borrow().generation,
        }])
    }
    async fn nginx_version(&self) -> HostResult<String> {
        self.call("nginx_version").map(|()| "1.26.3".to_owned())
    }
}

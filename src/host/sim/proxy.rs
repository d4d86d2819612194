//! The nginx of the simulated host.

use std::path::Path;

use super::SimHost;
use super::loaded::LoadedInclude;
use super::network::NGINX;
use crate::host::error::{HostError, Trouble};
use crate::host::facts::{self, WorkerId};
use crate::host::nginx::{NginxAt, NginxPlace, OutOfReach};
use crate::host::{HostResult, Proxy};

impl Proxy for SimHost {
    async fn nginx_place(&self, include: &str) -> HostResult<Result<NginxPlace, OutOfReach>> {
        self.call("nginx_place")?;
        let place = NginxPlace::on_host(include);
        Ok(Ok(match self.world.borrow().contained {
            false => place,
            true => NginxPlace {
                at: NginxAt::Container("nginx".to_owned()),
                address: Some(NGINX),
                ..place
            },
        }))
    }
    async fn nginx_network(&self, _: &NginxAt) -> HostResult<Option<u32>> {
        self.call("nginx_network")?;
        Ok(self.world.borrow().contained.then_some(1))
    }
    async fn nginx_config(&self, _: &NginxAt) -> HostResult<String> {
        self.call("nginx_config")?;
        if self.faults.no_nginx.get() {
            let why = "`nginx` is not installed";
            return Err(
                HostError::new(Trouble::Missing, "read the configuration of nginx").because(why),
            );
        }
        Ok(self.world.borrow().nginx_dump())
    }
    async fn nginx_test(&self, _: &NginxAt) -> HostResult<()> {
        self.call("nginx_test")
    }
    async fn nginx_reload(&self, _: &NginxAt) -> HostResult<()> {
        self.change("nginx_reload", |world| {
            world.loaded = LoadedInclude::by(&world.files);
            world.generation += 1;
        })
        .await
    }
    async fn nginx_loaded(&self, _: &NginxAt, _: &Path) -> HostResult<facts::Loaded> {
        self.call("nginx_loaded")?;
        let world = self.world.borrow();
        Ok(if world.loaded == LoadedInclude::by(&world.files) {
            facts::Loaded::Yes
        } else {
            facts::Loaded::No
        })
    }
    async fn nginx_workers(&self, _: &NginxAt) -> HostResult<Vec<WorkerId>> {
        self.call("nginx_workers")?;
        if self.faults.nginx_down.get() {
            return Ok(Vec::new());
        }
        Ok(vec![WorkerId {
            pid: 1,
            started: self.world.borrow().generation,
        }])
    }
    async fn nginx_version(&self, _: &NginxAt) -> HostResult<String> {
        self.call("nginx_version").map(|()| "1.26.3".to_owned())
    }
}

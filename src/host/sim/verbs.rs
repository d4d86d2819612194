//! The verbs of the simulated host.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::behaviour::TIMED_OUT;
use super::content::names_in;
use super::edits;
use super::world::{Loaded, service_of};
use super::{COMPOSE, SimHost, SimLock};
use crate::host::error::{HostError, Trouble};
use crate::host::facts::{
    self, Arrivals, Asked, ComposeProject, ComposeTool, ContainerFacts, DockerFacts, ImageFacts,
    Incident, Probe, ProbeAnswer, PullProgress, WorkerId,
};
use crate::host::{Access, Durability, Host, HostResult, LockAttempt, OnLine, Owner, Start};
use crate::protocol::ids::{PinnedImage, Repository, ServiceName};
use crate::protocol::slot::PerSlot;
use crate::protocol::wire::RegistryLogin;

impl Host for SimHost {
    type Lock = SimLock;
    type Line = ();

    async fn read(&self, path: &Path) -> HostResult<Option<Vec<u8>>> {
        self.call("read")?;
        let world = self.world.borrow();
        Ok(world.files.get(path).map(|bytes| bytes.to_vec()))
    }
    async fn replace(&self, path: &Path, bytes: &[u8], _: Owner, _: Access) -> HostResult<()> {
        self.write("replace")?;
        self.change_files("replace", &[path], |world| {
            world.files.insert(path.into(), bytes.to_vec().into());
        })
        .await;
        Ok(())
    }
    async fn replace_with(&self, spare: &Path, path: &Path, bytes: &[u8]) -> HostResult<()> {
        self.call("replace_with")?;
        let room = self
            .world
            .borrow()
            .files
            .get(spare)
            .map(|spare| spare.len());
        if room.is_none_or(|room| room < bytes.len()) {
            return Err(HostError::new(Trouble::Missing, "replace_with (simulated)"));
        }
        self.change_files("replace_with", &[spare, path], |world| {
            world.files.remove(spare);
            world.files.insert(path.into(), bytes.to_vec().into());
        })
        .await;
        Ok(())
    }
    async fn remove(&self, path: &Path, _: Owner) -> HostResult<()> {
        self.call("remove")?;
        let reserved = path.iter().any(|part| part == "reserve");
        if reserved && self.world.borrow().files.contains_key(path) {
            self.faults.give_up_room();
        }
        self.change_files("remove", &[path], |world| {
            world.files.remove(path);
        })
        .await;
        Ok(())
    }
    async fn rename(&self, from: &Path, to: &Path) -> HostResult<()> {
        self.call("rename")?;
        self.change_files("rename", &[from, to], |world| {
            if let Some(bytes) = world.files.remove(from) {
                world.files.insert(to.into(), bytes.to_vec().into());
            }
        })
        .await;
        Ok(())
    }
    async fn append(&self, path: &Path, bytes: &[u8], durability: Durability) -> HostResult<()> {
        let half = bytes.len() / 2;
        if let Err(error) = self.write("append") {
            // A full disk takes a part of it; whoever could not sync has written all of it.
            let left = match error.trouble {
                Trouble::DiskFull => &bytes[..half],
                _ => bytes,
            };
            self.world.borrow_mut().append(path, left);
            return Err(error);
        }
        if durability == Durability::Written {
            // Nobody acts on these lines, so dying around them is no history of its own.
            self.world.borrow_mut().append(path, bytes);
            return Ok(());
        }
        self.point().await;
        self.picture_torn(path, bytes);
        let (first, second) = bytes.split_at(half);
        self.world.borrow_mut().append(path, first);
        self.world.borrow_mut().sync(path);
        // Torn: half of the line is on disk.
        self.point().await;
        self.world.borrow_mut().append(path, second);
        // Whole, not yet synced.
        self.point().await;
        self.world.borrow_mut().sync(path);
        self.point().await;
        Ok(())
    }
    async fn make_folder(&self, _: &Path) -> HostResult<()> {
        self.call("make_folder")
    }
    async fn list(&self, path: &Path) -> HostResult<Vec<String>> {
        self.call("list")?;
        Ok(names_in(&self.world.borrow().files, path))
    }
    async fn free_bytes(&self, _: &Path) -> HostResult<u64> {
        self.call("free_bytes").map(|()| u64::MAX)
    }
    async fn try_lock(&self, path: &Path, holder: &str) -> HostResult<LockAttempt<SimLock>> {
        self.call("try_lock")?;
        if let Some(holder) = self.locks.borrow().get(path) {
            return Ok(LockAttempt::HeldBy(holder.clone()));
        }
        let (path, locks) = (path.to_owned(), self.locks.clone());
        locks.borrow_mut().insert(path.clone(), holder.to_owned());
        Ok(LockAttempt::Taken(SimLock { path, locks }))
    }
    async fn resolve(&self, _: &str) -> HostResult<PathBuf> {
        self.call("resolve").map(|()| "/home/u".into())
    }
    async fn user(&self) -> HostResult<String> {
        self.call("user").map(|()| "u".to_owned())
    }
    async fn own_program(&self) -> HostResult<PathBuf> {
        self.call("own_program")
            .map(|()| "/var/lib/pct-deploy/bin/0123".into())
    }
    async fn become_current(&self, _: &Path) -> HostResult<()> {
        self.call("become_current")
    }
    async fn make_root_folder(&self, _: &Path) -> HostResult<()> {
        self.call("make_root_folder")
    }
    async fn load_units(&self, _: &[&str], _: &[&str], _: &[&str]) -> HostResult<()> {
        self.call("load_units")
    }
    async fn can_act_as_root(&self) -> HostResult<()> {
        self.call("can_act_as_root")
    }
    async fn random(&self) -> HostResult<[u8; 32]> {
        self.call("random").map(|()| [7; 32])
    }
    async fn docker(&self) -> HostResult<DockerFacts> {
        self.call("docker")?;
        let root = "/var/lib/docker".into();
        Ok(DockerFacts {
            live_restore: self.faults.live_restore(),
            version: "26".into(),
            platform: "linux/amd64".into(),
            root,
        })
    }
    async fn compose(&self) -> HostResult<ComposeTool> {
        self.call("compose").map(|()| ComposeTool::V2)
    }
    async fn compose_config(&self, _: &ComposeProject) -> HostResult<String> {
        self.call("compose_config")?;
        let world = self.world.borrow();
        let text = world.files.get(Path::new(COMPOSE));
        Ok(text.map_or_else(String::new, |text| {
            String::from_utf8_lossy(text).into_owned()
        }))
    }
    async fn compose_up(
        &self,
        project: &ComposeProject,
        services: &[ServiceName],
        _: Start,
        _: OnLine<'_>,
    ) -> HostResult<()> {
        self.change("compose_up", |world| edits::make(world, project, services))
            .await
    }
    async fn container_start(&self, _: &ComposeProject, service: &ServiceName) -> HostResult<()> {
        let started = self.change("container_start", |world| world.start(service.as_str()));
        started.await?
    }
    async fn compose_stop(
        &self,
        _: &ComposeProject,
        service: &ServiceName,
        _: Duration,
    ) -> HostResult<()> {
        self.change("compose_stop", |world| {
            world.stop(service.as_str());
        })
        .await
    }
    async fn compose_remove(&self, _: &ComposeProject, service: &ServiceName) -> HostResult<()> {
        self.change("compose_remove", |world| {
            world.stop(service.as_str());
            world.containers.remove(service.as_str());
        })
        .await
    }
    async fn container(
        &self,
        _: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Option<ContainerFacts>> {
        self.call("container")?;
        let world = self.world.borrow();
        Ok(world
            .containers
            .get(service.as_str())
            .map(|container| world.facts(container)))
    }
    async fn incidents(&self, _: &str, _: u64) -> HostResult<Vec<Incident>> {
        self.call("incidents").map(|()| Vec::new())
    }
    async fn container_log(&self, _: &str, _: u16) -> HostResult<Vec<String>> {
        self.call("container_log")
            .map(|()| vec!["last words".to_owned()])
    }
    async fn image(&self, image: &PinnedImage) -> HostResult<Option<ImageFacts>> {
        self.call("image")?;
        let here = self.world.borrow().images.contains(&image.to_string());
        Ok(here.then(|| ImageFacts {
            platform: "linux/amd64".into(),
            size: 1,
        }))
    }
    async fn images_of(&self, repository: &Repository) -> HostResult<Vec<PinnedImage>> {
        self.call("images_of")?;
        let world = self.world.borrow();
        let all = world
            .images
            .iter()
            .filter_map(|image| image.parse::<PinnedImage>().ok());
        Ok(all
            .filter(|image| image.repository == *repository)
            .collect())
    }
    async fn pull(
        &self,
        image: &PinnedImage,
        _: Option<&RegistryLogin>,
        _: &mut dyn FnMut(PullProgress),
    ) -> HostResult<()> {
        self.change("pull", |world| {
            world.images.insert(image.to_string());
        })
        .await
    }
    async fn remove_image(&self, image: &PinnedImage) -> HostResult<()> {
        self.change("remove_image", |world| {
            world.images.remove(&image.to_string());
        })
        .await
    }
    async fn nginx_config(&self) -> HostResult<String> {
        self.call("nginx_config")?;
        Ok(self.world.borrow().nginx_dump())
    }
    async fn nginx_test(&self) -> HostResult<()> {
        self.call("nginx_test")
    }
    async fn nginx_reload(&self) -> HostResult<()> {
        self.change("nginx_reload", |world| {
            world.loaded = Loaded::by(&world.files);
            world.generation += 1;
        })
        .await
    }
    async fn nginx_workers(&self) -> HostResult<Vec<WorkerId>> {
        self.call("nginx_workers")?;
        Ok(vec![WorkerId {
            pid: 1,
            started: self.world.borrow().generation,
        }])
    }
    async fn nginx_version(&self) -> HostResult<String> {
        self.call("nginx_version").map(|()| "1.26.3".to_owned())
    }
    async fn probe(&self, probe: &Probe) -> ProbeAnswer {
        let answer = self.world.borrow().answer_to(probe);
        if answer == ProbeAnswer::Nothing(TIMED_OUT.to_owned()) {
            self.sleep(probe.timeout).await;
        }
        answer
    }
    async fn text(&self, probe: &Probe) -> Option<String> {
        let world = self.world.borrow();
        let asked = probe.address.port() == 80 && probe.path.starts_with("/.pct-deploy/slot");
        match service_of(world.live_port()) {
            Some("web-1") if asked => Some("1".to_owned()),
            Some(_) if asked => Some("2".to_owned()),
            Some(_) | None => None,
        }
    }
    async fn ask(&self, (): &mut (), probe: &Probe) -> Asked {
        match self.probe(probe).await {
            ProbeAnswer::Status(status) => Asked::Status(status),
            ProbeAnswer::Nothing(why) if why == TIMED_OUT => Asked::Lost,
            ProbeAnswer::Nothing(why) => Asked::Refused(why),
        }
    }
    async fn arrivals(&self, _: SocketAddr, _: &[u16]) -> HostResult<Arrivals> {
        self.call("arrivals")?;
        let world = self.world.borrow();
        // What hangs does not end.
        let ends = world.hanging.is_empty();
        let per_second = u32::try_from(world.visitors).unwrap_or(u32::MAX) * u32::from(ends);
        Ok(Arrivals {
            per_second: per_second.into(),
            round_trip_ms: None,
        })
    }
    async fn memory_peak(&self) -> HostResult<u64> {
        Ok(1)
    }
    async fn group_memory_peak(&self, _: u32) -> Option<u64> {
        Some(1)
    }
    async fn group_oom_kills(&self, _: u32) -> Option<u64> {
        None
    }
    async fn nginx_loaded(&self, _: &Path) -> HostResult<facts::Loaded> {
        self.call("nginx_loaded")?;
        let world = self.world.borrow();
        Ok(if world.loaded == Loaded::by(&world.files) {
            facts::Loaded::Yes
        } else {
            facts::Loaded::No
        })
    }
    async fn keep_copy(&self, from: &Path, to: &Path, _: Owner) -> HostResult<()> {
        self.write("keep_copy")?;
        self.change_files("keep_copy", &[to], |world| {
            if let Some(bytes) = world.files.get(from).cloned() {
                world.files.insert(to.into(), bytes);
            }
        })
        .await;
        Ok(())
    }
    async fn make_private(&self, _: &Path) -> HostResult<()> {
        self.call("make_private")
    }
    async fn read_from(&self, path: &Path, from: u64, most: usize) -> HostResult<Vec<u8>> {
        let world = self.world.borrow();
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let bytes = world.files.get(path).and_then(|bytes| bytes.get(from..));
        let bytes = bytes.unwrap_or_default().iter();
        Ok(bytes.take(most).copied().collect())
    }
    async fn written_ms(&self, path: &Path) -> HostResult<Option<u64>> {
        // Every file is as old as the simulation: nothing but its absence and its age matter to anybody.
        let is_there = self.world.borrow().files.contains_key(path);
        Ok(is_there.then_some(super::BEGAN_MS))
    }
    async fn empty(&self, path: &Path) -> HostResult<()> {
        self.write("empty")?;
        self.world
            .borrow_mut()
            .files
            .insert(path.into(), Vec::new().into());
        Ok(())
    }
    async fn accepts(&self, address: SocketAddr) -> bool {
        self.faults.taken.get() == Some(address.port())
    }
    async fn listens(&self, _: u32) -> bool {
        true
    }
    async fn connections_to(&self, _: SocketAddr) -> HostResult<u32> {
        self.call("connections_to").map(|()| 0)
    }
    async fn ports_to(
        &self,
        addresses: &PerSlot<SocketAddr>,
    ) -> HostResult<PerSlot<BTreeSet<u16>>> {
        let world = self.world.borrow();
        Ok(PerSlot {
            one: world.hanging_at(addresses.one.port()),
            two: world.hanging_at(addresses.two.port()),
        })
    }
    fn now_ms(&self) -> u64 {
        self.world.borrow().wall_ms()
    }
    fn elapsed_ms(&self) -> u64 {
        self.world.borrow().now_ms
    }
    async fn sleep(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.sleep_until(self.elapsed_ms() + ms).await;
    }
}

//! The real host.
//!
//! - [`files`], [`lock`] and `root`: our files, and root's through `sudo -n`
//! - `docker` and `compose_cli`: the engine through its socket, compose as a program
//! - `nginx_cli`: nginx as a program and as processes
//! - `net` and `clock`: probes, connections, time
//! - [`detached`]: our own program in a session of its own; `faults`: where a fault test may have us die
//! - `process`: the only place that starts other programs; `environment` says what they may know

mod arrivals;
mod attributes;
mod clock;
mod compose_cli;
pub mod detached;
mod disk;
mod docker;
mod environment;
mod faults;
pub mod files;
pub mod line;
mod lines;
mod loaded;
pub mod lock;
mod memory;
mod net;
mod nginx_cli;
mod process;
mod root;
mod stream;
mod tail;
mod tcp_table;
mod workers;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::Docker;
use tokio::sync::OnceCell;

use self::disk::{mode, on_disk};
use super::error::{HostError, Trouble};
use super::facts::{
    Arrivals, Asked, ComposeProject, ComposeTool, ContainerFacts, DockerFacts, ImageFacts,
    Incident, Loaded, Probe, ProbeAnswer, PullProgress, WorkerId,
};
use super::{Access, Durability, Host, HostResult, LockAttempt, OnLine, Owner, Start};
use crate::protocol::ids::{PinnedImage, Repository, ServiceName};
use crate::protocol::slot::PerSlot;
use crate::protocol::wire::RegistryLogin;

/// The machine that we run on.
#[derive(Debug)]
pub struct LinuxHost {
    home: PathBuf,
    clock: clock::Clock,
    docker: OnceCell<Docker>,
    compose: OnceCell<compose_cli::Launcher>,
    nginx_pid_file: RefCell<Option<PathBuf>>,
    faults: faults::Faults,
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
            clock: clock::Clock::start(),
            docker: OnceCell::new(),
            compose: OnceCell::new(),
            nginx_pid_file: RefCell::new(None),
            faults: faults::Faults::default(),
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

impl Host for LinuxHost {
    type Lock = lock::Lock;
    type Line = line::Line;

    async fn read(&self, path: &Path) -> HostResult<Option<Vec<u8>>> {
        files::read(path)
    }

    async fn replace(
        &self,
        path: &Path,
        bytes: &[u8],
        owner: Owner,
        access: Access,
    ) -> HostResult<()> {
        let mode = mode(access);
        if owner == Owner::Root && !root::is_root() {
            return root::replace(path, bytes, mode).await;
        }
        let (file, bytes) = (path.to_owned(), bytes.to_owned());
        on_disk(move || files::replace_here(&file, &bytes, mode)).await?;
        self.faults.line_written(path);
        Ok(())
    }

    async fn replace_with(&self, spare: &Path, path: &Path, bytes: &[u8]) -> HostResult<()> {
        let (spare, file, bytes) = (spare.to_owned(), path.to_owned(), bytes.to_owned());
        on_disk(move || files::replace_with(&spare, &file, &bytes)).await?;
        self.faults.line_written(path);
        Ok(())
    }

    async fn remove(&self, path: &Path, owner: Owner) -> HostResult<()> {
        if owner == Owner::Root && !root::is_root() {
            return root::remove(path).await;
        }
        let path = path.to_owned();
        on_disk(move || files::remove(&path)).await
    }

    async fn keep_copy(&self, from: &Path, to: &Path, owner: Owner) -> HostResult<()> {
        root::keep_copy(from, to, owner).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> HostResult<()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        on_disk(move || files::rename(&from, &to)).await
    }

    async fn append(&self, path: &Path, bytes: &[u8], durability: Durability) -> HostResult<()> {
        let (file, bytes) = (path.to_owned(), bytes.to_owned());
        on_disk(move || files::append(&file, &bytes, durability)).await?;
        self.faults.line_written(path);
        Ok(())
    }

    async fn read_from(&self, path: &Path, from: u64, most: usize) -> HostResult<Vec<u8>> {
        tail::read_from(path, from, most)
    }

    async fn written_ms(&self, path: &Path) -> HostResult<Option<u64>> {
        attributes::written_ms(path)
    }

    async fn empty(&self, path: &Path) -> HostResult<()> {
        tail::empty_for_nginx(path).await
    }

    async fn make_folder(&self, path: &Path) -> HostResult<()> {
        let folder = path.to_owned();
        match on_disk(move || files::make_folder(&folder)).await {
            Err(error) if error.trouble == Trouble::Denied && !root::is_root() => {
                root::make_folder(path).await
            }
            other => other,
        }
    }

    async fn make_private(&self, path: &Path) -> HostResult<()> {
        attributes::make_private(path)
    }

    async fn list(&self, path: &Path) -> HostResult<Vec<String>> {
        files::list(path)
    }

    async fn free_bytes(&self, path: &Path) -> HostResult<u64> {
        files::free_bytes(path)
    }

    async fn try_lock(&self, path: &Path, holder: &str) -> HostResult<LockAttempt<lock::Lock>> {
        lock::try_lock(path, holder)
    }

    async fn resolve(&self, path: &str) -> HostResult<PathBuf> {
        files::resolve(&self.home, path)
    }

    async fn user(&self) -> HostResult<String> {
        root::user().await
    }

    async fn own_program(&self) -> HostResult<PathBuf> {
        root::own_program()
    }

    async fn become_current(&self, link: &Path) -> HostResult<()> {
        let (link, own) = (link.to_owned(), root::own_program()?);
        on_disk(move || attributes::link(&link, &own)).await
    }

    async fn make_root_folder(&self, path: &Path) -> HostResult<()> {
        root::make_own_folder(path).await
    }

    async fn load_units(&self, enable: &[&str], start: &[&str], reload: &[&str]) -> HostResult<()> {
        root::load_units(enable, start, reload).await
    }

    async fn can_act_as_root(&self) -> HostResult<()> {
        root::can_act().await
    }

    async fn random(&self) -> HostResult<[u8; 32]> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map(|()| bytes)
            .map_err(|error| HostError::new(Trouble::Other, "make a key").because(error))
    }

    async fn docker(&self) -> HostResult<DockerFacts> {
        docker::facts(self.engine().await?).await
    }

    async fn compose(&self) -> HostResult<ComposeTool> {
        Ok(self.launcher().await?.tool())
    }

    async fn compose_config(&self, project: &ComposeProject) -> HostResult<String> {
        self.launcher().await?.config(project).await
    }

    async fn compose_up(
        &self,
        project: &ComposeProject,
        services: &[ServiceName],
        start: Start,
        on_line: OnLine<'_>,
    ) -> HostResult<()> {
        self.launcher()
            .await?
            .up(project, services, start, on_line)
            .await
    }

    async fn container_start(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()> {
        docker::power::start(self.engine().await?, project, service).await
    }

    async fn compose_stop(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
        grace: Duration,
    ) -> HostResult<()> {
        docker::power::stop(self.engine().await?, project, service, grace).await
    }

    async fn compose_remove(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()> {
        docker::power::remove(self.engine().await?, project, service).await
    }

    async fn container(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Option<ContainerFacts>> {
        docker::containers::find(self.engine().await?, project, service).await
    }

    async fn incidents(&self, container: &str, since_ms: u64) -> HostResult<Vec<Incident>> {
        docker::incidents::of(self.engine().await?, container, since_ms, self.now_ms()).await
    }

    async fn container_log(&self, container: &str, lines: u16) -> HostResult<Vec<String>> {
        docker::containers::log(self.engine().await?, container, lines).await
    }

    async fn image(&self, image: &PinnedImage) -> HostResult<Option<ImageFacts>> {
        docker::images::facts(self.engine().await?, image).await
    }

    async fn images_of(&self, repository: &Repository) -> HostResult<Vec<PinnedImage>> {
        docker::images::of(self.engine().await?, repository).await
    }

    async fn pull(
        &self,
        image: &PinnedImage,
        login: Option<&RegistryLogin>,
        on_progress: &mut dyn FnMut(PullProgress),
    ) -> HostResult<()> {
        docker::images::pull(self.engine().await?, image, login, on_progress).await
    }

    async fn remove_image(&self, image: &PinnedImage) -> HostResult<()> {
        docker::images::remove(self.engine().await?, image).await
    }

    async fn nginx_config(&self) -> HostResult<String> {
        let config = nginx_cli::config().await?;
        self.nginx_pid_file.replace(nginx_cli::pid_file(&config));
        Ok(config)
    }

    async fn nginx_test(&self) -> HostResult<()> {
        nginx_cli::test().await
    }

    async fn nginx_version(&self) -> HostResult<String> {
        nginx_cli::version().await
    }

    async fn nginx_reload(&self) -> HostResult<()> {
        nginx_cli::reload().await
    }

    async fn nginx_loaded(&self, path: &Path) -> HostResult<Loaded> {
        loaded::by_nginx(path, &self.nginx_workers().await?)
    }

    async fn nginx_workers(&self) -> HostResult<Vec<WorkerId>> {
        nginx_cli::workers(self.nginx_pid_file.borrow().as_deref())
    }

    async fn probe(&self, probe: &Probe) -> ProbeAnswer {
        net::probe(probe).await
    }

    async fn text(&self, probe: &Probe) -> Option<String> {
        net::text(probe).await
    }

    async fn ask(&self, line: &mut line::Line, probe: &Probe) -> Asked {
        line::ask(line, probe).await
    }

    async fn accepts(&self, address: SocketAddr) -> bool {
        net::accepts(address).await
    }

    async fn listens(&self, pid: u32) -> bool {
        net::listens(pid)
    }

    async fn connections_to(&self, address: SocketAddr) -> HostResult<u32> {
        net::connections_to(address)
    }

    async fn ports_to(
        &self,
        addresses: &PerSlot<SocketAddr>,
    ) -> HostResult<PerSlot<BTreeSet<u16>>> {
        net::ports_to(addresses)
    }

    async fn arrivals(&self, address: SocketAddr, listeners: &[u16]) -> HostResult<Arrivals> {
        arrivals::of(address, listeners).await
    }

    async fn memory_peak(&self) -> HostResult<u64> {
        memory::own_peak()
    }

    async fn group_memory_peak(&self, pid: u32) -> Option<u64> {
        memory::group_peak(pid)
    }

    async fn group_oom_kills(&self, pid: u32) -> Option<u64> {
        memory::group_oom_kills(pid)
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    fn elapsed_ms(&self) -> u64 {
        self.clock.elapsed_ms()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

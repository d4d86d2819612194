//! nginx in a container: found by its processes, asked and reloaded through Docker.

use std::path::Path;

use super::super::HostResult;
use super::super::nginx::{self, ContainerRole, NginxContainer, NginxPlace, OutOfReach};
use super::LinuxHost;
use super::docker::exec::{self, Printed};
use super::docker::proxies::{self, ContainerNetwork};
use super::nginx_cli::{DEADLINE, MOST_CONFIG, nginx_processes};
use super::workers::{Process, masters_inside, parent_of};
use crate::clients::environment::find_program;

/// A container's first process starts its nginx itself, or by a few others in between.
const MOST_BETWEEN: u32 = 16;

impl LinuxHost {
    /// The one in a container that obeys `include`; `None` when none runs in a container.
    pub(super) async fn nginx_inside(
        &self,
        include: &str,
        processes: &[Process],
    ) -> HostResult<Option<Result<NginxPlace, OutOfReach>>> {
        if masters_inside(processes).next().is_none() {
            return Ok(None);
        }
        let mut all = proxies::running(self.engine().await?).await?;
        all.retain(|container| {
            masters_inside(processes).any(|master| is_below(master.pid(), container.pid))
        });
        if all.is_empty() {
            return Ok(None);
        }
        let all: Vec<_> = all.into_iter().map(|container| container.nginx).collect();
        // What we may not look at may be there.
        let exists = |path: &Path| path.try_exists().unwrap_or(true);
        let chosen = nginx::choose(include, &all, exists);
        // The app's containers may have an nginx, too, while that of the host is down.
        let is_front = |container: &NginxContainer| container.role == ContainerRole::Front;
        let has_own = || find_program("nginx").is_some();
        Ok(match chosen {
            Err(_) if !all.iter().any(is_front) && has_own() => None,
            chosen => Some(chosen),
        })
    }

    /// The master process in a container; `None` when it does not run.
    pub(super) async fn master_inside<'a>(
        &self,
        container: &str,
        processes: &'a [Process],
    ) -> HostResult<Option<&'a Process>> {
        let found = proxies::find(self.engine().await?, container).await?;
        Ok(found.and_then(|container| {
            masters_inside(processes).find(|master| is_below(master.pid(), container.pid))
        }))
    }

    /// A process in the network of a container that has one of its own.
    pub(super) async fn network_of(&self, container: &str) -> HostResult<Option<u32>> {
        let found = proxies::find(self.engine().await?, container).await?;
        let own = found.filter(|container| container.network == ContainerNetwork::Own);
        Ok(own.map(|container| container.pid))
    }

    /// Runs the nginx of a container with the configuration that its master reads.
    pub(super) async fn run_inside(
        &self,
        container: &str,
        args: &[&str],
        doing: &str,
    ) -> HostResult<Printed> {
        let processes = nginx_processes()?;
        let master = self.master_inside(container, &processes).await?;
        let told = master.map(Process::configuration).unwrap_or_default();
        let command = [&["nginx"], told.as_slice(), args].concat();
        let docker = self.engine().await?;
        exec::run(docker, container, &command, doing, MOST_CONFIG, DEADLINE).await
    }
}

/// Whether a process is another one or comes from it.
fn is_below(pid: u32, ancestor: u32) -> bool {
    let mut pid = Some(pid);
    for _ in 0..MOST_BETWEEN {
        if pid == Some(ancestor) {
            return true;
        }
        pid = pid.and_then(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            parent_of(&stat)
        });
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_comes_from_its_parents_and_from_nobody_else() {
        let own = std::process::id();
        let parent = std::os::unix::process::parent_id();
        assert!(is_below(own, own) && is_below(own, parent));
        assert!(!is_below(parent, own));
    }
}

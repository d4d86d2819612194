//! nginx: its configuration, its reload, its processes. What only one in a container needs is in `nginx_inside`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::{HostError, Trouble};
use super::super::facts::{Loaded, WorkerId};
use super::super::nginx::{NginxAt, NginxPlace, OutOfReach};
use super::super::{HostResult, Proxy};
use super::workers::{Process, accepting_workers, masters};
use super::{LinuxHost, loaded, root};

pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// Long lists of networks and addresses are part of some configurations.
pub(super) const MOST_CONFIG: usize = 64 * 1024 * 1024;
const LISTING: &str = "list the nginx processes";
/// Where packages of nginx put the process id.
const PID_FILES: [&str; 2] = ["/run/nginx.pid", "/usr/local/nginx/logs/nginx.pid"];

impl Proxy for LinuxHost {
    async fn nginx_place(&self, include: &str) -> HostResult<Result<NginxPlace, OutOfReach>> {
        let processes = nginx_processes()?;
        if !masters(&processes).is_empty() {
            return Ok(Ok(NginxPlace::on_host(include)));
        }
        let found = self.nginx_inside(include, &processes).await?;
        Ok(found.unwrap_or_else(|| Ok(NginxPlace::on_host(include))))
    }

    async fn nginx_network(&self, at: &NginxAt) -> HostResult<Option<u32>> {
        match at {
            NginxAt::Host => Ok(None),
            NginxAt::Container(name) => self.network_of(name).await,
        }
    }

    async fn nginx_config(&self, at: &NginxAt) -> HostResult<String> {
        let doing = "read the configuration of nginx";
        let dump = match at {
            NginxAt::Host => {
                let dump = root::program("nginx", doing)?
                    .args(["-T"])
                    .most_output(MOST_CONFIG);
                dump.deadline(DEADLINE).capture().await?
            }
            NginxAt::Container(name) => self.run_inside(name, &["-T"], doing).await?.output,
        };
        let config = String::from_utf8_lossy(&dump).into_owned();
        self.nginx_pid_file.replace(pid_file(&config));
        Ok(config)
    }

    async fn nginx_test(&self, at: &NginxAt) -> HostResult<()> {
        let doing = "accept the configuration of nginx";
        self.run_nginx(at, &["-t"], doing).await
    }

    async fn nginx_reload(&self, at: &NginxAt) -> HostResult<()> {
        self.run_nginx(at, &["-s", "reload"], "reload nginx").await
    }

    async fn nginx_loaded(&self, at: &NginxAt, path: &Path) -> HostResult<Loaded> {
        loaded::by_nginx(path, &self.nginx_workers(at).await?)
    }

    /// The accepting workers of the one nginx that is the host's.
    ///
    /// Containers have masters too, visible from the host; they are in a process namespace of their
    /// own. When several are left, as beside a container that shares ours, the pid file decides.
    async fn nginx_workers(&self, at: &NginxAt) -> HostResult<Vec<WorkerId>> {
        let processes = nginx_processes()?;
        if let NginxAt::Container(name) = at {
            let master = self.master_inside(name, &processes).await?;
            return Ok(master.map_or_else(Vec::new, |master| {
                accepting_workers(&processes, master.pid())
            }));
        }
        let masters = masters(&processes);
        let master = match masters.as_slice() {
            [] => return Ok(Vec::new()),
            [only] => *only,
            several => {
                let noted = noted_pid(self.nginx_pid_file.borrow().as_deref());
                *several
                    .iter()
                    .find(|master| Some(**master) == noted)
                    .ok_or_else(|| {
                        HostError::new(Trouble::Other, LISTING).because(format!(
                            "{} nginx master processes run and no pid file says which is the host's",
                            several.len()
                        ))
                    })?
            }
        };
        Ok(accepting_workers(&processes, master))
    }

    /// It says so on its standard error.
    async fn nginx_version(&self, at: &NginxAt) -> HostResult<String> {
        let doing = "ask nginx for its version";
        let mut said = String::new();
        let mut hear = |line: &str| {
            if let Some((_, version)) = line.split_once("nginx/") {
                said = version.split(' ').next().unwrap_or_default().to_owned();
            }
        };
        match at {
            NginxAt::Host => {
                let ask = root::program("nginx", doing)?.args(["-v"]);
                ask.deadline(DEADLINE).stream(&mut hear).await?;
            }
            NginxAt::Container(name) => {
                let printed = self.run_inside(name, &["-v"], doing).await?;
                printed.errors.iter().for_each(|line| hear(line));
            }
        }
        Ok(said)
    }
}

impl LinuxHost {
    async fn run_nginx(&self, at: &NginxAt, args: &[&str], doing: &str) -> HostResult<()> {
        match at {
            NginxAt::Host => {
                let nginx = root::program("nginx", doing)?.args(args);
                nginx.deadline(DEADLINE).finish().await
            }
            NginxAt::Container(name) => self.run_inside(name, args, doing).await.map(drop),
        }
    }
}

/// Has nginx open its logs anew; they are gone, or others are there by their names.
pub(super) async fn reopen() -> HostResult<()> {
    let reopen = root::program("nginx", "have nginx reopen its logs")?.args(["-s", "reopen"]);
    reopen.deadline(DEADLINE).finish().await
}

/// The pid file that a configuration names.
fn pid_file(config: &str) -> Option<PathBuf> {
    config.lines().find_map(|line| {
        let path = line.trim().strip_prefix("pid")?.strip_prefix([' ', '\t'])?;
        let path = path.split_once(';')?.0.trim().trim_matches(['"', '\'']);
        path.starts_with('/').then(|| PathBuf::from(path))
    })
}

fn noted_pid(configured: Option<&Path>) -> Option<u32> {
    let files = configured
        .map(PathBuf::from)
        .into_iter()
        .chain(PID_FILES.map(PathBuf::from));
    files
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .find_map(|text| text.trim().parse().ok())
}

pub(super) fn nginx_processes() -> HostResult<Vec<Process>> {
    processes().map_err(|error| HostError::io(LISTING, error))
}

/// Every process with `nginx` in its title; one that ends while we look is left out.
fn processes() -> std::io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok());
        let Some(pid) = pid else { continue };
        let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let title = read("cmdline");
        if title.starts_with(b"nginx: ") {
            found.extend(Process::parse(pid, &title, &read("stat"), &read("status")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_is_found_in_a_dump() {
        let dump = "# configuration file /etc/nginx/nginx.conf:\nuser www-data;\n\
                    #pid /old.pid;\npid /run/nginx.pid; # ours\npid_thing x;\n";
        assert_eq!(pid_file(dump), Some(PathBuf::from("/run/nginx.pid")));
        assert_eq!(pid_file("pid logs/nginx.pid;\n"), None);
    }
}

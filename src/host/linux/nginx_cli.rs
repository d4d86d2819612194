//! nginx on the host: its configuration, its reload, its processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::{HostError, Trouble};
use super::super::facts::{Loaded, WorkerId};
use super::super::{HostResult, Proxy};
use super::workers::{Process, accepting_workers, masters};
use super::{LinuxHost, loaded, root};

const DEADLINE: Duration = Duration::from_secs(30);
/// Long lists of networks and addresses are part of some configurations.
const MOST_CONFIG: usize = 64 * 1024 * 1024;
/// Where packages of nginx put the process id.
const PID_FILES: [&str; 2] = ["/run/nginx.pid", "/usr/local/nginx/logs/nginx.pid"];

impl Proxy for LinuxHost {
    async fn nginx_config(&self) -> HostResult<String> {
        let doing = "read the configuration of nginx";
        let dump = root::program("nginx", doing)?
            .args(["-T"])
            .most_output(MOST_CONFIG)
            .deadline(DEADLINE);
        let dump = dump.capture().await?;
        let config = String::from_utf8_lossy(&dump).into_owned();
        self.nginx_pid_file.replace(pid_file(&config));
        Ok(config)
    }

    async fn nginx_test(&self) -> HostResult<()> {
        let test = root::program("nginx", "accept the configuration of nginx")?.args(["-t"]);
        test.deadline(DEADLINE).finish().await
    }

    async fn nginx_reload(&self) -> HostResult<()> {
        let reload = root::program("nginx", "reload nginx")?.args(["-s", "reload"]);
        reload.deadline(DEADLINE).finish().await
    }

    async fn nginx_loaded(&self, path: &Path) -> HostResult<Loaded> {
        loaded::by_nginx(path, &self.nginx_workers().await?)
    }

    /// The accepting workers of the one nginx that is the host's.
    ///
    /// Containers have masters too, visible from the host; they are in a process namespace of their
    /// own. When several are left, as beside a container that shares ours, the pid file decides.
    async fn nginx_workers(&self) -> HostResult<Vec<WorkerId>> {
        let doing = "list the nginx processes";
        let processes = processes().map_err(|error| HostError::io(doing, error))?;
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
                        HostError::new(Trouble::Other, doing).because(format!(
                            "{} nginx master processes run and no pid file says which is the host's",
                            several.len()
                        ))
                    })?
            }
        };
        Ok(accepting_workers(&processes, master))
    }

    /// It says so on its standard error.
    async fn nginx_version(&self) -> HostResult<String> {
        let doing = "ask nginx for its version";
        let mut said = String::new();
        let ask = root::program("nginx", doing)?.args(["-v"]);
        let mut hear = |line: &str| {
            if let Some((_, version)) = line.split_once("nginx/") {
                said = version.split(' ').next().unwrap_or_default().to_owned();
            }
        };
        ask.deadline(DEADLINE).stream(&mut hear).await?;
        Ok(said)
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

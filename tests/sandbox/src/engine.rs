//! The Docker engine of another machine, under a socket of this one.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(15);

/// Reachable until it is dropped.
#[derive(Debug)]
pub struct Engine {
    ssh: Child,
    folder: TempDir,
}

impl Engine {
    /// Forwards a local socket to the engine of the machine behind this port of ours.
    ///
    /// # Errors
    ///
    /// When `ssh` cannot be started or does not get there.
    pub fn over_ssh(user: &str, port: u16, key: &Path, known_hosts: &Path) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("docker.sock");
        let forward = format!("{}:/var/run/docker.sock", socket.display());
        let known_hosts = format!("UserKnownHostsFile={}", known_hosts.display());
        let mut command = Command::new("ssh");
        command
            .args(["-F", "none", "-N", "-o", "BatchMode=yes"])
            .args(["-o", "StrictHostKeyChecking=yes", "-o", &known_hosts])
            .args(["-o", "ExitOnForwardFailure=yes", "-L", &forward])
            .args(["-p", &port.to_string(), "-l", user, "-i"])
            .arg(key)
            .arg("127.0.0.1")
            .stdin(Stdio::null());
        let ssh = command.spawn()?;
        let mut engine = Self { ssh, folder };
        let deadline = Instant::now() + PATIENCE;
        while !socket.exists() {
            if engine.ssh.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(io::Error::other("no way to the other machine's engine"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(engine)
    }

    /// As `DOCKER_HOST` names it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.path().display())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.ssh.kill());
        drop(self.ssh.wait());
    }
}

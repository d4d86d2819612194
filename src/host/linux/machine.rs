//! Who we are on this machine, its units and its memory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::{HostError, Trouble};
use super::super::facts::MachineFacts;
use super::super::{HostResult, Machine, RootWork};
use super::files::on_disk;
use super::link::link;
use super::process::Program;
use super::root::{self, SUDO_DEADLINE, is_root, program};
use super::{LinuxHost, memory, sudoers};

const SYSTEMD_DEADLINE: Duration = Duration::from_secs(60);

impl Machine for LinuxHost {
    async fn user(&self) -> HostResult<String> {
        let id = Program::find("id", "find the name of this user")?.args(["-un"]);
        let name = id.deadline(SUDO_DEADLINE).capture().await?;
        Ok(String::from_utf8_lossy(&name).trim().to_owned())
    }

    async fn own_program(&self) -> HostResult<PathBuf> {
        root::own_program()
    }

    async fn become_current(&self, path: &Path) -> HostResult<()> {
        let (path, own) = (path.to_owned(), root::own_program()?);
        on_disk(move || link(&path, &own)).await
    }

    async fn load_units(&self, enable: &[&str], start: &[&str], reload: &[&str]) -> HostResult<()> {
        systemctl("have systemd read its files", &["daemon-reload"]).await?;
        if !enable.is_empty() {
            // What was said about this unit before is forgotten: it may be wanted by others now.
            let words = [&["reenable", "--quiet"], enable].concat();
            systemctl("have systemd start units at boot", &words).await?;
        }
        if !start.is_empty() {
            let words = [&["enable", "--quiet", "--now"], start].concat();
            systemctl("have systemd start units", &words).await?;
        }
        if !reload.is_empty() {
            let words = [&["reload"], reload].concat();
            systemctl("have a service read its files", &words).await?;
        }
        Ok(())
    }

    async fn can_act_as_root(&self) -> HostResult<()> {
        if is_root() {
            return Ok(());
        }
        root::runs_everything().await
    }

    async fn may_as_root(&self, work: &RootWork) -> HostResult<()> {
        if is_root() {
            return Ok(());
        }
        sudoers::may(work).await
    }

    async fn sudoers_line(&self, work: &RootWork) -> HostResult<Option<String>> {
        if is_root() {
            return Ok(None);
        }
        let user = self.user().await?;
        Ok(Some(sudoers::line(&user, work)))
    }

    async fn random(&self) -> HostResult<[u8; 32]> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map(|()| bytes)
            .map_err(|error| HostError::new(Trouble::Other, "make a key").because(error))
    }

    async fn condition(&self) -> HostResult<MachineFacts> {
        memory::condition()
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
}

async fn systemctl(doing: &str, words: &[&str]) -> HostResult<()> {
    let systemctl = program("systemctl", doing)?.args(words);
    systemctl.deadline(SYSTEMD_DEADLINE).finish().await
}

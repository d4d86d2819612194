//! The simulated machine: we may do everything on it.

use std::path::{Path, PathBuf};

use super::SimHost;
use crate::host::facts::MachineFacts;
use crate::host::{HostResult, Machine, RootWork};

impl Machine for SimHost {
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
    async fn load_units(&self, _: &[&str], _: &[&str], _: &[&str]) -> HostResult<()> {
        self.call("load_units")
    }
    async fn can_act_as_root(&self) -> HostResult<()> {
        self.call("can_act_as_root")
    }
    async fn may_as_root(&self, work: &RootWork) -> HostResult<()> {
        match work {
            RootWork::Read | RootWork::Flag => self.call("may_as_root"),
            RootWork::Reload(_) | RootWork::Include(_) => self.call("may_reload_as_root"),
        }
    }
    async fn sudoers_line(&self, work: &RootWork) -> HostResult<Option<String>> {
        Ok(Some(format!("u ALL=(root) NOPASSWD: {work:?}")))
    }
    async fn random(&self) -> HostResult<[u8; 32]> {
        self.call("random").map(|()| [7; 32])
    }
    async fn condition(&self) -> HostResult<MachineFacts> {
        self.call("condition")?;
        let planted = self.faults.machine.borrow().clone();
        Ok(planted.unwrap_or_else(|| MachineFacts {
            kernel: "6.1.0".to_owned(),
            processor: "x86_64".to_owned(),
            memory: 8 << 30,
            available: 6 << 30,
            swap: 2 << 30,
            swap_free: 2 << 30,
        }))
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
}

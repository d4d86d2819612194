//! How much memory was used at most.

use super::super::HostResult;
use super::super::error::{HostError, Trouble};
use super::super::facts::MachineFacts;
use super::group::ControlGroup;

/// `VmHWM` of `/proc/self/status`, which is in KiB.
pub(super) fn own_peak() -> HostResult<u64> {
    let doing = "read our own peak of memory";
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|error| HostError::io(doing, error))?;
    peak_of(&status).ok_or_else(|| HostError::new(Trouble::Other, doing))
}

/// `/proc/meminfo`, and what the kernel calls itself.
pub(super) fn condition() -> HostResult<MachineFacts> {
    let doing = "read how much memory there is";
    let text =
        std::fs::read_to_string("/proc/meminfo").map_err(|error| HostError::io(doing, error))?;
    let uname = rustix::system::uname();
    let word = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    Ok(MachineFacts {
        kernel: word(uname.release()),
        processor: word(uname.machine()),
        memory: kib(&text, "MemTotal").unwrap_or_default(),
        available: kib(&text, "MemAvailable").unwrap_or_default(),
        swap: kib(&text, "SwapTotal").unwrap_or_default(),
        swap_free: kib(&text, "SwapFree").unwrap_or_default(),
    })
}

/// The bytes of a line like `MemTotal:  1024 kB`.
fn kib(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

fn peak_of(status: &str) -> Option<u64> {
    kib(status, "VmHWM")
}

/// The peak of the control group of `pid`, of either version of control groups.
pub(super) fn group_peak(pid: u32) -> Option<u64> {
    let files = ControlGroup::of(pid)?.files("memory", "memory.max_usage_in_bytes", "memory.peak");
    let numbers = files
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    numbers.filter_map(|text| text.trim().parse().ok()).next()
}

/// What the kernel has counted in the control group of `pid`, of either version: every OOM killer counts there.
pub(super) fn group_oom_kills(pid: u32) -> Option<u64> {
    let files = ControlGroup::of(pid)?.files("memory", "memory.oom_control", "memory.events");
    let texts = files
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    texts.filter_map(|text| kills(&text)).next()
}

fn kills(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_peak_is_read() {
        assert_eq!(
            peak_of("Name:\tx\nVmHWM:\t   12 kB\nVmRSS:\t 9 kB\n"),
            Some(12 * 1024)
        );
        assert_eq!(peak_of("VmHWM:\t12 MB\n"), None);
        assert!(own_peak().unwrap() > 1024 * 1024);
    }

    #[test]
    fn the_kernels_own_count_is_read_in_both_layouts() {
        let one = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
        let two = "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n";
        assert_eq!(
            (kills(one), kills(two), kills("x")),
            (Some(2), Some(1), None)
        );
    }
}

//! How much memory was used at most.

use std::path::{Path, PathBuf};

use super::super::HostResult;
use super::super::error::{HostError, Trouble};

/// `VmHWM` of `/proc/self/status`, which is in KiB.
pub(super) fn own_peak() -> HostResult<u64> {
    let doing = "read our own peak of memory";
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|error| HostError::io(doing, error))?;
    peak_of(&status).ok_or_else(|| HostError::new(Trouble::Other, doing))
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

/// The peak of the control group of `pid`, of either version of control groups.
pub(super) fn group_peak(pid: u32) -> Option<u64> {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let numbers = peak_files(&groups)
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    numbers.filter_map(|text| text.trim().parse().ok()).next()
}

/// What the kernel has counted in the control group of `pid`, of either version: every OOM killer counts there.
pub(super) fn group_oom_kills(pid: u32) -> Option<u64> {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let texts = group_files(&groups, "memory.oom_control", "memory.events")
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

fn peak_files(groups: &str) -> Vec<PathBuf> {
    group_files(groups, "memory.max_usage_in_bytes", "memory.peak")
}

/// Lines are `<number>:<controllers>:<path>`, cgroups(7).
fn group_files(groups: &str, in_one: &str, in_two: &str) -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let file = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let inside = path.trim_start_matches('/');
        if controllers.split(',').any(|name| name == "memory") {
            Some(root.join("memory").join(inside).join(in_one))
        } else if controllers.is_empty() {
            Some(root.join(inside).join(in_two))
        } else {
            None
        }
    };
    groups.lines().filter_map(file).collect()
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

    #[test]
    fn both_versions_of_control_groups_are_found() {
        let one = "12:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n";
        assert_eq!(
            peak_files(one),
            [Path::new(
                "/sys/fs/cgroup/memory/docker/a/memory.max_usage_in_bytes"
            )]
        );
        let two = "0::/system.slice/docker-a.scope\n";
        assert_eq!(
            peak_files(two),
            [Path::new(
                "/sys/fs/cgroup/system.slice/docker-a.scope/memory.peak"
            )]
        );
    }
}

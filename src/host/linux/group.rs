//! Control groups: where the files of a process's group are, in version 1 and in version 2. A machine may have both.

use std::path::PathBuf;

/// The control group that a process is in.
#[derive(Debug)]
pub(super) struct ControlGroup {
    /// Where control groups are mounted.
    root: PathBuf,
    /// What `/proc/<pid>/cgroup` says.
    membership: String,
}

/// Which kind of control groups has a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CgroupVersion {
    One,
    Two,
}

impl ControlGroup {
    /// `None` when there is no such process.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let membership = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        Some(Self::under("/sys/fs/cgroup", membership))
    }

    pub(super) fn under(root: impl Into<PathBuf>, membership: impl Into<String>) -> Self {
        Self {
            root: root.into(),
            membership: membership.into(),
        }
    }

    /// The folders in which a controller may have its files. Lines are `<number>:<controllers>:<path>`, cgroups(7).
    fn folders(&self, controller: &str) -> Vec<(CgroupVersion, PathBuf)> {
        let folder = |line: &str| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let inside = path.trim_start_matches('/');
            if controllers.split(',').any(|name| name == controller) {
                Some((CgroupVersion::One, self.root.join(controller).join(inside)))
            } else if controllers.is_empty() {
                Some((CgroupVersion::Two, self.root.join(inside)))
            } else {
                None
            }
        };
        self.membership.lines().filter_map(folder).collect()
    }

    /// A controller's file, by its name in each version.
    pub(super) fn files(&self, controller: &str, in_one: &str, in_two: &str) -> Vec<PathBuf> {
        let folders = self.folders(controller).into_iter();
        let file = |(version, folder): (CgroupVersion, PathBuf)| match version {
            CgroupVersion::One => folder.join(in_one),
            CgroupVersion::Two => folder.join(in_two),
        };
        folders.map(file).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn files(membership: &str) -> Vec<PathBuf> {
        let group = ControlGroup::under("/sys/fs/cgroup", membership);
        group.files("memory", "memory.max_usage_in_bytes", "memory.peak")
    }

    #[test]
    fn both_versions_of_control_groups_are_found() {
        assert_eq!(
            files("12:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n"),
            [Path::new(
                "/sys/fs/cgroup/memory/docker/a/memory.max_usage_in_bytes"
            )]
        );
        assert_eq!(
            files("0::/system.slice/docker-a.scope\n"),
            [Path::new(
                "/sys/fs/cgroup/system.slice/docker-a.scope/memory.peak"
            )]
        );
    }

    #[test]
    fn a_controller_that_shares_its_mount_is_found_by_its_own_name() {
        let group = ControlGroup::under("/sys/fs/cgroup", "3:cpu,cpuacct:/docker/a\n");
        let folder = PathBuf::from("/sys/fs/cgroup/cpu/docker/a");
        assert_eq!(group.folders("cpu"), [(CgroupVersion::One, folder)]);
    }

    #[test]
    fn our_own_group_is_found() {
        assert!(ControlGroup::of(std::process::id()).is_some());
        assert!(ControlGroup::of(u32::MAX).is_none());
    }
}

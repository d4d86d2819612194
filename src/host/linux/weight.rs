//! The weights of a control group: its share of the processors, and of the disk where the kernel weighs that, while others
//! want them, too.
//!
//! They are changed in the kernel alone. Docker goes on to know the container by its own weight, so one that is started
//! again, by whomever, has that. And what was there comes back as it was, which `docker update` cannot do: it takes 0, the
//! default, for "no change", and in version 2 its 1024 is a weight of 39 where 100 was, or of 100, by the runtime's version.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::super::HostResult;
use super::super::error::{HostError, Trouble};
use super::super::facts::OwnWeights;
use super::group::ControlGroup;
use super::root::{SUDO_DEADLINE, program};

/// Controllers, each with its file in version 1 and in version 2. The disk has one where its scheduler or the kernel weighs.
const FILES: [(&str, &str, &str); 3] = [
    ("cpu", "cpu.shares", "cpu.weight"),
    ("blkio", "blkio.bfq.weight", "io.bfq.weight"),
    ("blkio", "blkio.weight", "io.weight"),
];
/// A hundredth of the usual weight of the processors, and a value that every one of the files takes.
const LOW_IN_ONE: &str = "10";
const LOW_IN_TWO: &str = "1";

/// A file and what it says, or is to say.
type WeightLine = (PathBuf, String);

/// What the group of `pid` has, file by file, where that is not low already.
pub(super) fn of(pid: u32) -> HostResult<OwnWeights> {
    let doing = "read the weight of a container";
    match ControlGroup::of(pid) {
        Some(group) => of_group(&group, doing),
        None => Err(HostError::new(Trouble::Missing, doing).because("its process has ended")),
    }
}

fn of_group(group: &ControlGroup, doing: &str) -> HostResult<OwnWeights> {
    let files = files(group);
    if files.is_empty() {
        return Err(HostError::new(Trouble::Missing, doing)
            .because("the kernel shows no weight of its control group"));
    }
    let own = files
        .into_iter()
        .filter_map(|file| Some((first_line(&file)?, file)))
        .filter(|(line, file)| number(line) > number(low(file)))
        .map(|(line, file)| (file, line));
    Ok(OwnWeights(own.collect()))
}

/// Gives a group low weights; an error when it takes none.
pub(super) async fn lower(own: &OwnWeights) -> HostResult<()> {
    let lowered = own
        .0
        .iter()
        .map(|(file, _)| (file.clone(), low(file).to_owned()));
    let lowered: Vec<WeightLine> = lowered.collect();
    let written = write(&lowered, "lower the weight of a container").await;
    if lowered.iter().any(is_so) {
        Ok(())
    } else {
        written
    }
}

/// Gives a group what it had; one that is gone needs nothing.
pub(super) async fn restore(own: &OwnWeights) -> HostResult<()> {
    let doing = "give a container its own weight back";
    let is_due = |weight: &&WeightLine| weight.0.exists() && !is_so(weight);
    let due: Vec<WeightLine> = own.0.iter().filter(is_due).cloned().collect();
    let written = write(&due, doing).await;
    if due.iter().any(|weight| is_due(&weight)) {
        let refused = HostError::new(Trouble::Other, doing).because("the kernel has not taken it");
        return written.and(Err(refused));
    }
    Ok(())
}

/// The files of a group that are there.
fn files(group: &ControlGroup) -> Vec<PathBuf> {
    let files = FILES
        .into_iter()
        .flat_map(|(controller, in_one, in_two)| group.files(controller, in_one, in_two));
    files.filter(|file| file.exists()).collect()
}

fn low(file: &Path) -> &'static str {
    match FILES.iter().any(|(_, _, in_two)| file.ends_with(in_two)) {
        true => LOW_IN_TWO,
        false => LOW_IN_ONE,
    }
}

/// What comes after the first line is about single disks.
fn first_line(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.lines().next()?.to_owned())
}

fn is_so((file, line): &WeightLine) -> bool {
    first_line(file).as_ref() == Some(line)
}

/// `100`, or `default 100`.
fn number(line: &str) -> Option<u32> {
    line.split(' ').next_back()?.parse().ok()
}

/// Writes what we may ourselves, and has root write the rest, at once what is the same.
async fn write(weights: &[WeightLine], doing: &str) -> HostResult<()> {
    let mut denied: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
    let mut outcome = Ok(());
    for (file, line) in weights {
        match put(file, line) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                denied.entry(line).or_default().push(file);
            }
            written => {
                outcome = outcome.and(written.map_err(|error| HostError::io(doing, error)));
            }
        }
    }
    for (line, files) in denied {
        let tee = program("tee", doing)?.args(["--"]).args(files);
        let tee = tee.feed(format!("{line}\n").as_bytes());
        outcome = outcome.and(tee.deadline(SUDO_DEADLINE).finish().await);
    }
    outcome
}

fn put(file: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(file)?;
    file.write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a container's group shows, file by file, and how `/proc/<pid>/cgroup` names it.
    struct Recorded {
        membership: &'static str,
        files: &'static [(&'static str, &'static str)],
        /// What is written, file by file.
        lowered: &'static [(&'static str, &'static str)],
    }

    /// Linux 6.18 with version 1, Docker 26.1 with its own driver.
    const ONE: Recorded = Recorded {
        membership: "7:blkio:/docker/e55e\n4:memory:/docker/e55e\n2:cpuacct:/docker/e55e\n1:cpu:/docker/e55e\n0::/docker/e55e\n",
        files: &[
            ("cpu/docker/e55e/cpu.shares", "1024\n"),
            ("cpu/docker/e55e/cpu.idle", "0\n"),
            ("blkio/docker/e55e/blkio.bfq.weight", "100\n"),
            ("blkio/docker/e55e/blkio.bfq.weight_device", "default 100\n"),
        ],
        lowered: &[
            ("cpu/docker/e55e/cpu.shares", "10\n"),
            ("blkio/docker/e55e/blkio.bfq.weight", "10\n"),
        ],
    };

    /// Controllers that share a mount, and the scheduler before bfq.
    const OLD: Recorded = Recorded {
        membership: "11:blkio:/docker/e55e\n4:cpu,cpuacct:/docker/e55e\n1:name=systemd:/docker/e55e\n",
        files: &[
            ("cpu/docker/e55e/cpu.shares", "512\n"),
            ("blkio/docker/e55e/blkio.weight", "500\n"),
        ],
        lowered: &[
            ("cpu/docker/e55e/cpu.shares", "10\n"),
            ("blkio/docker/e55e/blkio.weight", "10\n"),
        ],
    };

    /// Version 2 under systemd; the kernel weighs the disk by its cost model, one disk apart.
    const TWO: Recorded = Recorded {
        membership: "0::/system.slice/docker-e55e.scope\n",
        files: &[
            ("system.slice/docker-e55e.scope/cpu.weight", "100\n"),
            ("system.slice/docker-e55e.scope/cpu.weight.nice", "0\n"),
            (
                "system.slice/docker-e55e.scope/io.weight",
                "default 100\n259:0 200\n",
            ),
        ],
        lowered: &[
            ("system.slice/docker-e55e.scope/cpu.weight", "1\n"),
            ("system.slice/docker-e55e.scope/io.weight", "1\n"),
        ],
    };

    fn tree(recorded: &Recorded) -> (tempfile::TempDir, ControlGroup) {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in recorded.files {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let group = ControlGroup::under(root.path(), recorded.membership);
        (root, group)
    }

    #[tokio::test]
    async fn weights_of_both_versions_are_lowered_and_come_back_as_they_were() {
        for recorded in [ONE, OLD, TWO] {
            let (root, group) = tree(&recorded);
            let read = |name: &str| std::fs::read_to_string(root.path().join(name)).unwrap();
            let own = of_group(&group, "try").unwrap();
            assert_eq!(own.0.len(), recorded.lowered.len(), "{own:?}");
            lower(&own).await.unwrap();
            for (name, text) in recorded.files {
                let lowered = recorded.lowered.iter().find(|(other, _)| other == name);
                assert_eq!(read(name), lowered.map_or(*text, |(_, low)| low), "{name}");
            }
            restore(&own).await.unwrap();
            for (name, text) in recorded.files {
                let default = text.lines().next().unwrap();
                assert_eq!(read(name).lines().next(), Some(default), "{name}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_as_low_already_is_left_and_not_noted() {
        let low = Recorded {
            files: &[
                ("system.slice/docker-e55e.scope/cpu.weight", "0\n"),
                ("system.slice/docker-e55e.scope/io.weight", "default 1\n"),
            ],
            ..TWO
        };
        let (root, group) = tree(&low);
        let own = of_group(&group, "try").unwrap();
        assert_eq!(own, OwnWeights::default());
        lower(&own).await.unwrap();
        let file = root.path().join(low.files[0].0);
        assert_eq!(std::fs::read_to_string(file).unwrap(), "0\n");
    }

    #[tokio::test]
    async fn a_group_without_weights_and_one_that_takes_none_are_errors() {
        let none = Recorded { files: &[], ..TWO };
        let error = of_group(&tree(&none).1, "try").unwrap_err();
        assert_eq!(error.trouble, Trouble::Missing);
        // Nobody writes to a folder.
        let (root, _) = tree(&none);
        let own = OwnWeights(vec![(root.path().to_owned(), "100".to_owned())]);
        assert!(lower(&own).await.is_err() && restore(&own).await.is_err());
    }

    #[tokio::test]
    async fn a_group_that_is_gone_gets_nothing_back() {
        let (root, group) = tree(&ONE);
        let own = of_group(&group, "try").unwrap();
        std::fs::remove_dir_all(root.path().join("cpu")).unwrap();
        lower(&own).await.unwrap();
        restore(&own).await.unwrap();
        assert!(!root.path().join("cpu").exists());
    }
}

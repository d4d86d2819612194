//! What processes were given, on both sides, while a run was at work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::world::docker;

/// Samples `cmdline` and `environ` of every process below two roots, some hundred times a second.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Watch {
    /// Watches the children of a step's first process, which itself has the inputs by design, and all processes
    /// of the host. Both are containers, so that this machine sees their processes.
    pub(super) fn start(step: &str, host: &str) -> Self {
        let (step, host) = (step.to_owned(), host.to_owned());
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let host = first_process(&host).unwrap();
            let mut step_process = None;
            let (mut here, mut there) = (BTreeSet::new(), BTreeSet::new());
            while !ended.load(Ordering::Relaxed) {
                step_process = step_process.or_else(|| first_process(&step));
                let parents = parents();
                for process in parents.keys() {
                    if *process == host || descends(*process, host, &parents) {
                        there.extend(given(*process));
                    } else if let Some(step) = step_process
                        && descends(*process, step, &parents)
                        && !is_fork(*process, step)
                    {
                        here.extend(given(*process));
                    }
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            (here, there)
        });
        Self { over, thread }
    }

    /// What was seen of the runner's children and of the host's processes.
    pub(super) fn stop(self) -> (String, String) {
        self.over.store(true, Ordering::Relaxed);
        let (here, there) = self.thread.join().unwrap();
        let text = |seen: BTreeSet<String>| seen.into_iter().collect::<Vec<_>>().join("\n");
        (text(here), text(there))
    }
}

fn first_process(container: &str) -> Option<u32> {
    let asked = docker(&["inspect", "-f", "{{.State.Pid}}", container]);
    let pid = String::from_utf8_lossy(&asked.stdout).trim().parse().ok()?;
    (pid != 0).then_some(pid)
}

/// Every process with its parent.
fn parents() -> BTreeMap<u32, u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name before it is in brackets and may hold anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        let parent = rest.split(' ').nth(1)?.parse().ok()?;
        Some((process, parent))
    });
    processes.collect()
}

fn descends(process: u32, root: u32, parents: &BTreeMap<u32, u32>) -> bool {
    let mut at = process;
    while let Some(parent) = parents.get(&at) {
        if *parent == root {
            return true;
        }
        at = *parent;
    }
    false
}

/// A child that is between its fork and its exec still shows the memory of its parent.
fn is_fork(process: u32, parent: u32) -> bool {
    let program = |process: u32| fs::read_link(format!("/proc/{process}/exe")).ok();
    program(process) == program(parent)
}

fn given(process: u32) -> Option<String> {
    let read = |file: &str| fs::read(format!("/proc/{process}/{file}")).ok();
    let all = [read("cmdline")?, read("environ")?].concat();
    (!all.is_empty()).then(|| String::from_utf8_lossy(&all).into_owned())
}

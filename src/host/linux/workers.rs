//! nginx processes as `/proc` tells of them. Pure.

use super::super::facts::WorkerId;

/// One process whose title begins with `nginx: `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    id: WorkerId,
    parent: u32,
    title: String,
    role: Role,
    /// Whether it is in a process namespace below ours, which is what containers have.
    is_in_container: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Master,
    Worker,
    /// A worker that is shutting down, a cache manager, or one that is just being born.
    Other,
}

impl Process {
    /// Reads a process from its `cmdline`, `stat` and `status`; `None` when it is gone.
    pub(super) fn parse(pid: u32, cmdline: &[u8], stat: &[u8], status: &[u8]) -> Option<Self> {
        let stat = String::from_utf8_lossy(stat);
        // The name in parentheses may itself contain spaces and parentheses.
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut fields = after_name.split_ascii_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let started = fields.nth(17)?.parse().ok()?;
        let title = String::from_utf8_lossy(cmdline);
        let title = title.trim_end_matches(['\0', ' ']).to_owned();
        let status = String::from_utf8_lossy(status);
        let namespaces = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let depth = namespaces.map_or(1, |pids| pids.split_ascii_whitespace().count());
        Some(Self {
            id: WorkerId { pid, started },
            parent,
            role: role_of(&title),
            title,
            is_in_container: depth > 1,
        })
    }
}

impl Process {
    pub(super) fn pid(&self) -> u32 {
        self.id.pid
    }

    /// Which configuration a master was told to read, as arguments for another nginx: `-c` and `-p`.
    pub(super) fn configuration(&self) -> Vec<&str> {
        let mut words = self.title.split_ascii_whitespace();
        let mut found = Vec::new();
        while let Some(word) = words.next() {
            if let ("-c" | "-p", Some(path)) = (word, words.clone().next()) {
                found.extend([word, path]);
            }
        }
        found
    }
}

/// The parent in a process's `stat`.
pub(super) fn parent_of(stat: &str) -> Option<u32> {
    // The name in parentheses may itself contain spaces and parentheses.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn role_of(title: &str) -> Role {
    if title.starts_with("nginx: master process") {
        Role::Master
    } else if title == "nginx: worker process" {
        Role::Worker
    } else {
        Role::Other
    }
}

/// The ids of the master processes outside containers.
pub(super) fn masters(processes: &[Process]) -> Vec<u32> {
    let masters = processes
        .iter()
        .filter(|process| process.role == Role::Master && !process.is_in_container);
    masters.map(|process| process.id.pid).collect()
}

/// The master processes in containers.
pub(super) fn masters_inside(processes: &[Process]) -> impl Iterator<Item = &Process> {
    processes
        .iter()
        .filter(|process| process.role == Role::Master && process.is_in_container)
}

/// The workers of a master that accept new connections, sorted.
pub(super) fn accepting_workers(processes: &[Process], master: u32) -> Vec<WorkerId> {
    let mut workers: Vec<_> = processes
        .iter()
        .filter(|process| process.role == Role::Worker && process.parent == master)
        .map(|process| process.id)
        .collect();
    workers.sort_unstable();
    workers
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "66 66 0 -1 4194624 160 0 0 0 0 0 0 0 20 0 1 0 123005 15499264 998 \
         18446744073709551615 94153703862272 94153704807433 140723693331616 0 0 0 0 1073745920";

    fn process(pid: u32, title: &str, stat: &str, ns: &str) -> Process {
        let cmdline = format!("{title}\0\0\0\0");
        let status = format!("Name:\tnginx\nPid:\t{pid}\nNSpid:\t{ns}\nNSpgid:\t66\n");
        Process::parse(pid, cmdline.as_bytes(), stat.as_bytes(), status.as_bytes()).unwrap()
    }

    #[test]
    fn a_real_stat_line_is_read() {
        let stat = format!("70 (nginx) S 66 {TAIL}\n");
        let worker = process(70, "nginx: worker process", &stat, "70");
        assert_eq!(
            worker.id,
            WorkerId {
                pid: 70,
                started: 123_005
            }
        );
        assert_eq!(worker.parent, 66);
    }

    #[test]
    fn a_name_may_contain_parentheses_and_spaces() {
        let stat = format!("70 (a) R (b c) S 66 {TAIL}\n");
        assert_eq!(process(70, "nginx: worker process", &stat, "70").parent, 66);
    }

    #[test]
    fn only_accepting_workers_of_the_hosts_master_count() {
        let stat = |parent: u32| format!("1 (nginx) S {parent} {TAIL}");
        let processes = [
            process(
                66,
                "nginx: master process /usr/sbin/nginx -g daemon on;",
                &stat(1),
                "66",
            ),
            process(71, "nginx: worker process", &stat(66), "71"),
            process(70, "nginx: worker process", &stat(66), "70"),
            process(
                72,
                "nginx: worker process is shutting down",
                &stat(66),
                "72",
            ),
            process(73, "nginx: cache manager process", &stat(66), "73"),
            process(
                90,
                "nginx: master process nginx -g daemon off;",
                &stat(80),
                "90 1",
            ),
            process(91, "nginx: worker process", &stat(90), "91 7"),
        ];
        assert_eq!(masters(&processes), [66]);
        let pids: Vec<_> = accepting_workers(&processes, 66)
            .iter()
            .map(|id| id.pid)
            .collect();
        assert_eq!(pids, [70, 71]);
        let inside: Vec<_> = masters_inside(&processes).collect();
        assert_eq!(inside[0].pid(), 90);
        assert_eq!(accepting_workers(&processes, 90)[0].pid, 91);
    }

    #[test]
    fn a_master_says_which_configuration_it_was_told_to_read() {
        let stat = format!("1 (nginx) S 0 {TAIL}");
        let told = |title: &str| {
            let master = process(90, title, &stat, "90 1");
            master.configuration().join(" ")
        };
        assert_eq!(told("nginx: master process nginx -g daemon off;"), "");
        assert_eq!(
            told("nginx: master process nginx -p /app -c /app/nginx.conf -g daemon off;"),
            "-p /app -c /app/nginx.conf"
        );
        assert_eq!(parent_of(&stat), Some(0));
    }

    #[test]
    fn a_process_that_is_gone_is_nothing() {
        assert_eq!(Process::parse(1, b"nginx: worker process", b"", b""), None);
    }
}

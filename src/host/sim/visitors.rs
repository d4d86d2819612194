//! People who come, what nginx logs of them, and the connections that it has to the slots.

use std::path::Path;

use super::FOLDER;
use super::behaviour::Behaviour;
use super::loaded::LoadedInclude;
use super::world::{World, service_of};
use crate::host::nginx::flag;

impl World {
    /// Lets time pass: people come, and nginx logs them when it is to.
    pub(super) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        let folder = Path::new(FOLDER);
        let logged = self.is_logging();
        self.due += self.visitors * ms;
        let due = self.due / 1000;
        self.due %= 1000;
        if due == 0 || self.loaded != LoadedInclude::Flag {
            return;
        }
        let live = self.live_port();
        let container = self.containers.get(service_of(live).unwrap_or_default());
        let (behaviour, started_ms) = match container {
            Some(container) => (self.behaviour(container), container.started_ms),
            None => (Behaviour::HealthyAfter(0), 0),
        };
        let mut lines = String::new();
        self.came_ms.insert(live, self.now_ms);
        for _ in 0..due {
            self.visited += 1;
            let age_ms = self.now_ms - started_ms;
            let Some(line) = behaviour.line(self.visited, age_ms, live) else {
                self.hanging.push((self.now_ms, live));
                continue;
            };
            if !behaviour.leaves_room(age_ms) {
                continue;
            }
            let (seconds, ms) = (self.wall_ms() / 1000, self.wall_ms() % 1000);
            let line = if self.earlier_log {
                let whole = line.split(" | ").next().unwrap_or_default();
                whole.replacen("v2", "1", 1)
            } else {
                line
            };
            lines.push_str(&format!("{seconds}.{ms:03} {line}\n"));
        }
        if logged && !self.own_log {
            self.append(&flag::traffic_log(folder), lines.as_bytes());
        }
    }

    /// The ages of the requests without an end to the slot at `port`.
    pub(super) fn hanging_at(&self, port: u16) -> Vec<u64> {
        let open = self.hanging.iter().filter(|(_, to)| *to == port);
        open.map(|(began_ms, _)| self.now_ms - began_ms).collect()
    }

    /// Connections to the slot at `port`: requests without an end, and an idle one.
    pub(super) fn connected_to(&self, port: u16) -> u32 {
        let open = self.hanging_at(port).len() + usize::from(self.keeps(port));
        u32::try_from(open).unwrap_or(u32::MAX)
    }

    /// Whether nginx keeps a connection to the slot at `port`.
    pub(super) fn keeps(&self, port: u16) -> bool {
        let kept_ms = u64::try_from(flag::KEPT_IDLE.as_millis()).unwrap_or(u64::MAX);
        let came_ms = self.came_ms.get(&port);
        came_ms.is_some_and(|came_ms| self.now_ms.saturating_sub(*came_ms) < kept_ms)
    }

    /// One of our own requests was answered: nginx logs it when it is to, and can.
    pub(super) fn log_ours(&mut self, status: u16) {
        let live = self.live_port();
        let container = self.containers.get(service_of(live).unwrap_or_default());
        let has_room = container.is_none_or(|container| {
            let age_ms = self.now_ms - container.started_ms;
            self.behaviour(container).leaves_room(age_ms)
        });
        let logs = self.is_logging() && !self.own_log && self.loaded == LoadedInclude::Flag;
        if !logs || !has_room || self.earlier_log {
            return;
        }
        let (seconds, ms) = (self.wall_ms() / 1000, self.wall_ms() % 1000);
        let line = format!(
            "{seconds}.{ms:03} v2p {status} 0.004 127.0.0.1:{live} | {status} | 0.004 | 0.004\n"
        );
        self.append(&flag::traffic_log(Path::new(FOLDER)), line.as_bytes());
    }
}

//! Requests that are in a slot and have no line in the log yet.
//!
//! nginx opens one connection to a slot for each request, so a connection, told by its client's port, that is there in
//! every look is one request. Between two looks a port is hardly used twice, and never for many looks in a row.

use std::collections::{BTreeMap, BTreeSet};

/// The connections to one slot, each with when it was first seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::agent) struct Waiting {
    since_ms: BTreeMap<u16, u64>,
    now_ms: u64,
}

impl Waiting {
    /// One look at the ports that are connected.
    pub(in crate::agent) fn look(&mut self, ports: &BTreeSet<u16>, now_ms: u64) {
        self.since_ms.retain(|port, _| ports.contains(port));
        for port in ports {
            self.since_ms.entry(*port).or_insert(now_ms);
        }
        self.now_ms = now_ms;
    }

    /// How many were there for at least so long.
    pub(in crate::agent) fn for_ms(&self, ms: u64) -> u64 {
        let long = |since: &&u64| self.now_ms.saturating_sub(**since) >= ms;
        self.since_ms.values().filter(long).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_in_every_look_waits() {
        let mut waiting = Waiting::default();
        let mut look = |ports: &[u16], now_ms| {
            waiting.look(&ports.iter().copied().collect(), now_ms);
            (waiting.for_ms(0), waiting.for_ms(1_000))
        };
        assert_eq!(look(&[1, 2, 3], 0), (3, 0));
        assert_eq!(look(&[2, 3, 4], 500), (3, 0));
        assert_eq!(look(&[3, 4], 1_000), (2, 1));
        assert_eq!(look(&[2, 4], 1_500), (2, 1), "2 was away for a while");
        assert_eq!(look(&[], 2_000), (0, 0));
    }
}

//! Requests that are in a slot and have no line in the log yet: nginx logs a request when it ends, and silence is not
//! health. The kernel knows of each connection for how long nothing has come since something was sent.

/// The requests without an answer in one slot, by how long they wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::agent) struct Waiting {
    ages_ms: Vec<u64>,
}

impl Waiting {
    pub(in crate::agent) fn new(ages_ms: Vec<u64>) -> Self {
        Self { ages_ms }
    }

    /// How many have waited for at least so long.
    pub(in crate::agent) fn for_ms(&self, ms: u64) -> u64 {
        self.ages_ms.iter().filter(|age| **age >= ms).count() as u64
    }
}

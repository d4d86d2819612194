//! The Docker engine may die, or be updated, in the middle of a swap; whoever keeps it brings it back within seconds.

use std::time::Duration;

use super::wait::Wait;
use crate::host::error::Trouble;
use crate::host::{Clock, Containers};

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);

/// Waits until the engine answers, at most 30 s: an undo that gives up sooner needs a person for nothing. Whatever is
/// asked of it next says what is wrong with it then.
pub(super) async fn await_answer<C: Containers + Clock>(host: &C) {
    let wait = Wait::new(host, PATIENCE, POLL);
    while let Err(error) = host.docker().await {
        if error.trouble != Trouble::Unavailable || !wait.goes_on().await {
            return;
        }
    }
}

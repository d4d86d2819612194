//! Time.

use std::time::Duration;

/// Tells the time and waits: the agent's only source of both.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Clock {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
    /// Milliseconds of a clock that never jumps, for durations.
    fn elapsed_ms(&self) -> u64;
    async fn sleep(&self, duration: Duration);
}

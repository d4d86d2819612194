//! Time, simulated: it passes when everybody waits for it.

use std::time::Duration;

use super::SimHost;
use crate::host::Clock;

/// So often a sleeper looks before it takes those that should wake before it for dead.
const STANDS_STILL: u32 = 20;

impl Clock for SimHost {
    fn now_ms(&self) -> u64 {
        self.world.borrow().wall_ms()
    }
    fn elapsed_ms(&self) -> u64 {
        self.world.borrow().now_ms
    }
    async fn sleep(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.sleep_until(self.elapsed_ms() + ms).await;
    }
}

impl SimHost {
    /// Waits in simulated time: whoever wants to wake first lets the time pass for all.
    async fn sleep_until(&self, deadline: u64) {
        let number = self.slept.get();
        self.slept.set(number + 1);
        let _woken = Woken { host: self, number };
        let (mut seen, mut looks) = (0, 0);
        loop {
            self.sleepers.borrow_mut().insert(number, deadline);
            tokio::task::yield_now().await;
            let now = self.world.borrow().now_ms;
            looks = if seen == now { looks + 1 } else { 0 };
            seen = now;
            if looks == STANDS_STILL {
                // Whoever should wake first belongs to an agent that stands still.
                self.sleepers
                    .borrow_mut()
                    .retain(|_, other| *other >= deadline);
            }
            let earliest = self.sleepers.borrow().values().min().copied();
            if now >= deadline || earliest == Some(deadline) {
                self.world.borrow_mut().pass(deadline.saturating_sub(now));
                return;
            }
        }
    }
}

/// Takes a sleeper off the list when it has woken, and when nobody waits for it any more.
struct Woken<'a> {
    host: &'a SimHost,
    number: u64,
}

impl Drop for Woken<'_> {
    fn drop(&mut self) {
        self.host.sleepers.borrow_mut().remove(&self.number);
    }
}

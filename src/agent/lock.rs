//! One deploy at a time: a kernel lock that is freed when its holder dies.

use std::cell::Cell;
use std::time::Duration;

use super::events::Events;
use super::failure::{HostResultExt as _, StepResult};
use super::paths::AppPaths;
use super::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::{Clock, Files, LockAttempt};
use crate::protocol::event::Happening;
use crate::protocol::span::Span;
use crate::protocol::utc;

const POLL: Duration = Duration::from_millis(500);
/// What whoever only looks at the lock notes in it, for the instant that takes.
pub(super) const LOOK: &str = "a look at the lock";
/// How often, and how soon, a lock that is being looked at is tried again; whatever `lock-wait` says.
pub(super) const LOOKS: u32 = 10;
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits for the lock at most `lock_wait`, saying who holds it. `ourselves` is what others are told meanwhile.
pub(super) async fn take<H: Files + Clock>(
    host: &H,
    events: &Events<'_, H>,
    paths: &AppPaths,
    lock_wait: Span,
    ourselves: &str,
    cancel: &Cell<bool>,
) -> StepResult<H::Lock> {
    let mut wait = Wait::new(host, lock_wait.duration(), POLL).that_speaks_at_once();
    let mut looks = 0;
    loop {
        let holder = match host
            .try_lock(&paths.lock(), &note(ourselves, host.now_ms()))
            .await
            .during(Reason::Locked, "cannot take the deploy lock")?
        {
            LockAttempt::Taken(lock) => return Ok(lock),
            LockAttempt::HeldBy(holder) if holder == LOOK && looks < LOOKS => {
                looks += 1;
                host.sleep(LOOK_AGAIN).await;
                continue;
            }
            LockAttempt::HeldBy(holder) => holder,
        };
        if wait.is_over() {
            let what = match wait.waited_ms() {
                0 => format!("another deploy holds the lock: {holder}"),
                _ => format!("another deploy still holds the lock after {lock_wait}: {holder}"),
            };
            return Err(
                Failure::new(Reason::Locked, what).hint("wait for it to end, or raise `lock-wait`")
            );
        }
        if cancel.get() {
            return Err(Failure::cancelled());
        }
        if wait.must_speak() {
            events.emit(Happening::LockWaiting { holder }).await;
        }
        wait.pause().await;
    }
}

/// Who holds the lock since when.
pub(super) fn note(who: &str, now_ms: u64) -> String {
    let pid = std::process::id();
    match utc::text(now_ms, utc::SECOND) {
        Some(now) => format!("{who}, process {pid}, since {now}"),
        None => format!("{who}, process {pid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_who_and_since_when() {
        let pid = std::process::id();
        assert_eq!(
            note("deployment 1 by jo", 1_764_086_400_999),
            format!("deployment 1 by jo, process {pid}, since 2025-11-25 16:00:00 UTC")
        );
    }
}

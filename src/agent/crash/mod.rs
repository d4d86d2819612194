//! The crash tests: an agent may die at every instant, whatever else goes wrong, and everything settles.
//!
//! [`stories`] are swaps worth dying in, [`histories`] visits every world that a crash can leave, [`settled`] says what
//! must hold afterwards, [`faults`] adds verbs that fail and a disk that is full, [`clock`] a clock that jumps,
//! [`ends`] a release that ends by itself, [`torn`] cuts the journal at every byte, [`random_tests`] makes up histories that nobody thought of.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::mpsc::unbounded_channel;

use super::deploy::run;
use super::paths::AppPaths;
use super::recover::{Recovered, recover};
use crate::error::Failure;
use crate::host::sim::SimHost;
use crate::host::{Files as _, LockAttempt};
use crate::protocol::event::Happening;
use crate::protocol::outcome::Finished;
use crate::protocol::plan::Plan;
use crate::protocol::wire::Reply;

mod clock;
mod ends;
mod faults;
mod follow;
mod histories;
mod random_tests;

mod settled;
mod stories;
mod torn;

/// Polls until the work is done; `None` when the host's crash point is reached first, and the work is dropped.
///
/// No runtime: on the simulated host nothing waits for anything but its turn.
pub(super) fn drive<T>(host: &SimHost, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(value) => return Some(value),
            Poll::Pending if host.is_dead() => return None,
            Poll::Pending => {}
        }
    }
}

/// Runs a plan to its last word, or to the host's crash point.
fn live(host: &SimHost, plan: &Plan) -> Option<Finished> {
    let (listener, mut replies) = unbounded_channel();
    let cancel = Cell::new(false);
    drive(host, Box::pin(run(host, plan, None, listener, &cancel)))?;
    let mut last = None;
    while let Ok(Reply::Event(event)) = replies.try_recv() {
        if let Happening::Finished(finished) = event.what {
            assert!(last.is_none(), "two last words");
            last = Some(*finished);
        }
    }
    assert!(last.is_some(), "a run that ends has its last word");
    last
}

fn paths() -> AppPaths {
    AppPaths::new(&"app".parse().unwrap())
}

/// Recovers as `agent recover` does, under the lock; `None` when the crash point is reached.
fn heal(host: &SimHost) -> Option<Result<Recovered, Failure>> {
    let paths = paths();
    drive(
        host,
        Box::pin(async {
            let lock = host.try_lock(&paths.lock(), "recovery").await;
            assert!(
                matches!(lock, Ok(LockAttempt::Taken(_))),
                "the lock is free"
            );
            let recovered = recover(host, &paths).await;
            drop(lock);
            recovered
        }),
    )
}

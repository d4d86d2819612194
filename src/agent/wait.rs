//! One wait for something to hold: a deadline, a pause between two looks, a sign of life every five seconds. Time is the
//! host's.

use std::fmt::Display;
use std::time::Duration;

use super::events::Events;
use crate::host::{Clock, Files};
use crate::protocol::step::Step;

/// How long a wait may be silent.
pub(super) const SAY_EVERY_MS: u64 = 5_000;

/// A wait that has begun.
#[derive(Debug)]
pub(super) struct Wait<'a, H> {
    host: &'a H,
    most: Duration,
    pause: Duration,
    began_ms: u64,
    /// When it last gave a sign of life; `None` when the first one is due at once.
    said_ms: Option<u64>,
}

impl<'a, H: Clock> Wait<'a, H> {
    /// Begins now and lasts `most`, with `pause` between two looks.
    pub(super) fn new(host: &'a H, most: Duration, pause: Duration) -> Self {
        let began_ms = host.elapsed_ms();
        Self {
            host,
            most,
            pause,
            began_ms,
            said_ms: Some(began_ms),
        }
    }

    /// The first sign of life comes with the first look.
    pub(super) fn that_speaks_at_once(mut self) -> Self {
        self.said_ms = None;
        self
    }

    pub(super) fn waited_ms(&self) -> u64 {
        self.host.elapsed_ms().saturating_sub(self.began_ms)
    }

    /// Whether the deadline has passed.
    pub(super) fn is_over(&self) -> bool {
        u128::from(self.waited_ms()) >= self.most.as_millis()
    }

    pub(super) fn is_half_over(&self) -> bool {
        u128::from(self.waited_ms()) * 2 >= self.most.as_millis()
    }

    /// Whether a sign of life is due; whoever asks gives it.
    pub(super) fn must_speak(&mut self) -> bool {
        let now_ms = self.host.elapsed_ms();
        let is_due = |said: u64| now_ms.saturating_sub(said) >= SAY_EVERY_MS;
        if self.said_ms.is_some_and(|said| !is_due(said)) {
            return false;
        }
        self.said_ms = Some(now_ms);
        true
    }

    /// Until the next look.
    pub(super) async fn pause(&self) {
        self.host.sleep(self.pause).await;
    }

    /// Until the next look; `false`, at once, when the deadline has passed.
    pub(super) async fn goes_on(&self) -> bool {
        if self.is_over() {
            return false;
        }
        self.pause().await;
        true
    }
}

impl<H: Files + Clock> Wait<'_, H> {
    /// Says how far it is, when a sign of life is due.
    pub(super) async fn speak(&mut self, events: &Events<'_, H>, step: Step, text: impl Display) {
        if self.must_speak() {
            events.progress(step, text.to_string()).await;
        }
    }
}

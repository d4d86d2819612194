//! Keep-alive load that knows exactly which requests were lost.
//!
//! Written on raw TCP, because an HTTP library retries, pools and hides: here a request is *lost*
//! when it was fully written and the connection then ended without one byte of an answer. A
//! connection that the server closed while it was idle costs nothing: the client looks before it
//! writes, as a well-behaved client does, and opens another.
//!
//! Load goes to this machine alone and stops by itself: connections, requests and time are bounded.

mod exchange;
mod report;
#[cfg(test)]
mod tests;
mod worker;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

pub use report::{EndedBy, LoadReport, NO_VERSION, VersionReport};
use worker::{Tally, Worker};

use crate::background;

/// No load opens more connections than this.
pub const MAX_CONNECTIONS: usize = 1_000;
/// No load runs longer than this.
pub const MAX_DURATION: Duration = Duration::from_mins(30);
/// No load sends more requests than this.
pub const MAX_REQUESTS: u64 = 5_000_000;

/// A load to be started: build it, then [`start`](Self::start) it.
#[derive(Debug, Clone)]
pub struct Load {
    target: SocketAddr,
    host: String,
    get_path: String,
    post_path: String,
    connections: usize,
    post_percent: u8,
    think: RangeInclusive<Duration>,
    request_timeout: Duration,
    max_duration: Duration,
    max_requests: u64,
}

impl Load {
    /// One connection that sends `GET /` without pausing, until told otherwise.
    #[must_use]
    pub fn new(target: SocketAddr) -> Self {
        Self {
            target,
            host: target.to_string(),
            get_path: "/".to_owned(),
            post_path: "/".to_owned(),
            connections: 1,
            post_percent: 0,
            think: Duration::ZERO..=Duration::ZERO,
            request_timeout: Duration::from_secs(15),
            max_duration: Duration::from_mins(10),
            max_requests: MAX_REQUESTS,
        }
    }

    /// How many keep-alive connections send at the same time.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// The share of requests that are POST, in percent; which ones is random.
    #[must_use]
    pub fn post_share(mut self, percent: u8) -> Self {
        self.post_percent = percent;
        self
    }

    /// The pause before each request, drawn evenly from a range.
    #[must_use]
    pub fn think(mut self, range: RangeInclusive<Duration>) -> Self {
        self.think = range;
        self
    }

    /// The `Host` header, when it is not the address.
    #[must_use]
    pub fn host_header(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The paths of GET and of POST.
    #[must_use]
    pub fn paths(mut self, get: impl Into<String>, post: impl Into<String>) -> Self {
        self.get_path = get.into();
        self.post_path = post.into();
        self
    }

    /// How long one request may take, from its first byte sent to the last byte of its answer.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// When the load stops by itself, at most [`MAX_DURATION`].
    #[must_use]
    pub fn max_duration(mut self, duration: Duration) -> Self {
        self.max_duration = duration;
        self
    }

    /// After how many requests, failed attempts to connect included, the load stops by itself; at
    /// most [`MAX_REQUESTS`].
    #[must_use]
    pub fn max_requests(mut self, requests: u64) -> Self {
        self.max_requests = requests;
        self
    }

    /// Starts the load, after refusing a target that is not this machine's loopback and anything
    /// beyond the bounds.
    pub fn start(self) -> anyhow::Result<Running> {
        ensure!(
            self.target.ip().is_loopback(),
            "`{}` is not a loopback address",
            self.target
        );
        ensure!(
            (1..=MAX_CONNECTIONS).contains(&self.connections),
            "{} connections: 1 to {MAX_CONNECTIONS} are allowed",
            self.connections
        );
        ensure!(
            self.post_percent <= 100,
            "a share of {} %",
            self.post_percent
        );
        ensure!(
            self.think.start() <= self.think.end(),
            "the range of `think` is empty"
        );
        ensure!(
            self.max_duration <= MAX_DURATION,
            "longer than {MAX_DURATION:?}"
        );
        ensure!(
            self.max_requests <= MAX_REQUESTS,
            "more than {MAX_REQUESTS} requests"
        );

        let (stop, stopped) = watch::channel(false);
        let (finish, report) = oneshot::channel();
        let shared = Arc::new(Shared {
            load: self,
            started: Instant::now(),
            claimed: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        });
        drop(background::spawn(conduct(
            Arc::clone(&shared),
            stopped,
            finish,
        )));
        Ok(Running {
            shared,
            stop,
            report,
        })
    }
}

/// What the connections of one load have in common.
#[derive(Debug)]
struct Shared {
    load: Load,
    started: Instant,
    claimed: AtomicU64,
    answered: AtomicU64,
}

impl Shared {
    /// Takes one request, or one attempt to connect for it, out of the budget.
    fn claim(&self) -> bool {
        self.claimed.fetch_add(1, Ordering::Relaxed) < self.load.max_requests
    }
}

/// A load under way; dropping it stops the load and forgets its report.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    report: oneshot::Receiver<LoadReport>,
}

impl Running {
    /// Complete answers so far, whatever their status.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Sends nothing more, waits for the answers that are due, and reports.
    pub async fn stop(self) -> LoadReport {
        self.stop.send_replace(true);
        self.report.await.expect(REPORTS)
    }

    /// [`stop`](Self::stop) for a test without a runtime.
    #[must_use]
    pub fn stop_blocking(self) -> LoadReport {
        self.stop.send_replace(true);
        self.report.blocking_recv().expect(REPORTS)
    }
}

const REPORTS: &str = "the conductor reports unless a connection's task panicked";

/// Runs every connection to its end and adds up what they saw.
async fn conduct(
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
    finish: oneshot::Sender<LoadReport>,
) {
    let mut workers = JoinSet::new();
    for id in 0..shared.load.connections {
        workers.spawn(Worker::new(id, Arc::clone(&shared), stopped.clone()).run());
    }
    let tallies: Vec<Tally> = workers.join_all().await;
    // Nobody listens when the handle was dropped.
    drop(finish.send(LoadReport::from_tallies(tallies, shared.started.elapsed())));
}

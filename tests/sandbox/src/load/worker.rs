//! One keep-alive connection of a load: think, send, receive, count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::exchange::{Connection, Received, receive, still_open};
use super::report::{EndedBy, NO_VERSION};
use super::{Load, Shared};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Keeps a dead server from being hammered as fast as loopback allows.
const BACK_OFF: Duration = Duration::from_millis(5);

/// What one connection saw.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) ended_by: EndedBy,
    pub(super) sent: u64,
    pub(super) lost: u64,
    pub(super) lost_post: u64,
    pub(super) broken: u64,
    pub(super) timeouts: u64,
    pub(super) unsent: u64,
    pub(super) connect_errors: u64,
    pub(super) connects: u64,
    pub(super) non_200: BTreeMap<u16, u64>,
    /// Answers with status 200, by version.
    pub(super) samples: BTreeMap<String, Vec<Sample>>,
}

/// One answer: when it was complete, since the start of the load, and how long it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) at: Micros,
    pub(super) latency: Micros,
}

/// Microseconds in 32 bits: more than an hour, and half the memory of a `Duration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Micros(u32);

impl From<Duration> for Micros {
    fn from(duration: Duration) -> Self {
        Self(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX))
    }
}

impl From<Micros> for Duration {
    fn from(Micros(micros): Micros) -> Self {
        Self::from_micros(micros.into())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Post,
}

#[derive(Debug)]
pub(super) struct Worker {
    id: usize,
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    tally: Tally,
}

impl Worker {
    pub(super) fn new(id: usize, shared: Arc<Shared>, stopped: watch::Receiver<bool>) -> Self {
        let tally = Tally {
            ended_by: EndedBy::Stop,
            sent: 0,
            lost: 0,
            lost_post: 0,
            broken: 0,
            timeouts: 0,
            unsent: 0,
            connect_errors: 0,
            connects: 0,
            non_200: BTreeMap::new(),
            samples: BTreeMap::new(),
        };
        Self {
            id,
            shared,
            stopped,
            stream: None,
            buffer: Vec::with_capacity(4096),
            tally,
        }
    }

    pub(super) async fn run(mut self) -> Tally {
        let end = Instant::from_std(self.shared.started + self.shared.load.max_duration);
        let mut number = 0_u64;
        self.tally.ended_by = loop {
            let pause = random(&self.shared.load);
            // A handle that is gone counts as a stop: `wait_for` fails then.
            tokio::select! {
                biased;
                _ = self.stopped.wait_for(|stopped| *stopped) => break EndedBy::Stop,
                () = tokio::time::sleep_until(end) => break EndedBy::TimeLimit,
                () = sleep(pause) => {}
            }
            if !self.shared.claim() {
                break EndedBy::RequestLimit;
            }
            let Some(mut stream) = self.open().await else {
                sleep(BACK_OFF).await;
                continue;
            };
            number += 1;
            match self.request(&mut stream, number).await {
                Connection::Keep => self.stream = Some(stream),
                Connection::Close => {}
            }
        };
        self.tally
    }

    /// The connection at hand if the server left it open, else a new one.
    async fn open(&mut self) -> Option<TcpStream> {
        if let Some(stream) = self.stream.take().filter(still_open) {
            return Some(stream);
        }
        let connect = TcpStream::connect(self.shared.load.target);
        let Ok(Ok(stream)) = timeout(CONNECT_TIMEOUT, connect).await else {
            self.tally.connect_errors += 1;
            return None;
        };
        self.tally.connects += 1;
        // Failing to turn Nagle off costs time, not correctness.
        drop(stream.set_nodelay(true));
        Some(stream)
    }

    async fn request(&mut self, stream: &mut TcpStream, number: u64) -> Connection {
        let method = if fastrand::u8(0..100) < self.shared.load.post_percent {
            Method::Post
        } else {
            Method::Get
        };
        let bytes = render(&self.shared.load, method, self.id, number);
        let begun = Instant::now();
        let deadline = begun + self.shared.load.request_timeout;
        let Ok(Ok(())) = timeout_at(deadline, stream.write_all(bytes.as_bytes())).await else {
            self.tally.unsent += 1;
            return self.back_off().await;
        };
        self.tally.sent += 1;
        match timeout_at(deadline, receive(stream, &mut self.buffer)).await {
            Ok(Received::Answer {
                status,
                version,
                connection,
            }) => {
                self.answered(status, version, begun);
                connection
            }
            Ok(Received::Nothing) => {
                self.tally.lost += 1;
                self.tally.lost_post += u64::from(method == Method::Post);
                self.back_off().await
            }
            Ok(Received::Broken) => {
                self.tally.broken += 1;
                self.back_off().await
            }
            Err(_) => {
                self.tally.timeouts += 1;
                Connection::Close
            }
        }
    }

    fn answered(&mut self, status: u16, version: Option<String>, begun: Instant) {
        self.shared.answered.fetch_add(1, Ordering::Relaxed);
        if status != 200 {
            *self.tally.non_200.entry(status).or_default() += 1;
            return;
        }
        let sample = Sample {
            at: self.shared.started.elapsed().into(),
            latency: begun.elapsed().into(),
        };
        let version = version.unwrap_or_else(|| NO_VERSION.to_owned());
        self.tally.samples.entry(version).or_default().push(sample);
    }

    async fn back_off(&self) -> Connection {
        sleep(BACK_OFF).await;
        Connection::Close
    }
}

fn random(load: &Load) -> Duration {
    let span = load.think.end().saturating_sub(*load.think.start());
    let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    *load.think.start() + Duration::from_micros(fastrand::u64(0..=span))
}

/// The bytes of a request; its identifier lets a server under test notice one that came twice.
fn render(load: &Load, method: Method, worker: usize, number: u64) -> String {
    let host = &load.host;
    let id = format!("{worker}-{number}");
    match method {
        Method::Get => {
            let path = &load.get_path;
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: {id}\r\n\r\n")
        }
        Method::Post => {
            let path = &load.post_path;
            let length = id.len();
            format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: {id}\r\n\
                 Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{id}"
            )
        }
    }
}

//! A TCP relay that makes loopback behave like a network: each chunk is held for a while in each
//! direction, in order and at full throughput; and the line can stall or be cut.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::background::{self, lock};
use crate::http::LOOPBACK;

const CHUNK: usize = 16 * 1024;
/// Chunks in flight in one direction; what a sender has beyond them waits in its own socket.
const IN_FLIGHT: usize = 512;

/// A running relay; it ends, with its connections, when it is dropped.
#[derive(Debug)]
pub struct Relay {
    addr: SocketAddr,
    line: Arc<Line>,
    /// `None` while cut.
    accept: Mutex<Option<JoinHandle<()>>>,
    flows: watch::Sender<bool>,
}

#[derive(Debug)]
struct Line {
    target: SocketAddr,
    delay: Duration,
    connections: AtomicU64,
}

impl Relay {
    /// Relays an unused port of 127.0.0.1 to `target`, holding what it carries in each direction.
    pub fn start(target: SocketAddr, delay_each_way: Duration) -> anyhow::Result<Self> {
        Self::start_on(LOOPBACK, target, delay_each_way)
    }

    /// Relays `listen` to `target`; both are loopback addresses.
    pub fn start_on(
        listen: SocketAddr,
        target: SocketAddr,
        delay_each_way: Duration,
    ) -> anyhow::Result<Self> {
        for addr in [listen, target] {
            ensure!(
                addr.ip().is_loopback(),
                "`{addr}` is not a loopback address"
            );
        }
        let line = Line {
            target,
            delay: delay_each_way,
            connections: AtomicU64::new(0),
        };
        let mut relay = Self {
            addr: listen,
            line: Arc::new(line),
            accept: Mutex::new(None),
            flows: watch::Sender::new(true),
        };
        relay.addr = relay.listen()?;
        Ok(relay)
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.line.connections.load(Ordering::Relaxed)
    }

    /// Drops every connection and refuses new ones, from before this returns until
    /// [`restore`](Self::restore).
    pub fn cut(&self) {
        let Some(accept) = lock(&self.accept).take() else {
            return;
        };
        accept.abort();
        // Cancelled, which is what was asked for: the listener and the connections are gone.
        drop(background::run(accept));
    }

    /// Accepts connections again, on the same port.
    pub fn restore(&self) -> anyhow::Result<()> {
        if lock(&self.accept).is_none() {
            self.listen()?;
        }
        Ok(())
    }

    /// Holds everything, in both directions, without closing anything: a network that is gone, as
    /// both ends see it.
    pub fn stall(&self) {
        self.flows.send_replace(false);
    }

    /// Ends [`stall`](Self::stall); what was held goes on.
    pub fn resume(&self) {
        self.flows.send_replace(true);
    }

    fn listen(&self) -> anyhow::Result<SocketAddr> {
        let listener = background::run(TcpListener::bind(self.addr))
            .with_context(|| format!("listen on `{}`", self.addr))?;
        let addr = listener.local_addr()?;
        let task = accept(listener, Arc::clone(&self.line), self.flows.subscribe());
        *lock(&self.accept) = Some(background::spawn(task));
        Ok(addr)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(accept) = lock(&self.accept).take() {
            accept.abort();
        }
    }
}

/// Owns every connection: when this task ends, so do they.
async fn accept(listener: TcpListener, line: Arc<Line>, flows: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((near, _)) = listener.accept().await {
            line.connections.fetch_add(1, Ordering::Relaxed);
            connections.spawn(carry(near, Arc::clone(&line), flows.clone()));
        } else {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(near: TcpStream, line: Arc<Line>, flows: watch::Receiver<bool>) {
    let Ok(far) = TcpStream::connect(line.target).await else {
        return;
    };
    for stream in [&near, &far] {
        // Failing to turn Nagle off costs time, not correctness.
        drop(stream.set_nodelay(true));
    }
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::join!(
        pump(near_read, far_write, line.delay, flows.clone()),
        pump(far_read, near_write, line.delay, flows),
    );
}

/// One direction: each chunk is stamped with the time it is due when it is read, so that reading
/// goes on while earlier chunks are held. The end of the stream is held like a chunk.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    mut flows: watch::Receiver<bool>,
) {
    let (queue, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(IN_FLIGHT);
    let read = async move {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            // A reset is passed on as an end.
            let length = from.read_buf(&mut chunk).await.unwrap_or(0);
            if queue.send((Instant::now() + delay, chunk)).await.is_err() || length == 0 {
                return;
            }
        }
    };
    let write = async move {
        while let Some((time, chunk)) = due.recv().await {
            sleep_until(time).await;
            if flows.wait_for(|flows| *flows).await.is_err() {
                return;
            }
            if chunk.is_empty() || to.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}

//! Listening, one thread for each connection, and the end of it all.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::connection;
use crate::routes::App;
use crate::stop::Stop;

/// How long requests in flight may take after a stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
const STACK: usize = 128 * 1024;

#[derive(Debug)]
struct Server {
    app: App,
    stop: Arc<Stop>,
    open: AtomicUsize,
}

/// Serves until `stop` is raised and its requests are answered; tells how many connections it cut.
pub(crate) fn run(config: &Arc<Config>, stop: &Arc<Stop>) -> io::Result<usize> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, config.port))?;
    println!("hello {} listening on port {}", config.version, config.port);
    let server = Arc::new(Server {
        app: App::new(Arc::clone(config)),
        stop: Arc::clone(stop),
        open: AtomicUsize::new(0),
    });
    while !stop.wanted() {
        match listener.accept() {
            Ok((stream, _)) => spawn(&server, stream),
            // Out of descriptors, most likely: the next close frees one.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
    // Whoever the kernel already let in would be reset if the listener closed on them.
    listener.set_nonblocking(true)?;
    while let Ok((stream, _)) = listener.accept() {
        stream.set_nonblocking(false)?;
        spawn(&server, stream);
    }
    drop(listener);
    Ok(drain(&server.open))
}

fn spawn(server: &Arc<Server>, stream: TcpStream) {
    server.open.fetch_add(1, Ordering::Relaxed);
    let shared = Arc::clone(server);
    let thread = thread::Builder::new().stack_size(STACK).spawn(move || {
        // A peer that went away is no news.
        drop(connection::serve(&stream, &shared.app, &shared.stop));
        shared.open.fetch_sub(1, Ordering::Relaxed);
    });
    if thread.is_err() {
        server.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn drain(open: &AtomicUsize) -> usize {
    let start = Instant::now();
    while open.load(Ordering::Relaxed) > 0 && start.elapsed() < DRAIN_LIMIT {
        thread::sleep(Duration::from_millis(5));
    }
    open.load(Ordering::Relaxed)
}

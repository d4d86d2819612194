//! Connections that outlive a request: a WebSocket and a slow download through nginx.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant, SystemTime};

/// A connection under way.
#[derive(Debug)]
pub(crate) struct Held(JoinHandle<Ended>);

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Everything that was promised came, and the client closed.
    pub(crate) whole: bool,
    /// The release that answered.
    pub(crate) version: String,
    pub(crate) at: SystemTime,
}

impl Held {
    pub(crate) fn wait(self) -> Ended {
        self.0.join().unwrap()
    }
}

/// Sends a message every 100 ms for `length` and wants each back.
pub(crate) fn websocket(at: SocketAddr, length: Duration) -> Held {
    let mut stream = TcpStream::connect(at).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream
        .write_all(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let head = head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let until = Instant::now() + length;
    Held(spawn(move || {
        let mut whole = true;
        while whole && Instant::now() < until {
            whole = echoes(&mut stream);
            sleep(Duration::from_millis(100));
        }
        Ended {
            whole,
            version: version(&head),
            at: SystemTime::now(),
        }
    }))
}

/// One masked text frame there, the same unmasked back.
fn echoes(stream: &mut TcpStream) -> bool {
    // The mask is zero, so that the text is itself.
    let sent = stream.write_all(b"\x81\x84\0\0\0\0ping");
    let mut back = [0; 6];
    sent.is_ok() && stream.read_exact(&mut back).is_ok() && &back == b"\x81\x04ping"
}

/// Downloads `bytes` that the app spreads over `length`.
pub(crate) fn download(at: SocketAddr, bytes: usize, length: Duration) -> Held {
    let mut stream = TcpStream::connect(at).unwrap();
    let path = format!("/stream?bytes={bytes}&ms={}", length.as_millis());
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let head = head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    Held(spawn(move || {
        let mut body = Vec::new();
        let read = stream.read_to_end(&mut body);
        let came = body.iter().filter(|byte| **byte == b'~').count();
        Ended {
            // The last chunk is what tells a whole answer from one cut short.
            whole: read.is_ok() && came == bytes && body.ends_with(b"0\r\n\r\n"),
            version: version(&head),
            at: SystemTime::now(),
        }
    }))
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

fn version(head: &str) -> String {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("X-Version: "));
    line.unwrap_or_default().to_owned()
}

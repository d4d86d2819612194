//! The relay between real sockets.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use super::*;

/// Sends back what it gets.
fn echo() -> SocketAddr {
    let listener = std::net::TcpListener::bind(LOOPBACK).unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut copy = stream.try_clone().unwrap();
            std::thread::spawn(move || std::io::copy(&mut stream, &mut copy));
        }
    });
    addr
}

fn round_trip(stream: &mut TcpStream) -> std::io::Result<Duration> {
    let begun = std::time::Instant::now();
    stream.write_all(b"ping")?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"ping");
    Ok(begun.elapsed())
}

#[test]
fn each_way_takes_the_delay_and_order_and_throughput_stay() {
    let delay = Duration::from_millis(60);
    let relay = Relay::start(echo(), delay).unwrap();
    let mut stream = TcpStream::connect(relay.addr()).unwrap();
    let took = round_trip(&mut stream).unwrap();
    assert!(took >= delay * 2, "{took:?}");
    assert!(took < delay * 2 + Duration::from_millis(700), "{took:?}");

    // A delay per chunk, instead of per time of arrival, would take 64 chunks × 60 ms.
    let sent: Vec<u8> = (0..64 * CHUNK)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect();
    let mut sender = stream.try_clone().unwrap();
    let copy = sent.clone();
    let begun = std::time::Instant::now();
    let sending = std::thread::spawn(move || {
        sender.write_all(&copy).unwrap();
        sender.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert!(
        received == sent,
        "{} of {} bytes, or out of order",
        received.len(),
        sent.len()
    );
    assert!(
        begun.elapsed() < Duration::from_millis(2000),
        "{:?}",
        begun.elapsed()
    );
    sending.join().unwrap();
}

#[test]
fn a_cut_line_is_dead_until_it_is_restored() {
    let relay = Relay::start(echo(), Duration::ZERO).unwrap();
    let mut stream = TcpStream::connect(relay.addr()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    round_trip(&mut stream).unwrap();
    relay.cut();
    let ended = match stream.read(&mut [0; 4]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    assert!(ended, "the connection outlived the cut");
    let refused = TcpStream::connect(relay.addr()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    relay.restore().unwrap();
    round_trip(&mut TcpStream::connect(relay.addr()).unwrap()).unwrap();
    assert_eq!(relay.connections(), 2);
}

#[test]
fn a_stalled_line_holds_everything_and_loses_nothing() {
    let relay = Relay::start(echo(), Duration::ZERO).unwrap();
    let mut stream = TcpStream::connect(relay.addr()).unwrap();
    round_trip(&mut stream).unwrap();
    relay.stall();
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    stream.write_all(b"held").unwrap();
    let waited = stream.read(&mut [0; 4]).unwrap_err();
    assert!(matches!(
        waited.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    relay.resume();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut held = [0; 4];
    stream.read_exact(&mut held).unwrap();
    assert_eq!(&held, b"held");
}

#[test]
fn it_relays_this_machine_only() {
    assert!(Relay::start("10.0.0.1:22".parse().unwrap(), Duration::ZERO).is_err());
}

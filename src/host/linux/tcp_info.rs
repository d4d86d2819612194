//! What the kernel tells of each established TCP connection to an address (`NETLINK_SOCK_DIAG`, `tcp_info`), which no
//! file below `/proc` has. Any user may ask.

use std::net::{IpAddr, SocketAddr};

use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

use super::super::HostResult;
use super::super::error::HostError;
use super::super::nginx::flag::IDLE_IS_GONE;

/// The kernel answers at once.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
/// Room for what the kernel sends at once.
const PIECE: usize = 32 * 1024;

const HEADER: usize = 16;
const SOCKET: usize = 72;

/// How long each request that was sent to `address` has had no answer, milliseconds.
pub(super) fn unanswered(address: SocketAddr) -> HostResult<Vec<u64>> {
    ask(address)
        .map_err(|error| HostError::io(format!("ask for the connections to {address}"), error))
}

fn ask(address: SocketAddr) -> std::io::Result<Vec<u64>> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(SOCK_DIAG),
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(&socket, &question(address), SendFlags::empty(), &kernel)?;
    let (mut piece, mut ages) = (vec![0; PIECE], Vec::new());
    loop {
        let (len, _) = recv(&socket, &mut *piece, RecvFlags::empty())?;
        let read = take(piece.get(..len).unwrap_or_default(), address, &mut ages);
        match read {
            Some(Dump::Continues) => {}
            Some(Dump::Done) => return Ok(ages),
            None => return Err(std::io::ErrorKind::InvalidData.into()),
        }
    }
}

/// `struct nlmsghdr`, then `struct inet_diag_req_v2`: established connections with this port at the other end, each
/// with its `tcp_info`.
fn question(address: SocketAddr) -> Vec<u8> {
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const REQUEST_DUMP: u16 = 0x301;
    const TCP: u8 = 6;
    const WITH_TCP_INFO: u8 = 1 << 1;
    const ESTABLISHED: u32 = 1 << 1;
    let mut asked = vec![family(address), TCP, WITH_TCP_INFO, 0];
    asked.extend(ESTABLISHED.to_ne_bytes());
    asked.extend([0; 2]);
    asked.extend(address.port().to_be_bytes());
    // No address, no interface, no cookie.
    asked.extend([0; 36]);
    asked.extend([0xff; 8]);
    let len = u32::try_from(HEADER + asked.len()).unwrap_or(u32::MAX);
    let mut message = len.to_ne_bytes().to_vec();
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(REQUEST_DUMP.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(asked);
    message
}

fn family(address: SocketAddr) -> u8 {
    const INET: u8 = 2;
    const INET6: u8 = 10;
    if address.is_ipv4() { INET } else { INET6 }
}

enum Dump {
    Continues,
    Done,
}

/// One piece of the answer; `None` when it is an error or makes no sense.
fn take(mut piece: &[u8], address: SocketAddr, ages: &mut Vec<u64>) -> Option<Dump> {
    const DONE: u16 = 3;
    const SOCKET_TOLD: u16 = 20;
    while !piece.is_empty() {
        let len = usize::try_from(u32_at(piece, 0)?).ok()?;
        let kind = u16_at(piece, 4)?;
        let body = piece.get(HEADER..len)?;
        match kind {
            DONE => return Some(Dump::Done),
            SOCKET_TOLD if is_to(body, address) => ages.extend(info(body).and_then(waits)),
            SOCKET_TOLD => {}
            _ => return None,
        }
        piece = piece.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Dump::Continues)
}

/// The other end's address, in `struct inet_diag_msg`.
fn is_to(body: &[u8], address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => body.get(24..28) == Some(&ip.octets()),
        IpAddr::V6(ip) => body.get(24..40) == Some(&ip.octets()),
    }
}

/// What `struct tcp_info` says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TcpInfo {
    sent_ms: u32,
    received_ms: u32,
    has_received: bool,
}

fn info(body: &[u8]) -> Option<TcpInfo> {
    const TCP_INFO: u16 = 2;
    let mut attributes = body.get(SOCKET..)?;
    loop {
        let len = usize::from(u16_at(attributes, 0)?);
        let value = attributes.get(4..len)?;
        if u16_at(attributes, 2)? == TCP_INFO {
            return Some(TcpInfo {
                sent_ms: u32_at(value, 44)?,
                received_ms: u32_at(value, 52)?,
                // A kernel that does not tell is older than 4.1.
                has_received: value.get(128..136).is_some_and(|count| count != [0; 8]),
            });
        }
        attributes = attributes.get(len.next_multiple_of(4)..)?;
    }
}

/// For how long a request waits: something was sent, and nothing has come since. A connection that nginx keeps looks
/// like that, too, when the last answer came within one tick of the kernel's clock; but not for longer than it is kept.
fn waits(info: TcpInfo) -> Option<u64> {
    let gone_ms = u32::try_from(IDLE_IS_GONE.as_millis()).unwrap_or(u32::MAX);
    let may_be_idle = info.has_received && info.received_ms == info.sent_ms;
    let answered = info.received_ms < info.sent_ms || (may_be_idle && info.sent_ms < gone_ms);
    (!answered).then_some(info.sent_ms.into())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(four.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(two.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_request_waits_until_something_has_come_since_it_was_sent() {
        let wait = |sent_ms, received_ms, has_received| {
            waits(TcpInfo {
                sent_ms,
                received_ms,
                has_received,
            })
        };
        assert_eq!(wait(3_000, 9_000, true), Some(3_000));
        assert_eq!(wait(3_000, 2_996, true), None, "it was answered");
        assert_eq!(wait(40, 40, false), Some(40), "the first one");
        assert_eq!(wait(400, 400, true), None, "perhaps it is idle");
        assert_eq!(wait(3_000, 3_000, true), Some(3_000), "idle ones are gone");
    }

    #[test]
    fn the_kernel_tells_what_waits_and_what_is_kept() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(at) else {
                assert!(at.starts_with('['), "this machine has IPv6");
                continue;
            };
            let address = listener.local_addr().unwrap();
            let connect = || {
                let client = TcpStream::connect(address).unwrap();
                (client, listener.accept().unwrap().0)
            };
            let (mut kept, mut its_end) = connect();
            let (mut waiting, _its_end) = connect();
            kept.write_all(b"?").unwrap();
            waiting.write_all(b"?").unwrap();
            std::thread::sleep(Duration::from_millis(60));
            its_end.write_all(b"!").unwrap();
            assert_eq!(kept.read(&mut [0]).unwrap(), 1);
            let ages = unanswered(address).unwrap();
            assert_eq!(ages.len(), 1, "{ages:?}");
            assert!(ages[0] >= 40, "{ages:?}");
            let elsewhere = "127.0.0.2:9".parse().unwrap();
            assert_eq!(unanswered(elsewhere).unwrap(), Vec::<u64>::new());
        }
    }

    #[test]
    fn an_error_and_nonsense_are_no_answer() {
        let address = "127.0.0.1:80".parse().unwrap();
        let mut ages = Vec::new();
        let message = |len: u32, kind: u16| {
            let mut bytes = len.to_ne_bytes().to_vec();
            bytes.extend(kind.to_ne_bytes());
            bytes.resize(HEADER + 4, 0);
            bytes
        };
        assert!(matches!(
            take(&message(20, 3), address, &mut ages),
            Some(Dump::Done)
        ));
        for bad in [message(20, 2), message(0, 20), message(99, 20), vec![1]] {
            assert!(take(&bad, address, &mut ages).is_none());
        }
    }
}

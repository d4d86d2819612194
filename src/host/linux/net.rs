//! The network: who answers, and who talks to whom.

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::error::HostError;
use super::super::facts::{Arrivals, Probe, ProbeAnswer, RequestOutcome};
use super::super::{HostResult, Network};
use super::http_probe::exchange;
use super::tcp_table::{is_connection_to, is_listener};
use super::{LinuxHost, arrivals, line, tcp_info};
use crate::protocol::slot::PerSlot;

const ACCEPT_DEADLINE: Duration = Duration::from_secs(1);

impl Network for LinuxHost {
    type Line = line::KeepAliveConnection;

    async fn probe(&self, probe: &Probe) -> ProbeAnswer {
        match timeout(probe.timeout, Box::pin(exchange(probe))).await {
            Ok(Ok((status, _))) => ProbeAnswer::Status(status),
            Ok(Err(why)) => ProbeAnswer::Nothing(why),
            Err(_elapsed) => ProbeAnswer::Nothing("timed out".to_owned()),
        }
    }

    async fn text(&self, probe: &Probe) -> Option<String> {
        match timeout(probe.timeout, Box::pin(exchange(probe))).await {
            Ok(Ok((200, body))) => Some(String::from_utf8_lossy(&body).trim().to_owned()),
            Ok(Ok(_) | Err(_)) | Err(_) => None,
        }
    }

    async fn ask(&self, line: &mut line::KeepAliveConnection, probe: &Probe) -> RequestOutcome {
        line::ask(line, probe).await
    }

    async fn accepts(&self, address: SocketAddr) -> bool {
        matches!(
            timeout(ACCEPT_DEADLINE, TcpStream::connect(address)).await,
            Ok(Ok(_))
        )
    }

    /// Any process may read another one's tables: they belong to the network, not to the process.
    async fn listens(&self, pid: u32) -> bool {
        ["tcp", "tcp6"].into_iter().any(|table| {
            let table = std::fs::read_to_string(format!("/proc/{pid}/net/{table}"));
            table.is_ok_and(|table| table.lines().any(is_listener))
        })
    }

    async fn connections_to(&self, address: SocketAddr) -> HostResult<u32> {
        count_sockets(|line| is_connection_to(line, address))
    }

    async fn unanswered(&self, addresses: &PerSlot<SocketAddr>) -> HostResult<PerSlot<Vec<u64>>> {
        Ok(PerSlot {
            one: tcp_info::unanswered(addresses.one)?,
            two: tcp_info::unanswered(addresses.two)?,
        })
    }

    async fn arrivals(&self, address: SocketAddr, listeners: &[u16]) -> HostResult<Arrivals> {
        arrivals::of(address, listeners).await
    }
}

/// How many lines of the kernel's tables of TCP sockets are meant.
pub(super) fn count_sockets(is_meant: impl Fn(&str) -> bool) -> HostResult<u32> {
    let mut count: u32 = 0;
    each_socket(|line| count = count.saturating_add(is_meant(line).into()))?;
    Ok(count)
}

pub(super) fn each_socket(mut take: impl FnMut(&str)) -> HostResult<()> {
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let doing = || format!("read `{table}`");
        let file = match std::fs::File::open(table) {
            Ok(file) => file,
            // A kernel without IPv6.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(HostError::io(doing(), error)),
        };
        // A busy site leaves tens of thousands of lines, so one buffer is for all.
        let (mut table, mut line) = (BufReader::new(file), String::with_capacity(256));
        while table
            .read_line(&mut line)
            .map_err(|error| HostError::io(doing(), error))?
            > 0
        {
            take(&line);
            line.clear();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::host::nginx::{Preface, Scheme};

    /// Answers one connection with `answer`, then closes it; returns what was asked.
    async fn ask(answer: &'static [u8], hold: Duration) -> (ProbeAnswer, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).await.unwrap();
            tokio::time::sleep(hold).await;
            stream.write_all(answer).await.unwrap();
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        let answer = host().probe(&to(address)).await;
        (answer, server.await.unwrap())
    }

    fn host() -> LinuxHost {
        LinuxHost::new().unwrap()
    }

    fn to(address: SocketAddr) -> Probe {
        Probe {
            address,
            scheme: Scheme::Http,
            preface: Preface::None,
            host: "localhost".to_owned(),
            path: "/actuator/health?x=1".to_owned(),
            by_https: false,
            timeout: Duration::from_millis(500),
        }
    }

    fn nothing(why: &str) -> ProbeAnswer {
        ProbeAnswer::Nothing(why.to_owned())
    }

    #[tokio::test]
    async fn the_status_is_read_and_the_request_is_plain() {
        let answer = b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno";
        let (answer, asked) = ask(answer, Duration::ZERO).await;
        assert_eq!(answer, ProbeAnswer::Status(503));
        assert!(
            asked.starts_with("GET /actuator/health?x=1 HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(asked.contains("host: localhost\r\n"), "{asked}");
        assert!(asked.contains("connection: close\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer() {
        let answer =
            b"HTTP/1.1 302 Found\r\nlocation: http://example.com/\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(
            ask(answer, Duration::ZERO).await.0,
            ProbeAnswer::Status(302)
        );
    }

    #[tokio::test]
    async fn a_body_that_never_ends_does_not_hold_us() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\nhalf";
        assert_eq!(
            ask(answer, Duration::ZERO).await.0,
            ProbeAnswer::Status(200)
        );
    }

    #[tokio::test]
    async fn silence_and_garbage_are_told_in_a_few_words() {
        assert_eq!(
            ask(b"", Duration::ZERO).await.0,
            nothing("closed without an answer")
        );
        assert_eq!(
            ask(b"SSH-2.0-x\r\n\r\n", Duration::ZERO).await.0,
            nothing("not an HTTP answer")
        );
        assert_eq!(
            ask(b"", Duration::from_secs(1)).await.0,
            nothing("timed out")
        );
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(host().accepts(address).await);
        drop(listener);
        assert!(!host().accepts(address).await);
        assert_eq!(
            host().probe(&to(address)).await,
            nothing("connection refused")
        );
    }

    #[tokio::test]
    async fn real_connections_are_counted_from_one_side() {
        let host = host();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(host.connections_to(address).await.unwrap(), 0);
        let client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        assert_eq!(host.connections_to(address).await.unwrap(), 1);
        drop(server);
        drop(client);
        // A program that another test is just starting holds our sockets until it has started.
        let closed = async {
            while host.connections_to(address).await.unwrap() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(10), closed).await.unwrap();
    }
}

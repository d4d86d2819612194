//! The load client against servers that misbehave in one known way each.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nX-Version: v1\r\nContent-Length: 2\r\n\r\nok";

/// A server that gives each connection, with its number, to `serve`.
async fn server<F>(serve: fn(TcpStream, usize) -> F) -> SocketAddr
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind(crate::LOOPBACK).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, number));
        }
    });
    addr
}

/// Reads a request's head (and, on loopback, the small body that is written with it).
async fn request(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).await?;
    ensure!(length > 0, "the client left");
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

async fn answer_all(mut stream: TcpStream, _: usize) -> anyhow::Result<()> {
    loop {
        request(&mut stream).await?;
        stream.write_all(OK).await?;
    }
}

fn accounted(report: &LoadReport) -> u64 {
    let non_200: u64 = report.non_200.values().sum();
    report.ok + non_200 + report.lost + report.broken + report.timeouts
}

#[tokio::test]
async fn a_good_server_gets_a_clean_report() {
    let load = Load::new(server(answer_all).await)
        .connections(5)
        .post_share(50)
        .think(Duration::ZERO..=Duration::from_millis(2))
        .start()
        .unwrap();
    while load.answered() < 50 {
        sleep(Duration::from_millis(2)).await;
    }
    let report = load.stop().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        (report.ended_by, report.reconnects),
        (EndedBy::Stop, 0),
        "{report}"
    );
    let v1 = &report.by_version["v1"];
    assert_eq!(v1.count, report.ok);
    assert!(
        v1.p50 > Duration::ZERO && v1.p50 <= v1.p99 && v1.p99 <= v1.max,
        "{report}"
    );
    assert!(
        v1.first_seen <= v1.last_seen && v1.last_seen <= report.duration,
        "{report}"
    );
    assert!(report.to_string().contains("0 of "), "{report}");
}

#[tokio::test]
async fn a_request_that_is_read_and_never_answered_is_lost() {
    /// Every connection answers once, then reads a request and closes.
    async fn serve(mut stream: TcpStream, _: usize) -> anyhow::Result<()> {
        request(&mut stream).await?;
        stream.write_all(OK).await?;
        request(&mut stream).await?;
        Ok(())
    }
    let load = Load::new(server(serve).await)
        .post_share(100)
        .max_requests(10)
        .start()
        .unwrap();
    while load.answered() < 5 {
        sleep(Duration::from_millis(2)).await;
    }
    sleep(Duration::from_millis(50)).await;
    let report = load.stop().await;
    assert_eq!((report.sent, report.ok), (10, 5), "{report}");
    assert_eq!((report.lost, report.lost_post), (5, 5), "{report}");
    assert_eq!((report.reconnects, report.broken), (4, 0), "{report}");
    assert_eq!(report.ended_by, EndedBy::RequestLimit, "{report}");
    assert!(!report.is_clean());
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closes_loses_nothing() {
    /// Answers once and closes at once, without saying so.
    async fn serve(mut stream: TcpStream, _: usize) -> anyhow::Result<()> {
        request(&mut stream).await?;
        stream.write_all(OK).await?;
        Ok(())
    }
    let pause = Duration::from_millis(20);
    let load = Load::new(server(serve).await)
        .think(pause..=pause)
        .start()
        .unwrap();
    sleep(Duration::from_millis(200)).await;
    let report = load.stop().await;
    assert!(report.is_clean() && report.reconnects > 0, "{report}");
    assert_eq!(report.reconnects + 1, report.ok, "{report}");
}

#[tokio::test]
async fn what_else_goes_wrong_is_told_apart() {
    /// One misbehaviour per connection, then good answers.
    async fn serve(mut stream: TcpStream, number: usize) -> anyhow::Result<()> {
        request(&mut stream).await?;
        match number {
            0 => return Ok(stream.write_all(&OK[..20]).await?),
            1 => sleep(Duration::from_millis(600)).await,
            2 => {
                let gone =
                    b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(gone).await?;
                // A client that ignored `Connection: close` would send here, and lose a request.
                drop(stream.read(&mut [0; 16]).await);
            }
            _ => {
                stream.write_all(OK).await?;
                answer_all(stream, number).await?;
            }
        }
        Ok(())
    }
    let load = Load::new(server(serve).await)
        .think(Duration::from_millis(1)..=Duration::from_millis(1))
        .request_timeout(Duration::from_millis(300))
        .start()
        .unwrap();
    while load.answered() < 3 {
        sleep(Duration::from_millis(5)).await;
    }
    let report = load.stop().await;
    assert_eq!(
        (report.broken, report.timeouts, report.lost),
        (1, 1, 0),
        "{report}"
    );
    assert_eq!(report.non_200, [(502, 1)].into(), "{report}");
    assert_eq!(report.sent, accounted(&report), "{report}");
    assert!(report.longest_gap >= Duration::from_millis(290), "{report}");
}

#[tokio::test]
async fn a_refused_connection_is_no_request() {
    let addr = TcpListener::bind(crate::LOOPBACK)
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let limit = Duration::from_millis(60);
    let load = Load::new(addr).max_duration(limit).start().unwrap();
    sleep(Duration::from_millis(150)).await;
    let report = load.stop().await;
    assert!(report.connect_errors > 0, "{report}");
    assert_eq!(
        (report.sent, report.lost, report.unsent),
        (0, 0, 0),
        "{report}"
    );
    assert_eq!(report.ended_by, EndedBy::TimeLimit);
    assert!(report.longest_gap >= limit, "{report}");
}

#[test]
fn only_this_machine_and_only_within_bounds() {
    let local: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let refused = [
        Load::new("10.0.0.1:80".parse().unwrap()),
        Load::new("0.0.0.0:80".parse().unwrap()),
        Load::new("[2001:db8::1]:80".parse().unwrap()),
        Load::new(local).connections(0),
        Load::new(local).connections(MAX_CONNECTIONS + 1),
        Load::new(local).max_duration(MAX_DURATION + Duration::from_secs(1)),
        Load::new(local).max_requests(MAX_REQUESTS + 1),
        Load::new(local).post_share(101),
    ];
    for load in refused {
        assert!(load.clone().start().is_err(), "{load:?}");
    }
}

//! A connection of our own that is kept alive, as a well-behaved client does it: one that the server closed while
//! it was idle is opened anew, and only a request that was written counts as lost.

use std::fmt;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::facts::{Probe, RequestOutcome};
use super::http_probe;

/// The connection, once it is open.
#[derive(Default)]
pub struct KeepAliveConnection {
    open: Option<OpenConnection>,
}

struct OpenConnection {
    sender: SendRequest<Empty<Bytes>>,
    pump: JoinHandle<()>,
}

impl fmt::Debug for KeepAliveConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepAliveConnection")
            .finish_non_exhaustive()
    }
}

/// How one try ended.
enum Tried {
    Asked(RequestOutcome),
    /// The connection was closed before the request was written.
    Unsent,
}

pub(super) async fn ask(line: &mut KeepAliveConnection, probe: &Probe) -> RequestOutcome {
    for _ in 0..2 {
        let tried = timeout(probe.timeout, Box::pin(once(line, probe))).await;
        match tried {
            Ok(Tried::Asked(asked @ RequestOutcome::Status(_))) => return asked,
            Ok(Tried::Asked(asked)) => {
                close(line);
                return asked;
            }
            Ok(Tried::Unsent) => close(line),
            Err(_elapsed) => {
                close(line);
                return RequestOutcome::Lost;
            }
        }
    }
    RequestOutcome::Refused("the server closes every connection".to_owned())
}

async fn once(line: &mut KeepAliveConnection, probe: &Probe) -> Tried {
    let refused = |why: String| Tried::Asked(RequestOutcome::Refused(why));
    let request = match http_probe::request(probe, "keep-alive") {
        Ok(request) => request,
        Err(why) => return refused(why),
    };
    if line.open.is_none() {
        match open(probe).await {
            Ok(open) => line.open = Some(open),
            Err(why) => return refused(why),
        }
    }
    let Some(open) = &mut line.open else {
        return Tried::Unsent;
    };
    if open.sender.ready().await.is_err() {
        return Tried::Unsent;
    }
    let answer = match open.sender.send_request(request).await {
        Ok(answer) => answer,
        Err(error) if error.is_canceled() => return Tried::Unsent,
        Err(_lost) => return Tried::Asked(RequestOutcome::Lost),
    };
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return Tried::Asked(RequestOutcome::Lost);
        }
    }
    Tried::Asked(RequestOutcome::Status(status))
}

async fn open(probe: &Probe) -> Result<OpenConnection, String> {
    let (sender, connection) = http_probe::open(probe).await?;
    // It ends with the connection; its error reaches the request, and there it is told.
    let pump = tokio::spawn(async move { drop(connection.await) });
    Ok(OpenConnection { sender, pump })
}

fn close(line: &mut KeepAliveConnection) {
    if let Some(open) = line.open.take() {
        open.pump.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::host::nginx::{Preface, Scheme};

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

    /// What a server does with one request.
    #[derive(Clone, Copy)]
    enum Does {
        Answer,
        AnswerAndClose,
        ReadAndClose,
    }

    /// Serves connections one after the other; each item is one request.
    async fn ask_each(does: &'static [Does]) -> Vec<RequestOutcome> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for does in does {
                let mut asked = [0; 2048];
                if stream.read(&mut asked).await.unwrap() == 0 {
                    (stream, _) = listener.accept().await.unwrap();
                    assert!(stream.read(&mut asked).await.unwrap() > 0);
                }
                match does {
                    Does::Answer => stream.write_all(OK).await.unwrap(),
                    Does::AnswerAndClose => {
                        stream.write_all(OK).await.unwrap();
                        stream.shutdown().await.unwrap();
                        (stream, _) = listener.accept().await.unwrap();
                    }
                    Does::ReadAndClose => {
                        stream.shutdown().await.unwrap();
                        (stream, _) = listener.accept().await.unwrap();
                    }
                }
            }
        });
        let probe = Probe {
            address,
            scheme: Scheme::Http,
            preface: Preface::None,
            host: "localhost".to_owned(),
            path: "/".to_owned(),
            by_https: false,
            timeout: Duration::from_millis(500),
        };
        let mut line = KeepAliveConnection::default();
        let mut all = Vec::new();
        for _ in does {
            all.push(ask(&mut line, &probe).await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        server.abort();
        all
    }

    #[tokio::test]
    async fn a_connection_closed_while_idle_costs_nothing() {
        let asked = ask_each(&[Does::Answer, Does::AnswerAndClose, Does::Answer]).await;
        assert_eq!(
            asked,
            [
                RequestOutcome::Status(200),
                RequestOutcome::Status(200),
                RequestOutcome::Status(200)
            ]
        );
    }

    #[tokio::test]
    async fn a_request_that_was_read_and_not_answered_is_lost() {
        let asked = ask_each(&[Does::Answer, Does::ReadAndClose, Does::Answer]).await;
        assert_eq!(
            asked,
            [
                RequestOutcome::Status(200),
                RequestOutcome::Lost,
                RequestOutcome::Status(200)
            ]
        );
    }

    #[tokio::test]
    async fn nobody_there_is_a_refusal() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let probe = Probe {
            address: listener.local_addr().unwrap(),
            scheme: Scheme::Http,
            preface: Preface::None,
            host: "localhost".to_owned(),
            path: "/".to_owned(),
            by_https: false,
            timeout: Duration::from_millis(500),
        };
        drop(listener);
        let asked = ask(&mut KeepAliveConnection::default(), &probe).await;
        assert_eq!(
            asked,
            RequestOutcome::Refused("connection refused".to_owned())
        );
    }
}

//! A request of our own: asking an app or nginx how it is.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::super::facts::Probe;
use super::super::nginx::flag::USER_AGENT;
use super::stream::{self, Both, io_words};

/// What we read of an answer's body, so that the app does not see a broken connection.
const MOST_BODY: usize = 64 * 1024;
/// What we keep of it.
const KEPT_BODY: usize = 256;
const BODY_DEADLINE: Duration = Duration::from_millis(250);

/// A plain GET; what `connection` says of its end is told to the server.
pub(super) fn request(probe: &Probe, connection: &str) -> Result<Request<Empty<Bytes>>, String> {
    let mut get = Request::get(probe.path.as_str());
    if probe.by_https {
        get = get.header("X-Forwarded-Proto", "https");
    }
    get.header(header::HOST, &probe.host)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, connection)
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("the request is not valid: {error}"))
}

type Sender = SendRequest<Empty<Bytes>>;
type Pump = Connection<TokioIo<Box<dyn Both>>, Empty<Bytes>>;

/// A connection to send requests on, and what moves its bytes.
pub(super) async fn open(probe: &Probe) -> Result<(Sender, Pump), String> {
    let stream = stream::connect(probe).await?;
    let builder = Builder::new()
        .max_buf_size(16 * 1024)
        .handshake(TokioIo::new(stream));
    builder.await.map_err(|error| words(&error))
}

/// One request on a connection of its own: the status, and the beginning of the body.
pub(super) async fn exchange(probe: &Probe) -> Result<(u16, Vec<u8>), String> {
    let request = request(probe, "close")?;
    let (mut sender, connection) = open(probe).await?;
    let ask = async {
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| words(&error))?;
        let status = answer.status().as_u16();
        // Whether the body ends well does not matter.
        let mut start = Vec::new();
        drop(timeout(BODY_DEADLINE, drain(answer.into_body(), &mut start)).await);
        Ok((status, start))
    };
    let mut ask = std::pin::pin!(ask);
    tokio::select! {
        biased;
        answer = &mut ask => answer,
        // Its error reaches the request as well, and there it is told in full.
        _ended = connection => ask.await,
    }
}

async fn drain(mut body: Incoming, start: &mut Vec<u8>) {
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        let data = frame.data_ref().map(Bytes::as_ref).unwrap_or_default();
        seen += data.len();
        start.extend(data.iter().take(KEPT_BODY.saturating_sub(start.len())));
        if seen > MOST_BODY {
            break;
        }
    }
}

fn words(error: &hyper::Error) -> String {
    if let Some(error) =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>())
    {
        return io_words(error);
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "closed without an answer".to_owned()
    } else if error.is_parse() {
        "not an HTTP answer".to_owned()
    } else {
        error.to_string()
    }
}

//! A small HTTP/1.1 server for the stand-ins: whole requests in, whole answers out, and the one
//! thing that frameworks do not offer: closing the connection without an answer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::background::{self, OwnedTask};

/// An unused port on 127.0.0.1: where stand-ins listen unless told otherwise.
pub const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The longest that a hanging answer keeps its connection.
pub(crate) const HANG: Duration = Duration::from_mins(10);

/// A request, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) at: SystemTime,
    pub(crate) method: String,
    /// As sent, percent-encoding included.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Close the connection without a byte of an answer.
    Gone,
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    _accept: OwnedTask,
}

impl Server {
    /// Listens on `bind` and gives every request to `handle`.
    pub(crate) fn start<H, F>(bind: SocketAddr, handle: H) -> anyhow::Result<Self>
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = background::run(TcpListener::bind(bind))
            .with_context(|| format!("listen on `{bind}`"))?;
        let addr = listener.local_addr()?;
        let accept = background::spawn(accept(listener, Arc::new(handle)));
        Ok(Self {
            addr,
            _accept: OwnedTask(accept),
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Serves every connection; they end with this task, because the set owns them.
async fn accept<H, F>(listener: TcpListener, handle: Arc<H>)
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(serve(stream, Arc::clone(&handle)))),
            // Out of descriptors, most likely: wait for some to come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve<H, F>(stream: TcpStream, handle: Arc<H>)
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let service = service_fn(move |request| {
        let handle = Arc::clone(&handle);
        async move {
            let request = read(request).await.map_err(|_broken| Closed)?;
            match handle(request).await {
                Answer::Reply {
                    status,
                    headers,
                    body,
                } => {
                    let mut response = hyper::Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    response
                        .body(Full::new(Bytes::from(body)))
                        .map_err(|_invalid| Closed)
                }
                Answer::Gone => Err(Closed),
            }
        }
    });
    // An error here is a client that left, or `Closed`: both are what the test asked for.
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, hyper::Error> {
    let at = SystemTime::now();
    let (head, body) = request.into_parts();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    Ok(Request {
        at,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: query(head.uri.query().unwrap_or_default()),
        headers,
        body: body.collect().await?.to_bytes(),
    })
}

fn query(raw: &str) -> BTreeMap<String, String> {
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                decode(&key.replace('+', " ")),
                decode(&value.replace('+', " ")),
            )
        })
        .collect()
}

/// Undoes percent-encoding.
pub(crate) fn decode(raw: &str) -> String {
    percent_decode_str(raw).decode_utf8_lossy().into_owned()
}

/// Makes hyper close the connection: the only error a service can return.
#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

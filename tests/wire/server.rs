//! An HTTP/1.1 server that records every request and answers as the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `POST /path?query`.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }
}

/// What to answer: status, headers, body.
#[derive(Debug, Clone)]
pub(crate) struct Reply(pub(crate) u16, pub(crate) &'static str, pub(crate) String);

pub(crate) fn json(status: u16, body: &Value) -> Reply {
    Reply(status, "", body.to_string())
}

pub(crate) fn text(status: u16, body: &str) -> Reply {
    Reply(status, "", body.to_owned())
}

type Answers = dyn Fn(&Seen) -> Reply + Send + Sync;

/// The server. It ends with the test's runtime.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) async fn start(answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), answers).await
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&server.seen);
        let answers: Arc<Answers> = Arc::new(answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&answers)));
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    pub(crate) fn body(&self, line: &str) -> Value {
        let found = self.seen().into_iter().find(|seen| seen.line == line);
        found
            .unwrap_or_else(|| panic!("no {line} in {:?}", self.lines()))
            .body
    }
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, answers: Arc<Answers>) {
    let mut stream = BufReader::new(stream);
    loop {
        let Some(request) = read(&mut stream).await else {
            return;
        };
        let Reply(status, headers, body) = answers(&request);
        seen.lock().unwrap().push(request);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        let answer = format!("{head}{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(key, _)| key == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen {
        line: lines.first()?.trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

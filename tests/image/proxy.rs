//! Registries that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Answers 503 to the first manifests and passes everything else on to a real registry.
pub(crate) struct Busy {
    address: String,
    refused: Arc<AtomicUsize>,
}

impl Busy {
    pub(crate) async fn start(registry: &str, times: usize) -> Self {
        let (listener, address) = listen().await;
        let refused = Arc::new(AtomicUsize::new(0));
        let (registry, count) = (registry.to_owned(), Arc::clone(&refused));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut client = BufReader::new(client);
                let (registry, count) = (registry.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    let mut head = head(&mut client).await;
                    let Some(first) = head.first() else {
                        return;
                    };
                    let is_manifest = first.starts_with("PUT ") && first.contains("/manifests/");
                    if is_manifest && count.load(Ordering::SeqCst) < times {
                        count.fetch_add(1, Ordering::SeqCst);
                        answer(client.get_mut(), "503 Service Unavailable", "").await;
                        return;
                    }
                    // One request a connection, so that each one comes by here.
                    head.insert(1, "Connection: close".to_owned());
                    let mut server = TcpStream::connect(registry).await.unwrap();
                    let head = format!("{}\r\n\r\n", head.join("\r\n"));
                    server.write_all(head.as_bytes()).await.unwrap();
                    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
                });
            }
        });
        Self { address, refused }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

/// Refuses every login and remembers the password.
pub(crate) struct Seen {
    address: String,
    password: Arc<Mutex<Option<String>>>,
}

impl Seen {
    pub(crate) async fn start() -> Self {
        let (listener, address) = listen().await;
        let password = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&password);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut client = BufReader::new(client);
                let head = head(&mut client).await;
                let basic = head
                    .iter()
                    .find_map(|line| line.strip_prefix("Authorization: Basic "));
                if let Some(basic) = basic {
                    let pair = base64::engine::general_purpose::STANDARD
                        .decode(basic)
                        .unwrap();
                    let pair = String::from_utf8(pair).unwrap();
                    let (_user, password) = pair.split_once(':').unwrap();
                    *seen.lock().unwrap() = Some(password.to_owned());
                }
                let challenge = "WWW-Authenticate: Basic realm=\"test\"\r\n";
                answer(client.get_mut(), "401 Unauthorized", challenge).await;
            }
        });
        Self { address, password }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn password(&self) -> Option<String> {
        self.password.lock().unwrap().clone()
    }
}

/// Daemons speak plain HTTP to loopback addresses.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("localhost:{port}"))
}

/// The lines before the body.
async fn head(client: &mut BufReader<TcpStream>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while let Ok(1..) = client.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        // A TLS greeting is not a request.
        if text.is_empty() || text.starts_with('\u{16}') {
            break;
        }
        lines.push(text);
        line.clear();
    }
    lines
}

async fn answer(client: &mut TcpStream, status: &str, headers: &str) {
    let text =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
    drop(client.write_all(text.as_bytes()).await);
}

//! One HTTP/1.1 answer, read byte by byte, so that "nothing came" and "half came" are told apart.

use std::io::ErrorKind;
use std::mem::MaybeUninit;

use httparse::Status;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;

/// Larger answers than this are not what a load is for.
const MAX_ANSWER: usize = 16 << 20;

/// What came back for a request that was fully written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    Answer {
        status: u16,
        version: Option<String>,
        connection: Connection,
    },
    /// The connection ended before the first byte.
    Nothing,
    /// The connection ended within the answer, or the answer is not HTTP.
    Broken,
}

/// Whether the connection can carry another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Keep,
    Close,
}

/// Whether the server has left an idle connection alone, asked of the kernel itself: the reactor's
/// view may be older than a FIN that is already here.
pub(super) fn still_open(stream: &TcpStream) -> bool {
    match SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]) {
        // The end, or bytes nobody asked for: either way not fit for a request.
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// Reads one answer; `buffer` is scratch space.
pub(super) async fn receive<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Received
where
    S: AsyncRead + Unpin,
{
    buffer.clear();
    let mut begun = false;
    loop {
        let seen = match parse(buffer) {
            Progress::Done { answer, length } => {
                if length < buffer.len() {
                    return answer.closing();
                }
                return answer;
            }
            Progress::Interim { length } => {
                buffer.drain(..length);
                continue;
            }
            Progress::Malformed => return Received::Broken,
            more @ (Progress::Partial | Progress::UntilEnd { .. }) => more,
        };
        match stream.read_buf(buffer).await {
            Ok(0) | Err(_) if !begun => return Received::Nothing,
            Ok(0) => return seen.at_end(),
            Err(_) => return Received::Broken,
            Ok(_) if buffer.len() > MAX_ANSWER => return Received::Broken,
            Ok(_) => begun = true,
        }
    }
}

impl Received {
    /// The same answer, on a connection that cannot be trusted with another request.
    fn closing(self) -> Self {
        match self {
            Self::Answer {
                status,
                version,
                connection: _,
            } => Self::Answer {
                status,
                version,
                connection: Connection::Close,
            },
            other @ (Self::Nothing | Self::Broken) => other,
        }
    }
}

/// How far the bytes so far get.
enum Progress {
    Partial,
    /// The body is whatever comes until the connection ends.
    UntilEnd {
        answer: Received,
    },
    /// A 1xx head, to be skipped.
    Interim {
        length: usize,
    },
    Done {
        answer: Received,
        length: usize,
    },
    Malformed,
}

impl Progress {
    /// What an orderly end of the connection makes of it.
    fn at_end(self) -> Received {
        match self {
            Self::UntilEnd { answer } => answer,
            Self::Partial | Self::Interim { .. } | Self::Done { .. } | Self::Malformed => {
                Received::Broken
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Progress {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let start = match head.parse(bytes) {
        Ok(Status::Complete(start)) => start,
        Ok(Status::Partial) => return Progress::Partial,
        Err(_) => return Progress::Malformed,
    };
    let Some(status) = head.code else {
        return Progress::Malformed;
    };
    let field = |name: &str| {
        head.headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let has = |name: &str, token: &str| {
        field(name).is_some_and(|value| {
            value
                .split(',')
                .any(|part| part.trim().eq_ignore_ascii_case(token))
        })
    };
    let keeps = if head.version == Some(1) {
        !has("connection", "close")
    } else {
        has("connection", "keep-alive")
    };
    let version = field("x-version").map(str::to_owned);
    let connection = if keeps {
        Connection::Keep
    } else {
        Connection::Close
    };
    let answer = Received::Answer {
        status,
        version,
        connection,
    };
    let body = bytes.get(start..).unwrap_or_default();

    match status {
        101 => Progress::Malformed,
        100..200 => Progress::Interim { length: start },
        204 | 304 => Progress::Done {
            answer,
            length: start,
        },
        _ if has("transfer-encoding", "chunked") => match chunked(body) {
            Ok(Some(length)) => Progress::Done {
                answer,
                length: start + length,
            },
            Ok(None) => Progress::Partial,
            Err(Malformed) => Progress::Malformed,
        },
        _ => match field("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) if length > MAX_ANSWER => Progress::Malformed,
            Some(Ok(length)) if body.len() >= length => Progress::Done {
                answer,
                length: start + length,
            },
            Some(Ok(_)) => Progress::Partial,
            Some(Err(_)) => Progress::Malformed,
            None => Progress::UntilEnd {
                answer: answer.closing(),
            },
        },
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Malformed;

/// The length of a whole chunked body, trailers included; `None` while more must come.
fn chunked(body: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut at = 0;
    loop {
        let rest = body.get(at..).unwrap_or_default();
        let (line, size) = match httparse::parse_chunk_size(rest) {
            Ok(Status::Complete((line, size))) => (line, usize::try_from(size)),
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err(Malformed),
        };
        let size = size
            .ok()
            .filter(|size| *size <= MAX_ANSWER)
            .ok_or(Malformed)?;
        at += line;
        if size == 0 {
            return Ok(trailers(body.get(at..).unwrap_or_default()).map(|length| at + length));
        }
        match body.get(at + size..at + size + 2) {
            Some(b"\r\n") => at += size + 2,
            Some(_) => return Err(Malformed),
            None => return Ok(None),
        }
    }
}

/// The length of the lines after the last chunk, up to and with the empty one.
fn trailers(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"\r\n") {
        return Some(2);
    }
    rest.windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(bytes: &[u8]) -> Received {
        receive(&mut &*bytes, &mut Vec::new()).await
    }

    fn ok(version: Option<&str>, connection: Connection) -> Received {
        Received::Answer {
            status: 200,
            version: version.map(str::to_owned),
            connection,
        }
    }

    #[tokio::test]
    async fn every_framing_of_a_whole_answer_is_read() {
        let cases: [(&[u8], Received); 7] = [
            (b"HTTP/1.1 200 OK\r\nX-Version: v1\r\nContent-Length: 2\r\n\r\nok", ok(Some("v1"), Connection::Keep)),
            (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", ok(None, Connection::Close)),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", ok(None, Connection::Close)),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ok(None, Connection::Keep)),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\na\r\n0123456789\r\n0\r\n\r\n", ok(None, Connection::Keep)),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n", ok(None, Connection::Keep)),
            (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", ok(None, Connection::Close)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(
                answer(bytes).await,
                expected,
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[tokio::test]
    async fn nothing_and_half_are_told_apart() {
        assert_eq!(answer(b"").await, Received::Nothing);
        for bytes in [
            &b"H"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"SSH-2.0-OpenSSH\r\n\r\n",
        ] {
            assert_eq!(
                answer(bytes).await,
                Received::Broken,
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}

//! Answers on the wire. Every one names the release and the container it came from.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::config::Config;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Text(u16, String),
    Json(u16, String),
    /// `bytes` of filler spread over `length`, chunked where the peer understands it.
    Stream {
        bytes: u64,
        length: Duration,
    },
    /// Not a byte: the connection just ends.
    Nothing,
}

/// How the connection goes on after this answer, and what the peer can read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framing {
    pub(crate) keep_alive: bool,
    pub(crate) modern: bool,
    pub(crate) head_only: bool,
}

impl Framing {
    /// For an answer to something that was not a request.
    pub(crate) const LAST: Self = Self {
        keep_alive: false,
        modern: false,
        head_only: false,
    };
}

impl Response {
    /// Writes the answer; what follows it on the connection is as `framing` says.
    pub(crate) fn write(
        &self,
        to: &mut impl Write,
        config: &Config,
        framing: Framing,
    ) -> io::Result<()> {
        match self {
            Self::Text(status, body) => whole(to, config, framing, *status, "text/plain", body),
            Self::Json(status, body) => {
                whole(to, config, framing, *status, "application/json", body)
            }
            Self::Stream { bytes, length } => stream(to, config, framing, *bytes, *length),
            Self::Nothing => Ok(()),
        }
    }
}

fn head(config: &Config, framing: Framing, status: u16, media: &str, length: &str) -> String {
    let reason = match status {
        200 => "OK",
        301 => "Moved Permanently",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let connection = if framing.keep_alive {
        "keep-alive"
    } else {
        "close"
    };
    let Config { version, host, .. } = config;
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {media}\r\n{length}Connection: {connection}\r\n\
         X-Version: {version}\r\nX-Slot-Host: {host}\r\n\r\n"
    )
}

/// One write for one answer, so that no peer sees half of it for long.
fn whole(
    to: &mut impl Write,
    config: &Config,
    framing: Framing,
    status: u16,
    media: &str,
    body: &str,
) -> io::Result<()> {
    let length = format!("Content-Length: {}\r\n", body.len());
    let mut answer = head(config, framing, status, media, &length);
    if !framing.head_only {
        answer.push_str(body);
    }
    to.write_all(answer.as_bytes())
}

/// Pieces are due at even times from the start, so a slow peer does not add up delays.
fn stream(
    to: &mut impl Write,
    config: &Config,
    framing: Framing,
    bytes: u64,
    length: Duration,
) -> io::Result<()> {
    const PIECE: [u8; 16 * 1024] = [b'~'; 16 * 1024];
    let coding = if framing.modern {
        "Transfer-Encoding: chunked\r\n"
    } else {
        ""
    };
    to.write_all(head(config, framing, 200, "application/octet-stream", coding).as_bytes())?;
    if framing.head_only {
        return Ok(());
    }
    let start = Instant::now();
    let ticks = u64::try_from(length.as_millis() / 50).unwrap_or(u64::MAX);
    let pieces = ticks.max(bytes.div_ceil(PIECE.len() as u64)).min(bytes);
    let mut sent = 0;
    for piece in 1..=pieces {
        let share = |of: u128| of * u128::from(piece) / u128::from(pieces);
        let due = Duration::from_millis(u64::try_from(share(length.as_millis())).unwrap_or(0));
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        let upto = u64::try_from(share(u128::from(bytes))).unwrap_or(bytes);
        let filler = usize::try_from(upto - sent)
            .ok()
            .and_then(|size| PIECE.get(..size));
        let filler = filler.unwrap_or(&PIECE);
        if framing.modern {
            write!(to, "{:x}\r\n", filler.len())?;
            to.write_all(filler)?;
            to.write_all(b"\r\n")?;
        } else {
            to.write_all(filler)?;
        }
        sent = upto;
    }
    if framing.modern {
        to.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Framing = Framing {
        keep_alive: true,
        modern: true,
        head_only: false,
    };

    fn written(
        response: &Response,
        framing: Framing,
    ) -> Result<String, Box<dyn std::error::Error>> {
        let config = Config::with(&[("HELLO_VERSION", "v7")])?;
        let mut wire = Vec::new();
        response.write(&mut wire, &config, framing)?;
        Ok(String::from_utf8(wire)?)
    }

    #[test]
    fn an_answer_names_its_release() -> Result<(), Box<dyn std::error::Error>> {
        let wire = written(&Response::Text(200, "hi".to_owned()), PLAIN)?;
        assert!(wire.starts_with("HTTP/1.1 200 OK\r\n") && wire.ends_with("\r\n\r\nhi"));
        for line in [
            "X-Version: v7",
            "X-Slot-Host: slot",
            "Content-Length: 2",
            "Connection: keep-alive",
        ] {
            assert!(
                wire.lines().any(|found| found == line),
                "{line} is not in {wire}"
            );
        }
        Ok(())
    }

    #[test]
    fn a_head_has_the_length_but_not_the_body() -> Result<(), Box<dyn std::error::Error>> {
        let wire = written(
            &Response::Text(200, "hi".to_owned()),
            Framing {
                head_only: true,
                ..PLAIN
            },
        )?;
        assert!(wire.contains("Content-Length: 2\r\n") && wire.ends_with("\r\n\r\n"));
        Ok(())
    }

    #[test]
    fn a_stream_sends_every_byte_once() -> Result<(), Box<dyn std::error::Error>> {
        for bytes in [0, 1, 7, 40_000] {
            let response = Response::Stream {
                bytes,
                length: Duration::from_millis(120),
            };
            let old = written(&response, Framing::LAST)?;
            assert_eq!(old.matches('~').count() as u64, bytes);
            let new = written(&response, PLAIN)?;
            assert_eq!(new.matches('~').count() as u64, bytes);
            assert!(new.ends_with("0\r\n\r\n"));
        }
        Ok(())
    }
}

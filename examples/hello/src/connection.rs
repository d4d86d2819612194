//! One connection, from its first request to its close.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::request::{Method, Request, read_head};
use crate::response::{Framing, Response};
use crate::routes::{self, App};
use crate::stop::Stop;
use crate::websocket;

/// How often an idle connection looks whether it should go.
const TICK: Duration = Duration::from_millis(100);
/// How long a peer may pause in the middle of a request or of an answer.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Answers requests until the peer closes, breaks the protocol, or a stop finds nothing to answer.
pub(crate) fn serve(stream: &TcpStream, app: &App, stop: &Stop) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(STALL_LIMIT))?;
    let mut reader = BufReader::with_capacity(4096, stream);
    let mut writer = stream;
    // Whoever has just connected is about to ask.
    let mut idle_limit = STALL_LIMIT;
    while more_comes(&mut reader, stop, idle_limit)? {
        idle_limit = app.config.idle;
        let Some(head) = read_head(&mut reader)? else {
            break;
        };
        let request = match Request::parse(&head) {
            Ok(request) => request,
            Err(why) => {
                return routes::refuse(&why).write(&mut writer, &app.config, Framing::LAST);
            }
        };
        if let ("/ws", Some(key)) = (request.path.as_str(), &request.websocket_key) {
            websocket::accept(&mut writer, &app.config, key)?;
            return echo_messages(reader, stop);
        }
        if request.expects_continue {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = (&mut reader).take(request.content_length);
        if io::copy(&mut body, &mut io::sink())? < request.content_length {
            break;
        }
        let answer = app.answer(&request, request.content_length);
        if answer == Response::Nothing {
            break;
        }
        let framing = Framing {
            // A stream to an old peer ends with the connection.
            keep_alive: request.keep_alive && request.modern && !stop.wanted(),
            modern: request.modern,
            head_only: request.method == Method::Head,
        };
        answer.write(&mut writer, &app.config, framing)?;
        if !framing.keep_alive {
            break;
        }
    }
    Ok(())
}

fn echo_messages(mut reader: BufReader<&TcpStream>, stop: &Stop) -> io::Result<()> {
    let mut writer = *reader.get_ref();
    while more_comes(&mut reader, stop, Duration::MAX)? {
        if !websocket::echo(&mut reader, &mut writer)? {
            return Ok(());
        }
    }
    websocket::close(&mut writer)
}

/// Waits for the peer's next byte; false when it closed, was idle for too long, or a stop came.
fn more_comes(
    reader: &mut BufReader<&TcpStream>,
    stop: &Stop,
    idle_limit: Duration,
) -> io::Result<bool> {
    if !reader.buffer().is_empty() {
        return Ok(true);
    }
    let since = Instant::now();
    loop {
        let left = idle_limit.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        reader.get_ref().set_read_timeout(Some(left.min(TICK)))?;
        match reader.fill_buf() {
            Ok([]) => return Ok(false),
            Ok(_) => break,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if stop.wanted() {
                    return Ok(false);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    reader.get_ref().set_read_timeout(Some(STALL_LIMIT))?;
    Ok(true)
}

//! A request's head: read off the wire, then parsed. Bodies are left to the caller.

use std::io::{self, BufRead};

/// Longer heads are refused.
pub(crate) const HEAD_LIMIT: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Other,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    query: String,
    /// The header lines as they came.
    pub(crate) headers: String,
    /// HTTP/1.1, so chunked answers and a connection that stays are understood.
    pub(crate) modern: bool,
    pub(crate) content_length: u64,
    pub(crate) expects_continue: bool,
    pub(crate) keep_alive: bool,
    pub(crate) websocket_key: Option<String>,
}

/// Why a head was refused, as a status line's code and reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Malformed,
    LengthRequired,
    TooLarge,
}

/// Reads up to and with the blank line; `None` when the peer closed before the first byte.
pub(crate) fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(512);
    while head.len() <= HEAD_LIMIT {
        let line_start = head.len();
        let mut limited = io::Read::take(&mut *reader, (HEAD_LIMIT + 1) as u64);
        if limited.read_until(b'\n', &mut head)? == 0 {
            if line_start == 0 {
                return Ok(None);
            }
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match head.get(line_start..) {
            // A stray blank line before the request line is allowed for.
            Some(b"\r\n" | b"\n") if line_start == 0 => head.clear(),
            Some(b"\r\n" | b"\n") => break,
            _ => {}
        }
    }
    Ok(Some(head))
}

impl Request {
    /// The value of a header, without blanks around it; the name in any case.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.lines().filter_map(|line| line.split_once(':'));
        headers.find_map(|(key, value)| key.trim().eq_ignore_ascii_case(name).then(|| value.trim()))
    }

    pub(crate) fn parse(head: &[u8]) -> Result<Self, Refused> {
        if head.len() > HEAD_LIMIT {
            return Err(Refused::TooLarge);
        }
        let head = std::str::from_utf8(head).map_err(|_| Refused::Malformed)?;
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(protocol), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refused::Malformed);
        };
        let modern = match protocol {
            "HTTP/1.1" => true,
            "HTTP/1.0" => false,
            _ => return Err(Refused::Malformed),
        };
        if !target.starts_with('/') {
            return Err(Refused::Malformed);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: match method {
                "GET" => Method::Get,
                "HEAD" => Method::Head,
                "POST" => Method::Post,
                _ => Method::Other,
            },
            path: path.to_owned(),
            query: query.to_owned(),
            headers: String::new(),
            modern,
            content_length: 0,
            expects_continue: false,
            keep_alive: modern,
            websocket_key: None,
        };
        for line in lines.take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(Refused::Malformed)?;
            request.header(name, value.trim())?;
            request.headers.push_str(line);
            request.headers.push('\n');
        }
        Ok(request)
    }

    fn header(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        if name.eq_ignore_ascii_case("content-length") {
            self.content_length = value.parse().map_err(|_| Refused::Malformed)?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Refused::LengthRequired);
        } else if name.eq_ignore_ascii_case("expect") {
            self.expects_continue = value.eq_ignore_ascii_case("100-continue");
        } else if name.eq_ignore_ascii_case("sec-websocket-key") {
            self.websocket_key = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("connection") {
            for token in value.split(',').map(str::trim) {
                if token.eq_ignore_ascii_case("close") {
                    self.keep_alive = false;
                } else if token.eq_ignore_ascii_case("keep-alive") {
                    self.keep_alive = true;
                }
            }
        }
        Ok(())
    }

    /// A number from the query string.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| value.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Result<Request, Refused> {
        Request::parse(head.as_bytes())
    }

    #[test]
    fn a_plain_get() -> Result<(), Refused> {
        let request = parse("GET /slow?ms=50&x=y HTTP/1.1\r\nHost: a\r\n\r\n")?;
        assert_eq!(
            (request.method, request.path.as_str()),
            (Method::Get, "/slow")
        );
        assert_eq!(
            (request.number("ms"), request.number("x")),
            (Some(50), None)
        );
        assert!(request.modern && request.keep_alive);
        assert_eq!(request.content_length, 0);
        Ok(())
    }

    #[test]
    fn header_names_and_tokens_ignore_case() -> Result<(), Refused> {
        let request = parse(
            "POST /echo HTTP/1.1\r\nCONTENT-LENGTH:  12 \r\nconnection: Foo, Close\r\nExpect: 100-Continue\r\n\r\n",
        )?;
        assert_eq!((request.method, request.content_length), (Method::Post, 12));
        assert!(request.expects_continue && !request.keep_alive);
        Ok(())
    }

    #[test]
    fn the_old_protocol_closes_unless_asked() -> Result<(), Refused> {
        assert!(!parse("GET / HTTP/1.0\r\n\r\n")?.keep_alive);
        assert!(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")?.keep_alive);
        Ok(())
    }

    #[test]
    fn nonsense_is_refused() {
        for head in [
            "",
            "GET /\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET example.org HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        ] {
            assert_eq!(parse(head), Err(Refused::Malformed), "{head:?}");
        }
        assert_eq!(
            parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Err(Refused::LengthRequired)
        );
    }

    #[test]
    fn heads_are_read_one_at_a_time() -> io::Result<()> {
        let mut wire: &[u8] = b"\r\nGET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(
            read_head(&mut wire)?.as_deref(),
            Some(&b"GET /a HTTP/1.1\r\n\r\n"[..])
        );
        assert_eq!(
            read_head(&mut wire)?.as_deref(),
            Some(&b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"[..])
        );
        assert_eq!(read_head(&mut wire)?, None);
        Ok(())
    }

    #[test]
    fn a_head_cut_short_is_an_error_and_an_endless_one_is_too_large() -> io::Result<()> {
        assert!(read_head(&mut &b"GET / HTTP/1.1\r\nHost"[..]).is_err());
        let endless = vec![b'a'; HEAD_LIMIT * 3];
        let head = read_head(&mut &endless[..])?.unwrap_or_default();
        assert_eq!(Request::parse(&head), Err(Refused::TooLarge));
        Ok(())
    }
}

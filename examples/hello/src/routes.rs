//! Which answer a request gets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::faults::{self, Share};
use crate::request::{Method, Refused, Request};
use crate::response::Response;

/// The longest that one request may ask to wait.
const LONGEST_MS: u64 = 600_000;
const LONGEST_STREAM: u64 = 1 << 30;

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Arc<Config>,
    errors: Share,
    drops: Share,
    since: Instant,
}

impl App {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            errors: Share::default(),
            drops: Share::default(),
            since: Instant::now(),
        }
    }

    /// Answers a request whose body of `received` bytes was read; takes as long as was asked for, or never ends.
    pub(crate) fn answer(&self, request: &Request, received: u64) -> Response {
        let config = &self.config;
        let version = &config.version;
        if !config.hang_after.is_zero() && self.since.elapsed() >= config.hang_after {
            faults::hang();
        }
        if let Some(response) = not_for_us(config, request) {
            return response;
        }
        if request.path == "/health" {
            let (status, word) = if config.unhealthy {
                (503, "DOWN")
            } else {
                (200, "UP")
            };
            let body = format!("{{\"status\":\"{word}\",\"version\":\"{version}\"}}\n");
            return Response::Json(status, body);
        }
        if config.hang {
            faults::hang();
        }
        std::thread::sleep(config.slow);
        if self.drops.takes(config.drop_percent) {
            return Response::Nothing;
        }
        let full = config.fill_disk.as_deref().map(faults::fill_disk);
        if let Some(Err(error)) = full {
            return Response::Text(500, format!("hello {version} cannot log: {error}\n"));
        }
        if self.errors.takes(config.error_percent) {
            return Response::Text(500, format!("hello {version} fails on purpose\n"));
        }
        if let Some(status) = config.status {
            return Response::Text(status, format!("hello {version} says {status}\n"));
        }
        let wait = Duration::from_millis(request.number("ms").unwrap_or(0).min(LONGEST_MS));
        match (request.method, request.path.as_str()) {
            (Method::Other, _) => Response::Text(405, "use GET, HEAD or POST\n".to_owned()),
            (_, "/") => Response::Text(200, format!("hello {version}\n")),
            (_, "/headers") => Response::Text(200, request.headers.clone()),
            (_, "/slow") => {
                std::thread::sleep(wait);
                Response::Text(
                    200,
                    format!("hello {version} after {} ms\n", wait.as_millis()),
                )
            }
            (_, "/stream") => Response::Stream {
                bytes: request.number("bytes").unwrap_or(1024).min(LONGEST_STREAM),
                length: wait,
            },
            (Method::Post, "/echo") => Response::Json(
                200,
                format!("{{\"length\":{received},\"version\":\"{version}\"}}\n"),
            ),
            (_, "/ws") => Response::Text(426, "speak WebSocket here\n".to_owned()),
            (_, "/echo") => Response::Text(405, "use POST\n".to_owned()),
            _ => Response::Text(404, format!("nothing at {}\n", request.path)),
        }
    }
}

/// What frameworks say to a request for a host that is not on their list, and to one that did not come by HTTPS.
fn not_for_us(config: &Config, request: &Request) -> Option<Response> {
    if let Some(host) = &config.only_host
        && request.value("host") != Some(host)
    {
        return Some(Response::Text(400, format!("only for {host}\n")));
    }
    if config.https_only && request.value("x-forwarded-proto") != Some("https") {
        return Some(Response::Text(301, "by HTTPS only\n".to_owned()));
    }
    None
}

/// Answers what could not be read as a request.
pub(crate) fn refuse(why: &Refused) -> Response {
    let (status, text) = match why {
        Refused::Malformed => (400, "not a request\n"),
        Refused::LengthRequired => (411, "send a Content-Length\n"),
        Refused::TooLarge => (431, "head too large\n"),
    };
    Response::Text(status, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn ask(variables: &[(&str, &str)], line: &str) -> Result<Response, String> {
        let config = Config::with(variables)?;
        let head = if line.contains("HTTP/") {
            format!("{line}\r\n\r\n")
        } else {
            format!("{line} HTTP/1.1\r\n\r\n")
        };
        let request = Request::parse(head.as_bytes()).map_err(|why| format!("{why:?}"))?;
        Ok(App::new(Arc::new(config)).answer(&request, 5))
    }

    #[test]
    fn an_app_may_know_one_host_and_https_alone() -> Outcome {
        let host = [("HELLO_ONLY_HOST", "site.example")];
        for (asked, status) in [("site.example", 200), ("localhost", 400)] {
            let line = format!("GET /health HTTP/1.1\r\nHost: {asked}");
            assert!(
                matches!(ask(&host, &line)?, Response::Json(said, _) | Response::Text(said, _) if said == status)
            );
        }
        let secure = [("HELLO_HTTPS_ONLY", "1")];
        let plain = ask(&secure, "GET / HTTP/1.1\r\nHost: a")?;
        assert!(matches!(plain, Response::Text(301, _)));
        let by_https = ask(&secure, "GET / HTTP/1.1\r\nx-forwarded-proto: https")?;
        assert!(matches!(by_https, Response::Text(200, _)));
        Ok(())
    }

    #[test]
    fn routes() -> Outcome {
        assert_eq!(
            ask(&[], "GET /")?,
            Response::Text(200, "hello dev\n".to_owned())
        );
        assert_eq!(
            ask(&[], "POST /echo")?,
            Response::Json(200, "{\"length\":5,\"version\":\"dev\"}\n".to_owned())
        );
        assert_eq!(
            ask(&[], "GET /stream?bytes=9&ms=7")?,
            Response::Stream {
                bytes: 9,
                length: Duration::from_millis(7)
            }
        );
        assert_eq!(
            ask(&[], "GET /headers HTTP/1.1\r\nHost: a\r\nX-B:c")?,
            Response::Text(200, "Host: a\nX-B:c\n".to_owned())
        );
        for (line, expected) in [("GET /x", 404), ("GET /echo", 405), ("PUT /", 405)] {
            assert!(matches!(ask(&[], line)?, Response::Text(status, _) if status == expected));
        }
        Ok(())
    }

    #[test]
    fn health_is_its_own_matter() -> Outcome {
        let failing = [("HELLO_ERROR_RATE", "100")];
        assert!(matches!(
            ask(&failing, "GET /health")?,
            Response::Json(200, _)
        ));
        assert!(matches!(ask(&failing, "GET /")?, Response::Text(500, _)));
        for status in [401, 404] {
            let text = status.to_string();
            let closed = [("HELLO_STATUS", text.as_str())];
            assert!(
                matches!(ask(&closed, "POST /echo")?, Response::Text(seen, _) if seen == status)
            );
            assert!(matches!(
                ask(&closed, "GET /health")?,
                Response::Json(200, _)
            ));
        }
        let drops = [("HELLO_DROP_RATE", "100")];
        assert_eq!(ask(&drops, "GET /")?, Response::Nothing);
        assert!(matches!(
            ask(&drops, "GET /health")?,
            Response::Json(200, _)
        ));
        let sick = [("HELLO_UNHEALTHY", "1")];
        assert!(matches!(ask(&sick, "GET /health")?, Response::Json(503, _)));
        assert!(matches!(ask(&sick, "GET /")?, Response::Text(200, _)));
        Ok(())
    }

    /// Asks on a thread of its own whether an answer comes within a fifth of a second.
    fn is_answered(variables: &'static [(&str, &str)], line: &'static str) -> bool {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(ask(variables, line).is_ok()));
        told.recv_timeout(Duration::from_millis(200)) == Ok(true)
    }

    #[test]
    fn a_hang_spares_the_health_check_until_all_of_it_hangs() {
        const USERS: &[(&str, &str)] = &[("HELLO_HANG", "1")];
        assert!(!is_answered(USERS, "GET /"));
        assert!(is_answered(USERS, "GET /health"));
        const SOON: &[(&str, &str)] = &[("HELLO_HANG_AFTER_MS", "3600000")];
        assert!(is_answered(SOON, "GET /"));
    }

    #[test]
    fn all_of_it_hangs_when_its_time_has_come() -> Outcome {
        let app = App::new(Arc::new(Config::with(&[("HELLO_HANG_AFTER_MS", "1")])?));
        std::thread::sleep(Duration::from_millis(5));
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let request = Request::parse(b"GET /health HTTP/1.1\r\n\r\n");
            tell.send(request.map(|request| app.answer(&request, 0)).is_ok())
        });
        assert!(told.recv_timeout(Duration::from_millis(200)).is_err());
        Ok(())
    }
}

//! Which answer a request gets.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::faults::ErrorRate;
use crate::request::{Method, Refused, Request};
use crate::response::Response;

/// The longest that one request may ask to wait.
const LONGEST_MS: u64 = 600_000;
const LONGEST_STREAM: u64 = 1 << 30;

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Arc<Config>,
    errors: ErrorRate,
}

impl App {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            errors: ErrorRate::default(),
        }
    }

    /// Answers a request whose body of `received` bytes was read; takes as long as was asked for.
    pub(crate) fn answer(&self, request: &Request, received: u64) -> Response {
        let version = &self.config.version;
        if request.path == "/health" {
            let (status, word) = if self.config.unhealthy {
                (503, "DOWN")
            } else {
                (200, "UP")
            };
            let body = format!("{{\"status\":\"{word}\",\"version\":\"{version}\"}}\n");
            return Response::Json(status, body);
        }
        std::thread::sleep(self.config.slow);
        if self.errors.fails(self.config.error_percent) {
            return Response::Text(500, format!("hello {version} fails on purpose\n"));
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
        let sick = [("HELLO_UNHEALTHY", "1")];
        assert!(matches!(ask(&sick, "GET /health")?, Response::Json(503, _)));
        assert!(matches!(ask(&sick, "GET /")?, Response::Text(200, _)));
        Ok(())
    }
}

//! The seed's include: one line that names the live port.

/// The port that an include file sends requests to, and where it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncludePort {
    /// The port on the loopback address.
    pub port: u16,
    /// The variable that is set, with its `$`.
    pub variable: String,
    start: usize,
    end: usize,
}

/// An include that does not name one live port.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the include has no line like `set $service_url http://127.0.0.1:8080;`")]
pub struct NotAnInclude;

impl IncludePort {
    /// Finds `set $name http://<loopback>:<port>;`; comments do not count.
    pub fn find(text: &str) -> Result<Self, NotAnInclude> {
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let start_of_line = offset;
            offset += line.len();
            let code = line.split('#').next().unwrap_or_default();
            let Some(rest) = code.trim_start().strip_prefix("set") else {
                continue;
            };
            if !rest.trim_start().starts_with('$') {
                continue;
            }
            for host in ["http://127.0.0.1:", "http://localhost:"] {
                let Some(at) = code.find(host) else { continue };
                let digits = at + host.len();
                let tail = code.get(digits..).unwrap_or_default();
                let len = tail.bytes().take_while(u8::is_ascii_digit).count();
                let Some(port) = tail.get(..len).and_then(|port| port.parse().ok()) else {
                    continue;
                };
                let start = start_of_line + digits;
                let variable = rest.split_whitespace().next().unwrap_or_default();
                return Ok(Self {
                    port,
                    variable: variable.to_owned(),
                    start,
                    end: start + len,
                });
            }
        }
        Err(NotAnInclude)
    }

    /// The same text with another port; every other byte stays.
    pub fn with_port(&self, text: &str, port: u16) -> String {
        let (before, after) = (
            text.get(..self.start).unwrap_or_default(),
            text.get(self.end..).unwrap_or_default(),
        );
        format!("{before}{port}{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_replaced_and_nothing_else() {
        let text = "# set $service_url http://127.0.0.1:1;\r\n\tset $service_url  http://127.0.0.1:8080; # live\n";
        let found = IncludePort::find(text).unwrap();
        assert_eq!(found.port, 8080);
        let changed = found.with_port(text, 18081);
        assert_eq!(changed, text.replace("8080", "18081"));
        assert_eq!(
            IncludePort::find(&changed)
                .unwrap()
                .with_port(&changed, 8080),
            text
        );
    }

    #[test]
    fn what_is_no_include_is_refused() {
        for text in [
            "",
            "set $service_url http://10.0.0.1:8080;",
            "settings http://127.0.0.1:80;",
            "set $x http://127.0.0.1:99999;",
            "#set $x http://127.0.0.1:80;",
        ] {
            assert_eq!(IncludePort::find(text), Err(NotAnInclude), "{text}");
        }
    }
}

//! nginx files, read and written without effects.

/// The port that an include file sends requests to, and where it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncludePort {
    /// The port on the loopback address.
    pub port: u16,
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
                return Ok(Self {
                    port,
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

/// A `server` block that uses the include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its first name, for the `Host` header.
    pub server_name: Option<String>,
    /// Its ports, in order.
    pub listens: Vec<Listen>,
}

/// One `listen` directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The TCP port.
    pub port: u16,
    /// What is spoken there.
    pub scheme: Scheme,
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// Every `server` block of a configuration (as `nginx -T` prints it) that includes `include`.
pub fn sites_with(config: &str, include: &str) -> Vec<Site> {
    let mut sites = Vec::new();
    let mut servers: Vec<Vec<Vec<String>>> = Vec::new();
    let mut blocks: Vec<String> = Vec::new();
    for statement in Statements::new(config) {
        match statement {
            Statement::Open(words) => {
                let name = words.into_iter().next().unwrap_or_default();
                if name == "server" {
                    servers.push(Vec::new());
                }
                blocks.push(name);
            }
            Statement::Simple(words) => {
                if blocks
                    .last()
                    .is_some_and(|block| block == "server" || block == "location")
                    && let Some(server) = servers.last_mut()
                {
                    server.push(words);
                }
            }
            Statement::Close => {
                if blocks.pop().as_deref() == Some("server")
                    && let Some(server) = servers.pop()
                {
                    sites.extend(site_of(&server, include));
                }
            }
        }
    }
    sites
}

fn site_of(server: &[Vec<String>], include: &str) -> Option<Site> {
    let directive = |name: &'static str| {
        server.iter().filter_map(move |words| {
            let (first, rest) = words.split_first()?;
            (first == name).then_some(rest)
        })
    };
    let uses = directive("include")
        .filter_map(|rest| rest.first())
        .any(|path| names(path, include));
    uses.then(|| Site {
        server_name: directive("server_name")
            .flatten()
            .find(|name| !name.is_empty() && *name != "_" && !name.starts_with(['~', '*', '.']))
            .cloned(),
        listens: directive("listen").filter_map(listen_of).collect(),
    })
}

fn listen_of(words: &[String]) -> Option<Listen> {
    let (address, options) = words.split_first()?;
    let port = address.rsplit(':').next().unwrap_or(address);
    // An address without a port means 80; a unix socket is no port at all.
    let port = match port.parse() {
        Ok(port) => port,
        Err(_) if address.starts_with("unix:") => return None,
        Err(_) => 80,
    };
    let tls = options
        .iter()
        .any(|option| option == "ssl" || option == "quic");
    Some(Listen {
        port,
        scheme: if tls { Scheme::Https } else { Scheme::Http },
    })
}

/// Whether the argument of an `include` directive names `path`: literally, relative, or by `*`.
fn names(argument: &str, path: &str) -> bool {
    let absolute = if argument.starts_with('/') {
        argument.to_owned()
    } else {
        format!("/etc/nginx/{argument}")
    };
    match absolute.split_once('*') {
        None => absolute == path,
        Some((before, after)) => path
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|middle| !middle.contains('/')),
    }
}

enum Statement {
    Open(Vec<String>),
    Simple(Vec<String>),
    Close,
}

/// Splits a configuration into statements, minding quotes and comments.
struct Statements<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl<'a> Statements<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
        }
    }

    fn quoted(&mut self, quote: char) -> String {
        let mut word = String::new();
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => word.extend(self.rest.next()),
                c if c == quote => break,
                c => word.push(c),
            }
        }
        word
    }
}

impl Iterator for Statements<'_> {
    type Item = Statement;

    fn next(&mut self) -> Option<Statement> {
        let mut words: Vec<String> = Vec::new();
        let mut word = String::new();
        while let Some(c) = self.rest.next() {
            let ends_word = matches!(c, ';' | '{' | '}' | '#') || c.is_whitespace();
            // `${name}` is part of a word.
            let brace_of_variable = c == '{' && word.ends_with('$');
            if ends_word && !brace_of_variable {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                match c {
                    ';' => return Some(Statement::Simple(words)),
                    '{' => return Some(Statement::Open(words)),
                    '}' => return Some(Statement::Close),
                    '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                    _ => {}
                }
                continue;
            }
            match c {
                '"' | '\'' if word.is_empty() => words.push(self.quoted(c)),
                c => word.push(c),
            }
            if brace_of_variable {
                for c in self.rest.by_ref() {
                    word.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
# configuration file /etc/nginx/nginx.conf:
http {
    log_format main '$remote_addr; {x}' "y";
    include /etc/nginx/conf.d/*.conf;
}
# configuration file /etc/nginx/conf.d/default.conf:
server {
        listen 80; listen [::]:8080 default_server;
        listen 443 ssl;
        server_name  _ parking.example; # include /etc/nginx/other.inc;
        include /etc/nginx/conf.d/service-url.inc;
        location ~ "^/a{2}" { proxy_pass http://${up}; }
        location / { proxy_pass $service_url; }
}
server { listen 81; location / { include conf.d/service-*.inc; } }
server { listen unix:/x; include other.inc; }
"#;

    #[test]
    fn server_blocks_with_the_include_are_found() {
        let sites = sites_with(CONFIG, "/etc/nginx/conf.d/service-url.inc");
        assert_eq!(sites.len(), 2, "{sites:?}");
        assert_eq!(sites[0].server_name.as_deref(), Some("parking.example"));
        let http = |port| Listen {
            port,
            scheme: Scheme::Http,
        };
        assert_eq!(
            sites[0].listens,
            [
                http(80),
                http(8080),
                Listen {
                    port: 443,
                    scheme: Scheme::Https
                }
            ]
        );
        assert_eq!(sites[1].listens, [http(81)]);
        assert!(sites_with(CONFIG, "/etc/nginx/nowhere.inc").is_empty());
    }

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

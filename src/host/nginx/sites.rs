//! The `server` blocks that obey an include.

use super::statements::{Statement, names, statements};

/// A `server` block that uses the include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its first name, for the `Host` header.
    pub server_name: Option<String>,
    /// All its names.
    pub names: Vec<String>,
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
    for statement in statements(config, "") {
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
        names: directive("server_name").flatten().cloned().collect(),
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
}

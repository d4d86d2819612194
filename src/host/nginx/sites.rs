//! The `server` blocks that obey an include.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::statements::{Block, blocks, files, is};

/// A `server` block that uses the include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerBlock {
    /// Its first name, for the `Host` header.
    pub server_name: Option<String>,
    pub names: Vec<String>,
    pub listens: Vec<Listen>,
}

/// One `listen` directive, as this machine reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The address it is bound to; the loopback address where it is bound to all.
    pub address: IpAddr,
    pub port: u16,
    pub scheme: Scheme,
    pub preface: Preface,
}

impl ServerBlock {
    /// The same where nginx is in a container with an address of its own.
    #[must_use]
    pub fn reached_at(mut self, address: Option<IpAddr>) -> Self {
        let Some(address) = address else {
            return self;
        };
        if self.listens.is_empty() {
            self.listens.push(Listen::DEFAULT);
        }
        for listen in &mut self.listens {
            if listen.address.is_loopback() {
                listen.address = address;
            }
        }
        self
    }
}

impl Listen {
    /// What nginx does in a `server` block without a `listen` directive.
    pub const DEFAULT: Self = Self {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 80,
        scheme: Scheme::Http,
        preface: Preface::None,
    };
}

/// What a connection begins with, before TLS and HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preface {
    None,
    /// The PROXY protocol's header (`listen … proxy_protocol`), which a load balancer sends.
    Proxy,
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// Every `server` block of a configuration (as `nginx -T` prints it) that obeys the file `include`: includes it, or
/// stands in it, or passes requests on to an `upstream` that does.
pub fn sites_with(config: &str, include: &str) -> Vec<ServerBlock> {
    let read = blocks(config, "");
    let servers = read.all("server");
    let including = servers.iter().filter(|server| includes(server, include));
    let found: Vec<ServerBlock> = including.map(|server| site_of(server)).collect();
    let text = files(config).into_iter().find(|(name, _)| *name == include);
    let Some((_, text)) = text.filter(|_| found.is_empty()) else {
        return found;
    };
    let own = blocks(text, "");
    let inside: Vec<ServerBlock> = own.all("server").into_iter().map(site_of).collect();
    if !inside.is_empty() {
        return inside;
    }
    let upstreams = own.all("upstream");
    let names: Vec<&String> = upstreams
        .iter()
        .filter_map(|block| block.words.get(1))
        .collect();
    let passing = servers.iter().filter(|server| passes_to(server, &names));
    passing.map(|server| site_of(server)).collect()
}

fn includes(server: &Block, file: &str) -> bool {
    server.includes(file)
        || server
            .all("location")
            .iter()
            .any(|block| block.includes(file))
}

/// Whether it passes requests on to one of these upstreams, in whatever block.
fn passes_to(block: &Block, upstreams: &[&String]) -> bool {
    let to = |words: &Vec<String>| {
        let passes = words.first().is_some_and(|name| name.ends_with("_pass"));
        let target = words.get(1).filter(|_| passes)?;
        let target = target
            .split_once("://")
            .map_or(target.as_str(), |(_, host)| host);
        target.split(['/', ':']).next().map(str::to_owned)
    };
    let mut targets = block.statements.iter().filter_map(to);
    targets.any(|target| upstreams.iter().any(|name| **name == target))
        || block.blocks.iter().any(|inner| passes_to(inner, upstreams))
}

fn site_of(server: &Block) -> ServerBlock {
    let directive = |name: &'static str| {
        let meant = server
            .statements
            .iter()
            .filter(move |words| is(words, name));
        meant.filter_map(|words| words.get(1..))
    };
    ServerBlock {
        server_name: directive("server_name")
            .flatten()
            .find(|name| !name.is_empty() && *name != "_" && !name.starts_with(['~', '*', '.']))
            .cloned(),
        names: directive("server_name").flatten().cloned().collect(),
        listens: directive("listen").filter_map(listen_of).collect(),
    }
}

fn listen_of(words: &[String]) -> Option<Listen> {
    let (target, options) = words.split_first()?;
    let (address, port) = bound_to(target)?;
    let has = |name: &str| options.iter().any(|option| option == name);
    // QUIC is UDP; the TCP listener of the same block is a directive of its own.
    if has("quic") {
        return None;
    }
    Some(Listen {
        address,
        port,
        scheme: if has("ssl") {
            Scheme::Https
        } else {
            Scheme::Http
        },
        preface: if has("proxy_protocol") {
            Preface::Proxy
        } else {
            Preface::None
        },
    })
}

/// The address and port of a `listen` directive; `None` for a unix socket, and for a name that only DNS knows.
fn bound_to(target: &str) -> Option<(IpAddr, u16)> {
    const PORT: u16 = 80;
    let everywhere = IpAddr::V4(Ipv4Addr::LOCALHOST);
    if let Ok(port) = target.parse() {
        return Some((everywhere, port));
    }
    let (address, port) = if target.starts_with('[') {
        let (address, rest) = target.strip_prefix('[')?.split_once(']')?;
        (address, rest.strip_prefix(':'))
    } else {
        match target.split_once(':') {
            Some((address, port)) => (address, Some(port)),
            None => (target, None),
        }
    };
    let port = port.map_or(Some(PORT), |port| port.parse().ok())?;
    let address = match address {
        "*" | "localhost" => everywhere,
        literal => match literal.parse().ok()? {
            IpAddr::V4(address) if address.is_unspecified() => everywhere,
            IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            address => address,
        },
    };
    Some((address, port))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

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
            ..Listen::DEFAULT
        };
        assert_eq!(
            sites[0].listens,
            [
                http(80),
                Listen {
                    address: Ipv6Addr::LOCALHOST.into(),
                    ..http(8080)
                },
                Listen {
                    scheme: Scheme::Https,
                    ..http(443)
                }
            ]
        );
        assert_eq!(sites[1].listens, [http(81)]);
        assert!(sites_with(CONFIG, "/etc/nginx/nowhere.inc").is_empty());
    }

    #[test]
    fn an_include_below_another_prefix_is_found_by_its_relative_name() {
        let config = "# configuration file /usr/local/nginx/conf/nginx.conf:\nhttp { include vhosts/*/site[0-9].conf; }\n\
             # configuration file /usr/local/nginx/conf/vhosts/shop/site1.conf:\nserver { listen 81; include url.inc; }\n\
             # configuration file /usr/local/nginx/conf/url.inc:\nset $x http://127.0.0.1:8080;\n";
        let ports = |include: &str| {
            let sites = sites_with(config, include);
            let listens = sites.iter().flat_map(|site| &site.listens);
            listens.map(|listen| listen.port).collect::<Vec<_>>()
        };
        assert_eq!(ports("/usr/local/nginx/conf/url.inc"), [81]);
        assert!(ports("/etc/nginx/url.inc").is_empty());
    }

    #[test]
    fn a_file_may_hold_the_server_block_or_the_upstream_itself() {
        let config = "# configuration file /etc/nginx/nginx.conf:\nhttp { include conf.d/*.conf; }\n\
             # configuration file /etc/nginx/conf.d/api.conf:\nupstream api { server web-1:8080; }\n\
             # configuration file /etc/nginx/conf.d/site.conf:\n\
             server { listen 80; location / { proxy_pass http://api/v1; } }\n\
             server { listen 81; location / { proxy_pass http://apis; } }\n\
             # configuration file /etc/nginx/conf.d/whole.conf:\n\
             server { listen 82; location / { proxy_pass http://web-1:8080; } }\n";
        let ports = |file: &str| {
            let sites = sites_with(config, &format!("/etc/nginx/conf.d/{file}"));
            let listens = sites.iter().flat_map(|site| &site.listens);
            listens.map(|listen| listen.port).collect::<Vec<_>>()
        };
        assert_eq!(ports("api.conf"), [80]);
        assert_eq!(ports("whole.conf"), [82]);
        assert!(ports("none.conf").is_empty());
    }

    #[test]
    fn a_listener_is_known_by_the_address_it_is_bound_to() {
        let listen = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            listen_of(&words).map(|listen| {
                let address = SocketAddr::from((listen.address, listen.port));
                (address.to_string(), listen.scheme, listen.preface)
            })
        };
        let plain = |address: &str| Some((address.to_owned(), Scheme::Http, Preface::None));
        for (text, address) in [
            ("80", "127.0.0.1:80"),
            ("*:8080 default_server", "127.0.0.1:8080"),
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("127.0.0.1", "127.0.0.1:80"),
            ("localhost:8000", "127.0.0.1:8000"),
            ("203.0.113.7:80", "203.0.113.7:80"),
            ("[::]:80 ipv6only=off", "[::1]:80"),
            ("[2001:db8::1]", "[2001:db8::1]:80"),
        ] {
            assert_eq!(listen(text), plain(address), "{text}");
        }
        assert_eq!(
            listen("10.0.0.2:443 ssl proxy_protocol"),
            Some(("10.0.0.2:443".to_owned(), Scheme::Https, Preface::Proxy))
        );
        for text in [
            "unix:/run/nginx.sock",
            "443 quic reuseport",
            "web.internal:80",
        ] {
            assert_eq!(listen(text), None, "{text}");
        }
    }
}

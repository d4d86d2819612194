//! The `server` blocks that obey an include.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::statements::{Block, blocks, is};

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

/// Every `server` block of a configuration (as `nginx -T` prints it) that includes `include`.
pub fn sites_with(config: &str, include: &str) -> Vec<ServerBlock> {
    let config = blocks(config, "");
    let servers = config.all("server").into_iter();
    servers
        .filter_map(|server| site_of(server, include))
        .collect()
}

fn site_of(server: &Block, include: &str) -> Option<ServerBlock> {
    let directive = |name: &'static str| {
        let meant = server
            .statements
            .iter()
            .filter(move |words| is(words, name));
        meant.filter_map(|words| words.get(1..))
    };
    let locations = server.all("location");
    let mut places = std::iter::once(server).chain(locations);
    let uses = places.any(|block| block.includes(include));
    uses.then(|| ServerBlock {
        server_name: directive("server_name")
            .flatten()
            .find(|name| !name.is_empty() && *name != "_" && !name.starts_with(['~', '*', '.']))
            .cloned(),
        names: directive("server_name").flatten().cloned().collect(),
        listens: directive("listen").filter_map(listen_of).collect(),
    })
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

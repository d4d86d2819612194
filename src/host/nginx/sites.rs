//! The `server` blocks that obey an include.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::Address;
use super::statements::{Block, blocks, is};

/// A `server` block that obeys the switch file.
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

/// Every `server` block of a configuration (as `nginx -T` prints it) that obeys `file`: includes it, stands in it, or
/// passes requests on to an `upstream` or a `map` in it.
pub fn sites_with(config: &str, file: &str) -> Vec<ServerBlock> {
    let root = blocks(config, "");
    let said = Said::by(&root, file);
    let servers = root.all("server").into_iter();
    let obeying = servers.filter(|server| {
        server.file == file || server.includes_somewhere(file) || said.passes(server)
    });
    obeying.map(site_of).collect()
}

/// The names that a file gives to what requests are passed on to.
struct Said {
    upstreams: Vec<String>,
    variables: Vec<String>,
}

impl Said {
    fn by(root: &Block, file: &str) -> Self {
        let upstreams = root.all("upstream").into_iter();
        let own = upstreams.filter(|block| block.file == file);
        let maps = root.all("map");
        let mut variables: Vec<String> = Vec::new();
        // One may choose by what another one says.
        for _ in 0..=maps.len() {
            for map in &maps {
                let [_, source, variable] = map.words.as_slice() else {
                    continue;
                };
                let counts = map.file == file || variables.contains(source);
                if counts && !variables.contains(variable) {
                    variables.push(variable.clone());
                }
            }
        }
        Self {
            upstreams: own
                .filter_map(|block| block.words.get(1).cloned())
                .collect(),
            variables,
        }
    }

    fn passes(&self, block: &Block) -> bool {
        let names = |words: &Vec<String>| {
            let to = match words.as_slice() {
                [name, to, ..] if name.ends_with("_pass") => to,
                [name, _, to] if name == "set" => to,
                _ => return false,
            };
            let host = Address::read(to).host.replace(['{', '}'], "");
            self.upstreams.contains(&host) || self.variables.contains(&host)
        };
        block.statements.iter().any(names) || block.blocks.iter().any(|inner| self.passes(inner))
    }
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
    fn a_server_block_obeys_the_file_that_holds_it_or_what_it_passes_requests_on_to() {
        let config = "# configuration file /opt/nginx/nginx.conf:\nhttp { include vhosts/*/[a-m]*.conf; }\n\
             # configuration file /opt/nginx/vhosts/x/api.conf:\nupstream api { server 127.0.0.1:8080; }\n\
             # configuration file /opt/nginx/vhosts/x/map.conf:\nmap $host $colour { default blue; }\n\
             # configuration file /opt/nginx/vhosts/x/http.conf:\nmap $colour $backend { blue http://127.0.0.1:8080; }\n\
             server { listen 80; location / { location /v1/ { proxy_pass http://api/v1/; } } }\n\
             server { listen 81; location / { proxy_pass http://apis; } }\n\
             server { listen 82; set $to http://api; location / { proxy_pass $to; } }\n\
             server { listen 83; location / { if ($x) { proxy_pass ${backend}; } } }\n\
             # configuration file /opt/nginx/vhosts/x/whole.conf:\n\
             server { listen 84; location / { include vhosts/url.inc; } }\n\
             # configuration file /opt/nginx/vhosts/url.inc:\nproxy_pass http://127.0.0.1:8080;\n"
            .replace("[a-m]*", "*");
        let ports = |file: &str| {
            let sites = sites_with(&config, &format!("/opt/nginx/vhosts/{file}"));
            let listens = sites.iter().flat_map(|site| &site.listens);
            listens.map(|listen| listen.port).collect::<Vec<_>>()
        };
        assert_eq!(ports("x/api.conf"), [80, 82]);
        assert_eq!(ports("x/map.conf"), [83]);
        assert_eq!(ports("x/whole.conf"), [84]);
        assert_eq!(ports("url.inc"), [84]);
        assert!(ports("none.conf").is_empty());
        let picky = config.replace("vhosts/*/*.conf", "vhosts/?/[a-m]*.conf");
        assert!(sites_with(&picky, "/opt/nginx/vhosts/x/whole.conf").is_empty());
        assert_eq!(sites_with(&picky, "/opt/nginx/vhosts/x/api.conf").len(), 2);
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

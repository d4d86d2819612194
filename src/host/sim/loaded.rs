//! nginx's files on the simulated host, and what it makes of them.

use std::path::{Path, PathBuf};

use super::INCLUDE;
use super::world::{Disk, World};
use crate::host::nginx::{self, Colours, SwitchFile, flag};
use crate::protocol::slot::PerSlot;

/// Where the slots listen.
const PORTS: PerSlot<u16> = PerSlot {
    one: 8080,
    two: 8081,
};
/// nginx's files, which tests may replace.
const NGINX_CONF: &str = "/etc/nginx/nginx.conf";
const DEFAULT_CONF: &str = "/etc/nginx/conf.d/default.conf";
/// The site's own file, with names for the slots.
const SITE: &str = "upstream blue { server 127.0.0.1:8080; }\nupstream green { server 127.0.0.1:8081; }\n\
                    server { listen 80; server_name site; include /etc/nginx/conf.d/service-url.inc;\n\
                    location / { proxy_pass $service_url; } location /colour { proxy_pass http://$active; } }\n";

/// What nginx has loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum LoadedInclude {
    /// No include that makes sense.
    #[default]
    Nothing,
    /// An include that names a port.
    Port(u16),
    /// An include of ours: the flag decides.
    Flag,
}

impl LoadedInclude {
    /// What nginx makes of the include.
    pub(super) fn by(files: &Disk) -> Self {
        let Some(include) = files.get(Path::new(INCLUDE)) else {
            return Self::Nothing;
        };
        match nginx::pointed_to(&String::from_utf8_lossy(include)) {
            None => include.loaded(Self::from),
            Some(path) => files
                .get(Path::new(path))
                .map_or(Self::Nothing, |include| include.loaded(Self::from)),
        }
    }

    fn from(include: &[u8]) -> Self {
        let text = String::from_utf8_lossy(include);
        let colours = Colours::of(SITE, &PORTS);
        match (
            flag::describe(&text),
            SwitchFile::read(&text, &PORTS, &colours),
        ) {
            (Ok(Some(_)), _) => Self::Flag,
            (_, Ok(found)) => Self::Port(*PORTS.get(found.live)),
            (_, Err(_)) => Self::Nothing,
        }
    }
}

impl World {
    /// As `nginx -T` prints it.
    pub(super) fn nginx_dump(&self) -> String {
        let text = |path: &str| {
            let content = self.files.get(Path::new(path))?;
            Some(String::from_utf8_lossy(content).into_owned())
        };
        let first = text(NGINX_CONF).unwrap_or_else(|| {
            "http { access_log /a.log; include /etc/nginx/conf.d/*.conf; }".to_owned()
        });
        let site = text(DEFAULT_CONF).unwrap_or_else(|| SITE.to_owned());
        let mut dump = format!(
            "# configuration file {NGINX_CONF}:\n{first}\n# configuration file {DEFAULT_CONF}:\n{site}\n"
        );
        let others = |path: &&PathBuf| {
            path.starts_with("/etc/nginx")
                && ![NGINX_CONF, DEFAULT_CONF].contains(&path.to_string_lossy().as_ref())
        };
        for (path, bytes) in self.files.iter().filter(|(path, _)| others(path)) {
            let text = String::from_utf8_lossy(bytes);
            dump.push_str(&format!(
                "# configuration file {}:\n{text}\n",
                path.display()
            ));
        }
        dump
    }
}

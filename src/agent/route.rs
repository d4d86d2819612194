//! What nginx obeys: the flag or the include, and the `server` blocks that use it. Looked at, never remembered.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::journal::entry::Switch;
use super::paths::AppPaths;
use crate::error::{Failure, Reason};
use crate::host::error::Trouble;
use crate::host::facts::Probe;
use crate::host::nginx::context::{self, IncludeContext};
use crate::host::nginx::flag::{self, Described, FlagVersion, Format, NotOurs};
use crate::host::nginx::{self, IncludePort, Listen, Scheme};
use crate::host::{Files, Host};
use crate::protocol::plan::{Site, SwitchChoice};
use crate::protocol::slot::{PerSlot, Slot, SlotService};

/// How long a request through the public listener may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The whole configuration of nginx, which it must accept.
pub(super) async fn config<H: Host>(host: &H) -> StepResult<String> {
    let config = host.nginx_config().await;
    if matches!(&config, Err(error) if error.trouble == Trouble::Missing) {
        return config
            .during(Reason::PreflightFailed, "there is no nginx on the host itself")
            .hint("install it from the distribution, `sudo apt-get install nginx` or `sudo dnf install nginx`, then run `pct-deploy provision --server-name NAME`; an nginx in a container cannot be switched yet");
    }
    config
        .during(
            Reason::PreflightFailed,
            "nginx refuses its present configuration",
        )
        .hint("run `sudo nginx -t` on the host and fix what it reports")
}

/// The `server` blocks that use the include.
pub(super) fn sites(config: &str, include: &str) -> StepResult<Vec<nginx::ServerBlock>> {
    let sites = nginx::sites_with(config, include);
    if sites.is_empty() {
        return Err(bad(format!("no `server` block of nginx includes `{include}`")).hint(format!(
            "add `include {include};` to the server block and `proxy_pass $service_url;` to its location, or correct `proxy-include`"
        )).hint("on a bare host, `pct-deploy provision --server-name NAME` writes one"));
    }
    Ok(sites)
}

/// A request to a listener of the `server` blocks that use the include: a plain one, or else one with TLS; and to the
/// one with TLS of the same block, should the plain one only send there.
pub(super) fn public_probes(
    sites: &[nginx::ServerBlock],
    path: &str,
) -> (Option<Probe>, Option<Probe>) {
    let probe = |site: &nginx::ServerBlock, scheme| {
        let said = site
            .listens
            .iter()
            .chain(site.listens.is_empty().then_some(&Listen::DEFAULT));
        let listen = said.into_iter().find(|listen| listen.scheme == scheme)?;
        Some(Probe {
            address: SocketAddr::from((listen.address, listen.port)),
            scheme,
            preface: listen.preface,
            host: site
                .server_name
                .clone()
                .unwrap_or_else(|| "localhost".to_owned()),
            path: path.to_owned(),
            by_https: false,
            timeout: PROBE_TIMEOUT,
        })
    };
    let by = |scheme| {
        let all = sites.iter();
        all.filter_map(move |site| Some((site, probe(site, scheme)?)))
    };
    match by(Scheme::Http).next() {
        Some((site, plain)) => (Some(plain), probe(site, Scheme::Https)),
        None => (by(Scheme::Https).next().map(|(_, secure)| secure), None),
    }
}

/// What decides where requests go, and where they go now.
#[derive(Debug)]
pub(super) struct Obeyed {
    pub(super) switch: Switch,
    pub(super) named: Slot,
    /// What the traffic log tells, with the flag.
    pub(super) format: Format,
    /// Whether nginx's files are of an earlier version, with the flag.
    pub(super) is_earlier: bool,
    /// The `location` blocks whose requests it does not see.
    pub(super) own_logs: Vec<String>,
}

/// Looks at what decides where requests go.
pub(super) async fn obeyed<H: Host>(
    host: &H,
    site: &Site,
    slots: &PerSlot<SlotService>,
    config: &str,
) -> StepResult<Obeyed> {
    let path = PathBuf::from(&site.proxy_include);
    let text = read(host, site, &path).await?;
    let ports = slots.map(|slot| slot.port);
    let described = flag::describe(&text).map_err(|why| not_ours(&path, why))?;
    match (described, site.switch) {
        (Some(described), SwitchChoice::Auto | SwitchChoice::Flag) => {
            check(host, site, &path, &described, &ports).await?;
            let around = context::around(config, &site.proxy_include);
            no_file_cache(&around)?;
            Ok(Obeyed {
                switch: Switch::Flag,
                named: by_flag(host, site).await?,
                format: described.version.format(),
                is_earlier: described.version != FlagVersion::NOW,
                own_logs: around.own_logs,
            })
        }
        (Some(_), SwitchChoice::Reload) => Err(bad(format!(
            "setting `switch`: `{}` is made for the flag, not for a reload",
            path.display()
        ))
        .hint("write `switch: auto`, or put back the include that `provision` kept in the app's folder `backup`")),
        (None, SwitchChoice::Auto | SwitchChoice::Reload) => {
            let named = by_port(&path, &text, &ports)?;
            Ok(Obeyed {
                switch: Switch::Reload(path),
                named,
                format: Format::Whole,
                is_earlier: false,
                own_logs: Vec::new(),
            })
        }
        (None, SwitchChoice::Flag) => Err(bad(format!(
            "setting `switch`: `{}` is not made for the flag",
            path.display()
        ))
        .hint("run `pct-deploy provision` once, or write `switch: auto`")),
    }
}

/// The slot that the flag names.
pub(super) async fn by_flag<H: Host>(host: &H, site: &Site) -> StepResult<Slot> {
    let flag = AppPaths::new(&site.app).flag();
    let found = host
        .read(&flag)
        .await
        .during(Reason::PreflightFailed, "cannot look at the slot flag")?;
    Ok(match found {
        Some(_) => Slot::Two,
        None => Slot::One,
    })
}

/// The slot that the seed's include names.
pub(super) fn by_port(path: &Path, text: &str, ports: &PerSlot<u16>) -> StepResult<Slot> {
    let setting = format!("setting `proxy-include`: `{}`", path.display());
    let found = IncludePort::find(text)
        .map_err(|problem| bad(format!("{setting}: {problem}")).hint(example(ports)))?;
    found.is_all_of(text, ports).map_err(|problem| {
        bad(format!("{setting}: {problem}"))
            .hint("write it as `set $NAME http://127.0.0.1:PORT;`, which moves, or take it out of the include")
    })?;
    let port = found.port;
    let named = Slot::BOTH
        .into_iter()
        .find(|slot| *ports.get(*slot) == port);
    named.ok_or_else(|| {
        bad(format!(
            "{setting} names port {port}, but the slots are on {} and {}",
            ports.one, ports.two
        ))
        .hint("make the ports in the compose file and in the include agree")
    })
}

/// The ports that the include names, whatever it is made for; none when it cannot be read, which is refused elsewhere.
pub(super) async fn named_ports<F: Files>(host: &F, site: &Site) -> Vec<u16> {
    let Ok(Some(bytes)) = host.read(Path::new(&site.proxy_include)).await else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    match (flag::describe(&text), IncludePort::find(&text)) {
        (Ok(Some(described)), _) => vec![described.ports.one, described.ports.two],
        (_, Ok(found)) => vec![found.port],
        (_, Err(_)) => Vec::new(),
    }
}

async fn read<H: Host>(host: &H, site: &Site, path: &Path) -> StepResult<String> {
    let setting = format!("setting `proxy-include`: `{}`", path.display());
    let bytes = host.read(path).await.during(
        Reason::PreflightFailed,
        format_args!("{setting} cannot be read"),
    )?;
    let bytes = bytes.ok_or_else(|| {
        bad(format!("{setting} does not exist"))
            .hint("write a line like `set $service_url http://127.0.0.1:8080;` into it, or run `pct-deploy provision --server-name NAME`")
            .hint(format!("the setting is `{}`", site.proxy_include))
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The include and the upstreams must be of this app, and of the ports that the compose file has now.
async fn check<H: Host>(
    host: &H,
    site: &Site,
    path: &Path,
    include: &Described,
    ports: &PerSlot<u16>,
) -> StepResult<()> {
    let again = "run `pct-deploy provision` again";
    if include.app != site.app.as_str() {
        return Err(bad(format!(
            "setting `proxy-include`: `{}` belongs to the app `{}`",
            path.display(),
            include.app
        ))
        .hint("give each app an include of its own, or correct `app`"));
    }
    let upstreams = flag::upstreams_file(path, &site.app);
    let bytes = host
        .read(&upstreams)
        .await
        .during(Reason::PreflightFailed, "cannot read the upstreams")?;
    let text =
        bytes.ok_or_else(|| bad(format!("`{}` is gone", upstreams.display())).hint(again))?;
    let described =
        flag::describe(&String::from_utf8_lossy(&text)).map_err(|why| not_ours(&upstreams, why))?;
    let described = described.ok_or_else(|| not_ours(&upstreams, NotOurs::Changed))?;
    if described.version != include.version {
        // `provision` was cut short between the two.
        return Err(not_ours(&upstreams, NotOurs::OtherVersion));
    }
    let named = described.ports;
    for (file, found) in [(path, &include.ports), (upstreams.as_path(), &named)] {
        if found != ports {
            return Err(bad(format!(
                "`{}` sends requests to ports {} and {}, but the slots are on {} and {}",
                file.display(),
                found.one,
                found.two,
                ports.one,
                ports.two
            ))
            .hint(again));
        }
    }
    Ok(())
}

/// With its file cache on, nginx would see the flag late.
pub(super) fn no_file_cache(around: &IncludeContext) -> StepResult<()> {
    match &around.file_cache {
        None => Ok(()),
        Some(directive) => Err(bad(format!(
            "nginx has `{directive};` where it looks at the slot flag, and would see a switch late"
        ))
        .hint("move it into the `location` blocks that serve files, or write `open_file_cache off;` in the `server` block")),
    }
}

fn not_ours(path: &Path, why: NotOurs) -> Failure {
    bad(format!("`{}` cannot be used: {why}", path.display()))
        .hint("run `pct-deploy provision` again: it keeps a copy and rewrites the file")
}

fn example(ports: &PerSlot<u16>) -> String {
    format!(
        "write a line like `set $service_url http://127.0.0.1:{};` into it",
        ports.one
    )
}

fn bad(what: impl Into<String>) -> Failure {
    Failure::new(Reason::PreflightFailed, what)
}

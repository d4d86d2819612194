//! What nginx obeys: the flag or the include, and the `server` blocks that use it. Looked at, never remembered.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::journal::entry::Switch;
use super::named;
use super::paths::AppPaths;
use crate::error::{Failure, Reason};
use crate::host::error::Trouble;
use crate::host::facts::Probe;
use crate::host::nginx::context::{self, IncludeContext, IncludePlace};
use crate::host::nginx::flag::{self, Described, FlagVersion, Format, NotOurs};
use crate::host::nginx::{self, Colours, Listen, NginxAt, NginxPlace, Scheme, SwitchFile};
use crate::host::{Files, Host};
use crate::protocol::plan::{Site, SwitchChoice};
use crate::protocol::slot::{PerSlot, Slot, SlotService};

/// How long a request through the public listener may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is said where nginx is not installed.
pub(super) const NO_NGINX: &str = "there is no nginx on the host, and none runs in a container";

/// The nginx that obeys the include, and the include as both it and this host know it.
pub(super) async fn place<H: Host>(host: &H, site: &Site) -> StepResult<NginxPlace> {
    let place = host.nginx_place(&site.proxy_include).await;
    let place = place.during(Reason::PreflightFailed, "cannot see where nginx runs")?;
    place.map_err(|why| bad(format!("setting `proxy-include`: {why}")).hint(why.cure()))
}

/// The whole configuration of nginx, which it must accept.
pub(super) async fn config<H: Host>(host: &H, nginx: &NginxAt) -> StepResult<String> {
    let config = host.nginx_config(nginx).await;
    if nginx.is_host() && matches!(&config, Err(error) if error.trouble == Trouble::Missing) {
        return config
            .during(Reason::PreflightFailed, NO_NGINX)
            .hint("install it from the distribution, `sudo apt-get install nginx` or `sudo dnf install nginx`, then run `pct-deploy provision --server-name NAME`; where nginx is a container, start that: `docker compose up -d nginx`");
    }
    let config = config
        .during(
            Reason::PreflightFailed,
            "nginx refuses its present configuration",
        )
        .hint(nginx.cure());
    config.map_err(|failure| {
        if failure.log_tail.iter().any(|line| line.contains('\u{feff}')) {
            failure.hint("that file begins with a byte order mark, which no editor shows: `sudo sed -i '1s/^\\xEF\\xBB\\xBF//' FILE` takes it out")
        } else {
            failure
        }
    })
}

/// The `server` blocks that use the include.
pub(super) fn sites(config: &str, include: &str) -> StepResult<Vec<nginx::ServerBlock>> {
    let sites = nginx::sites_with(config, include);
    if sites.is_empty() {
        return Err(bad(format!("no `server` block of nginx obeys `{include}`")).hint(format!(
            "add `include {include};` to the server block and `proxy_pass $service_url;` to its location; a file with an `upstream` needs `proxy_pass http://NAME;` there; or correct `proxy-include`"
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
    /// The path of the file that says it, or has nginx look at the flag.
    pub(super) include: String,
    /// What nginx calls the slots.
    pub(super) colours: Colours,
}

impl Obeyed {
    /// A file of the user's that names the slot: nothing is logged there.
    pub(super) fn by_reload(path: PathBuf, named: Slot, include: String, colours: Colours) -> Self {
        Self {
            switch: Switch::Reload(path),
            named,
            format: Format::Whole,
            is_earlier: false,
            own_logs: Vec::new(),
            include,
            colours,
        }
    }
}

/// Looks at what decides where requests go.
pub(super) async fn obeyed<H: Host>(
    host: &H,
    site: &Site,
    nginx: &NginxPlace,
    slots: &PerSlot<SlotService>,
    config: &str,
) -> StepResult<Obeyed> {
    if let NginxAt::Container(container) = &nginx.at {
        return named::obeyed(host, site, nginx, container, slots).await;
    }
    let (path, text) = include(host, site).await?;
    let include = path.display().to_string();
    let ports = slots.map(|slot| slot.port);
    let colours = Colours::of(config, &ports);
    let described = flag::describe(&text).map_err(|why| not_ours(&path, why))?;
    match (described, site.switch) {
        (Some(described), SwitchChoice::Auto | SwitchChoice::Flag) => {
            check(host, site, &path, &described, &ports, config).await?;
            let around = context::around(config, &include);
            no_file_cache(&around)?;
            fits(&around, &include)?;
            Ok(Obeyed {
                switch: Switch::Flag,
                named: by_flag(host, site).await?,
                format: described.version.format(),
                is_earlier: described.version != FlagVersion::NOW,
                own_logs: around.own_logs,
                include,
                colours,
            })
        }
        (Some(_), SwitchChoice::Reload) => Err(bad(format!(
            "setting `switch`: `{}` is made for the flag, not for a reload",
            path.display()
        ))
        .hint("write `switch: auto`, or put back the include that `provision` kept in the app's folder `backup`")),
        (None, SwitchChoice::Auto | SwitchChoice::Reload) => {
            let named = switch_file(&path, &text, &ports, &colours)?.live;
            Ok(Obeyed::by_reload(path, named, include, colours))
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

/// What the user's own file says of the slots.
pub(super) fn switch_file(
    path: &Path,
    text: &str,
    ports: &PerSlot<u16>,
    colours: &Colours,
) -> StepResult<SwitchFile> {
    SwitchFile::read(text, ports, colours).map_err(|problem| {
        let setting = format!("setting `proxy-include`: `{}`", path.display());
        bad(format!("{setting}: {problem}")).hint(problem.cure(ports))
    })
}

/// The ports that the include names, whatever it is made for; none when it cannot be read, which is refused elsewhere.
pub(super) async fn named_ports<F: Files>(host: &F, site: &Site) -> Vec<u16> {
    let read = async |path: &str| {
        let bytes = host.read(Path::new(path)).await.ok().flatten()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let Some(mut text) = read(&site.proxy_include).await else {
        return Vec::new();
    };
    if let Some(path) = nginx::pointed_to(&text) {
        text = read(path).await.unwrap_or_default();
    }
    match flag::describe(&text) {
        Ok(Some(described)) => vec![described.ports.one, described.ports.two],
        Ok(None) | Err(_) => nginx::local_ports(&text),
    }
}

/// What decides where requests go: the file that the setting names, or the include that this one names since
/// `provision` edited it.
pub(super) async fn include<H: Host>(host: &H, site: &Site) -> StepResult<(PathBuf, String)> {
    let path = PathBuf::from(&site.proxy_include);
    let text = read(host, site, &path).await?;
    match nginx::pointed_to(&text).map(PathBuf::from) {
        None => Ok((path, text)),
        Some(include) => {
            let text = read(host, site, &include).await?;
            Ok((include, text))
        }
    }
}

pub(super) async fn read<H: Host>(host: &H, site: &Site, path: &Path) -> StepResult<String> {
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
    config: &str,
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
    let name = flag::upstreams_file(&site.app);
    let upstreams = nginx::file_at_http_level(config, &name, path);
    let upstreams = upstreams.unwrap_or_else(|| path.with_file_name(name));
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

/// The flag must be looked at where nginx can be asked for the slot.
pub(super) fn fits(around: &IncludeContext, include: &str) -> StepResult<()> {
    match &around.place {
        IncludePlace::Server | IncludePlace::Location(_) => Ok(()),
        IncludePlace::Unfit(why) => Err(bad(format!(
            "`{include}` stands where the slot flag cannot be looked at: {why}"
        ))
        .hint(format!(
            "move `include {include};` out of it, into the `server` block"
        ))),
    }
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

fn bad(what: impl Into<String>) -> Failure {
    Failure::new(Reason::PreflightFailed, what)
}

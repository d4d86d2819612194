//! Which files shall hold what. Looks, changes nothing.

use std::path::{Path, PathBuf};

use super::units::{self, Unit};
use crate::agent::events::Events;
use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::homes::Homes;
use crate::agent::paths::AppPaths;
use crate::agent::prepare::warn_of_own_logs;
use crate::agent::route;
use crate::error::{Failure, Reason};
use crate::host::nginx::flag::{self, Described, FlagSwitch, Keeping};
use crate::host::nginx::{self, IncludePort, context};
use crate::host::{Host, Owner};
use crate::protocol::ids::ServerName;
use crate::protocol::provision::{Change, Provision};
use crate::protocol::slot::{PerSlot, Slot};

/// The variable of a site file of ours.
const VARIABLE: &str = "$service_url";

/// A file and what it shall hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// `None` means that it shall not be there.
    pub(super) wanted: Option<Vec<u8>>,
    pub(super) found: Option<Vec<u8>>,
    pub(super) owner: Owner,
    /// Whether nginx has to load it.
    pub(super) loaded: bool,
    pub(super) why: &'static str,
}

impl File {
    /// Whether there is anything to do.
    pub(super) fn differs(&self) -> bool {
        self.wanted != self.found
    }
}

/// Everything that shall be.
#[derive(Debug)]
pub(super) struct ProvisionPlan {
    /// In the order in which they are written; those that are right already are left out.
    pub(super) files: Vec<File>,
    /// `None` where systemd does not run.
    pub(super) units: Option<Vec<Unit>>,
    /// The slot that takes traffic, before and after.
    pub(super) live: Slot,
    /// Each `location` that has an `access_log` of its own, so that nginx drops ours there.
    pub(super) own_logs: Vec<String>,
    upstreams: PathBuf,
}

impl ProvisionPlan {
    /// What is, or would be, changed.
    pub(super) fn changes(&self) -> Vec<Change> {
        let change = |what: String, why: &str| Change {
            what,
            why: why.to_owned(),
            backup: None,
        };
        let files = self
            .files
            .iter()
            .map(|file| change(file.path.display().to_string(), file.why));
        let reload = self
            .files
            .iter()
            .any(|file| file.loaded)
            .then(|| change("nginx".to_owned(), "one last reload"));
        let units = self
            .units()
            .iter()
            .map(|unit| change(unit.path.display().to_string(), unit.why));
        files.chain(reload).chain(units).collect()
    }

    pub(super) fn units(&self) -> &[Unit] {
        self.units.as_deref().unwrap_or_default()
    }

    /// Says what this host will not do.
    pub(super) async fn warn<H: Host>(&self, events: &Events<'_, H>) {
        warn_of_own_logs(events, &self.own_logs).await;
        if self.units.is_none() {
            units::warn_of_no_systemd(events).await;
        }
    }

    /// nginx must read the upstreams, which lie beside the include.
    pub(super) fn is_read_in(&self, config: &str) -> StepResult<()> {
        let path = self.upstreams.display().to_string();
        let read = context::around(config, "").files.contains(&path);
        if read {
            return Ok(());
        }
        let folder = self
            .upstreams
            .parent()
            .unwrap_or(Path::new("/etc/nginx/conf.d"))
            .display();
        Err(bad(format!("nginx does not read `{path}`")).hint(format!(
            "add `include {folder}/*.conf;` to the `http` block of /etc/nginx/nginx.conf"
        )))
    }
}

/// Looks at the host and says what shall be changed.
pub(super) async fn plan<H: Host>(
    host: &H,
    order: &Provision,
    paths: &AppPaths,
) -> StepResult<ProvisionPlan> {
    let site = &order.site;
    let homes = Homes::read(host, site).await?;
    let ports = homes.slots.map(|slot| slot.port);
    let config = route::config(host).await?;
    let include = PathBuf::from(&site.proxy_include);
    let found = read(host, &include).await?;
    let text = found.as_deref().map(String::from_utf8_lossy);
    let taken = taken_over(host, order, text.as_deref(), &ports).await?;
    let around = context::around(&config, &site.proxy_include);
    route::no_file_cache(&around)?;
    let folder = paths.folder();
    // An nginx that does not tell is one that needs no word.
    let version = host.nginx_version().await.unwrap_or_default();
    let switch = FlagSwitch {
        keeping: Keeping::of(&version),
        app: &site.app,
        ports,
        variable: &taken.variable,
        folder: &folder,
        context: &around,
    };
    let upstreams = flag::upstreams_file(&include, &site.app);
    if text.as_deref().and_then(flag::claimed).is_none() {
        of_no_other(host, &upstreams, &ports).await?;
    }
    let flag_bytes = match taken.live {
        Slot::One => None,
        Slot::Two => Some(b"provision".to_vec()),
    };
    let log = paths.traffic_log();
    let mut files = vec![
        ours(host, log.clone(), "nginx's log of requests during a deploy").await?,
        flag_file(host, paths.flag(), flag_bytes).await?,
        roots(
            host,
            upstreams.clone(),
            switch.upstreams(),
            "both slots, each with the other one as its backup",
        )
        .await?,
        roots(
            host,
            include,
            switch.include(),
            "which slot takes traffic, told by a file instead of a reload",
        )
        .await?,
    ];
    let sites = nginx::sites_with(&config, &site.proxy_include);
    match &order.server_name {
        Some(name) if sites.is_empty() => {
            let path = flag::upstreams_file(Path::new(&site.proxy_include), &site.app)
                .with_file_name(format!("pct-deploy-{}.conf", site.app));
            let six = host
                .read(Path::new("/proc/net/if_inet6"))
                .await
                .ok()
                .flatten()
                .is_some_and(|text| !text.is_empty());
            let text = site_file(name, &site.proxy_include, six);
            files.push(roots(host, path, text, "the site itself: it listens on port 80").await?);
        }
        None if sites.is_empty() => {
            return Err(bad(format!(
                "no `server` block of nginx includes `{}`",
                site.proxy_include
            ))
            .hint(
                "give the site's name, `--server-name www.example.com`, and a site file is written",
            ));
        }
        Some(name)
            if sites
                .iter()
                .all(|site| !site.names.iter().any(|own| own == name.as_str())) =>
        {
            let names: Vec<&str> = sites
                .iter()
                .flat_map(|site| &site.names)
                .map(String::as_str)
                .collect();
            return Err(bad(format!("the `server` block that includes `{}` answers for `{}`, not for `{name}`", site.proxy_include, names.join(" ")))
                .hint(format!("add `{name}` to its `server_name`, or leave `--server-name` away: your own blocks stay as they are")));
        }
        Some(_) | None => {}
    }
    files.retain(File::differs);
    let units = units::wanted(host).await?;
    Ok(ProvisionPlan {
        files,
        units,
        live: taken.live,
        own_logs: around.own_logs,
        upstreams,
    })
}

/// What the present include says.
struct Taken {
    variable: String,
    live: Slot,
}

async fn taken_over<H: Host>(
    host: &H,
    order: &Provision,
    text: Option<&str>,
    ports: &PerSlot<u16>,
) -> StepResult<Taken> {
    let Some(text) = text else {
        return Ok(Taken {
            variable: VARIABLE.to_owned(),
            live: Slot::One,
        });
    };
    if let Some(variable) = flag::claimed(text) {
        // Ours, of whatever version and however changed: the flag says what is live.
        let live = route::by_flag(host, &order.site).await?;
        return Ok(Taken {
            variable: variable.to_owned(),
            live,
        });
    }
    let path = Path::new(&order.site.proxy_include);
    let live = route::by_port(path, text, ports)?;
    let found = IncludePort::find(text).map_err(|problem| bad(problem.to_string()))?;
    let others = nginx::statements_beside(text, &found.variable);
    if let Some(other) = others.first() {
        return Err(bad(format!(
            "`{}` also says `{other};`, which would be lost",
            path.display()
        ))
        .hint("move it into the `server` block, below the include, and run it again"));
    }
    Ok(Taken {
        variable: found.variable,
        live,
    })
}

/// Upstreams that this include does not use may be another one's, which goes on to send requests through them.
async fn of_no_other<H: Host>(host: &H, path: &Path, ports: &PerSlot<u16>) -> StepResult<()> {
    let Some(bytes) = read(host, path).await? else {
        return Ok(());
    };
    let said = match flag::describe(&String::from_utf8_lossy(&bytes)) {
        Ok(Some(described)) if described.ports == *ports => return Ok(()),
        Ok(Some(Described { ports, .. })) => {
            format!("sends requests to ports {} and {}", ports.one, ports.two)
        }
        Ok(None) => "is not one of ours".to_owned(),
        Err(why) => format!("cannot be read: {why}"),
    };
    Err(bad(format!(
        "`{}` is there, and {said}; another include may use it",
        path.display()
    ))
    .hint("is another project on this host deployed as the same app? give this one a name of its own: set `app`")
    .hint(format!(
        "when no include uses it: `sudo rm {}`, and run it again",
        path.display()
    )))
}

fn site_file(name: &ServerName, include: &str, six: bool) -> String {
    let six = if six { "    listen [::]:80;\n" } else { "" };
    format!(
        "# Written by `pct-deploy provision`. Yours from here on: add TLS, locations, limits.\n\
         server {{\n    listen 80;\n{six}    server_name {name};\n    include {include};\n\n    \
         location / {{\n        proxy_pass {VARIABLE};\n    }}\n}}\n"
    )
}

async fn read<H: Host>(host: &H, path: &Path) -> StepResult<Option<Vec<u8>>> {
    host.read(path).await.during(
        Reason::ProvisionFailed,
        format_args!("cannot read `{}`", path.display()),
    )
}

/// An empty file of ours, unless it is there: what it holds is not ours to say.
async fn ours<H: Host>(host: &H, path: PathBuf, why: &'static str) -> StepResult<File> {
    let found = read(host, &path).await?;
    let wanted = Some(found.clone().unwrap_or_default());
    Ok(File {
        path,
        wanted,
        found,
        owner: Owner::Us,
        loaded: false,
        why,
    })
}

/// The flag: whether it is there matters, not what it holds.
async fn flag_file<H: Host>(host: &H, path: PathBuf, wanted: Option<Vec<u8>>) -> StepResult<File> {
    let found = read(host, &path).await?;
    let wanted = wanted.and(found.clone().or(Some(b"provision".to_vec())));
    Ok(File {
        path,
        wanted,
        found,
        owner: Owner::Us,
        loaded: false,
        why: "the slot that takes traffic now",
    })
}

async fn roots<H: Host>(
    host: &H,
    path: PathBuf,
    text: String,
    why: &'static str,
) -> StepResult<File> {
    let found = read(host, &path).await?;
    Ok(File {
        path,
        wanted: Some(text.into_bytes()),
        found,
        owner: Owner::Root,
        loaded: true,
        why,
    })
}

fn bad(what: impl Into<String>) -> Failure {
    Failure::new(Reason::ProvisionFailed, what)
}

//! Which files shall hold what. Looks, changes nothing.

use std::path::{Path, PathBuf};

use super::files::{File, flag_file, ours, roots};
use super::taken::{self, VARIABLE};
use super::units::{self, Unit};
use crate::agent::events::Events;
use crate::agent::failure::StepResult;
use crate::agent::homes::Homes;
use crate::agent::paths::AppPaths;
use crate::agent::prepare::warn_of_own_logs;
use crate::agent::route;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::nginx::flag::{self, FlagSwitch, Keeping};
use crate::host::nginx::{self, context};
use crate::protocol::ids::ServerName;
use crate::protocol::provision::{Change, Provision};
use crate::protocol::slot::Slot;

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
    /// The path where nginx tells which slot takes traffic.
    pub(super) told_at: String,
    /// The include of ours.
    pub(super) include: String,
    upstreams: PathBuf,
}

impl ProvisionPlan {
    /// What is, or would be, changed.
    pub(super) fn changes(&self) -> Vec<Change> {
        let change = |what: String, why: &str| Change {
            what,
            why: why.to_owned(),
            backup: None,
            diff: Vec::new(),
        };
        let files = self.files.iter().map(|file| Change {
            diff: file.diff.clone(),
            ..change(file.path.display().to_string(), file.why)
        });
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

    /// nginx must read the upstreams.
    pub(super) fn is_read_in(&self, config: &str) -> StepResult<()> {
        let path = self.upstreams.display().to_string();
        let read = context::around(config, "").files.contains(&path);
        if read {
            return Ok(());
        }
        Err(unread(&path, config))
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
    let taken = taken::take_over(host, order, &ports, config).await?;
    let (config, include) = (&taken.config, taken.include.display().to_string());
    let around = context::around(config, &include);
    route::no_file_cache(&around)?;
    route::fits(&around, &include)?;
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
    let name = flag::upstreams_file(&site.app);
    let upstreams = nginx::file_at_http_level(config, &name, &taken.include)
        .ok_or_else(|| unread(&name, config))?;
    let told_at = switch.told_at();
    if !taken.is_ours() {
        taken::of_no_other(host, &upstreams, &ports).await?;
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
            taken.include.clone(),
            switch.include(),
            "which slot takes traffic, told by a file instead of a reload",
        )
        .await?,
    ];
    let sites = nginx::sites_with(config, &include);
    files.extend(taken.edited);
    match &order.server_name {
        Some(name) if sites.is_empty() => {
            let path = upstreams.with_file_name(format!("pct-deploy-{}.conf", site.app));
            let six = host
                .read(Path::new("/proc/net/if_inet6"))
                .await
                .ok()
                .flatten()
                .is_some_and(|text| !text.is_empty());
            let text = site_file(name, &include, six);
            files.push(roots(host, path, text, "the site itself: it listens on port 80").await?);
        }
        None if sites.is_empty() => {
            return Err(bad(format!(
                "no `server` block of nginx includes `{include}`"
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
            return Err(bad(format!("the `server` block that includes `{}` answers for `{}`, not for `{name}`", include, names.join(" ")))
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
        told_at,
        include,
        upstreams,
    })
}

/// No folder that the `http` block reads takes the file.
fn unread(file: &str, config: &str) -> Failure {
    let first = nginx::first_file(config);
    let folder = Path::new(first).parent().unwrap_or(Path::new("/etc/nginx"));
    bad(format!("nginx does not read `{file}` in its `http` block")).hint(format!(
        "add `include {}/conf.d/*.conf;` to the `http` block of {first}, above the `server` blocks and their includes",
        folder.display()
    ))
}

fn site_file(name: &ServerName, include: &str, six: bool) -> String {
    let six = if six { "    listen [::]:80;\n" } else { "" };
    format!(
        "# Written by `pct-deploy provision`. Yours from here on: add TLS, locations, limits.\n\
         server {{\n    listen 80;\n{six}    server_name {name};\n    include {include};\n\n    \
         location / {{\n        proxy_pass {VARIABLE};\n    }}\n}}\n"
    )
}

fn bad(what: impl Into<String>) -> Failure {
    Failure::new(Reason::ProvisionFailed, what)
}

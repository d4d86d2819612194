//! Prepares a host for the flag switch: folders, nginx's files, recovery at boot. Safe to run again.
//!
//! [`plan`](plan::plan) says which files shall hold what, [`mod@write`] puts them there. At every instant what is on disk
//! is a configuration that sends requests to the live slot: the flag is right before the include that looks at it,
//! and the upstreams are there before the include that names them. When nginx refuses the result, every byte is put
//! back.

mod diff;
#[cfg(test)]
mod edit_tests;
mod files;
mod plan;
mod taken;
#[cfg(test)]
mod tests;
mod units;
mod write;

use std::cell::Cell;

use super::events::Events;
use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::lock;
use super::owner::{self, FolderState};
use super::paths::AppPaths;
use super::recover::recover;
use super::{reload, route};
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::facts::Probe;
use crate::host::nginx::NginxAt;
use crate::protocol::provision::{Change, Provision, ProvisionMode};
use crate::protocol::slot::Slot;
use plan::ProvisionPlan;
pub(super) use units::{no_systemd, units_missing};
use write::Written;

/// Does what is asked; what is in place already is left alone and not named.
pub(super) async fn provision<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    order: &Provision,
    cancel: &Cell<bool>,
) -> StepResult<Vec<Change>> {
    host.can_act_as_root()
        .await
        .during(
            Reason::ProvisionFailed,
            "nginx's files cannot be written: `sudo -n` does not work",
        )
        .hint("give the SSH user passwordless sudo while it is provisioned, or connect as root; deploys need less, which `provision` prints")?;
    let paths = AppPaths::new(&order.site.app);
    let known = owner::look(host, &order.site).await?;
    if order.mode == ProvisionMode::DryRun {
        let plan = plan::plan(host, order, &paths).await?;
        plan.warn(events).await;
        return Ok(plan.changes());
    }
    if known == FolderState::New {
        // A mistyped `app` leaves nothing behind.
        Box::pin(plan::plan(host, order, &paths)).await?;
    }
    for folder in [
        paths.folder(),
        paths.events(),
        paths.archive(),
        paths.backups(),
    ] {
        host.make_folder(&folder)
            .await
            .during(Reason::ProvisionFailed, "cannot make the app's folders")?;
    }
    let lock = lock::take(
        host,
        events,
        &paths,
        order.site.lock_wait,
        "provision",
        cancel,
    )
    .await?;
    let done = locked(host, events, order, &paths).await;
    drop(lock);
    done
}

async fn locked<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    order: &Provision,
    paths: &AppPaths,
) -> StepResult<Vec<Change>> {
    recover(host, paths).await?;
    let plan = plan::plan(host, order, paths).await?;
    plan.warn(events).await;
    owner::claim(host, &order.site).await?;
    // What is started at boot from now on.
    let current = host.become_current(&AppPaths::current_agent()).await;
    current.during(
        Reason::ProvisionFailed,
        "cannot name the agent that runs at boot",
    )?;
    let changes = write::backed_up(host, paths, &plan).await?;
    let mut written = Written::default();
    let done = write_and_load(host, &plan, &mut written).await;
    if let Err(error) = done {
        return Err(match written.put_back(host).await {
            Ok(()) => error,
            Err(left) => error.hint(format!(
                "not everything could be put back ({}); the old files are in `{}`",
                left.summary(),
                paths.backups().display()
            )),
        });
    }
    units::install(host, plan.units()).await?;
    Ok(changes)
}

async fn write_and_load<H: Host>(
    host: &H,
    plan: &ProvisionPlan,
    written: &mut Written,
) -> StepResult<()> {
    for file in &plan.files {
        written.put(host, file).await?;
    }
    if plan.files.iter().any(|file| file.loaded) {
        reload::during(&NginxAt::Host, host.nginx_test(&NginxAt::Host).await)?;
        let config = route::config(host, &NginxAt::Host).await?;
        plan.is_read_in(&config)?;
        written.note_load();
        reload::reload(host, &NginxAt::Host).await?;
    }
    let config = route::config(host, &NginxAt::Host).await?;
    let sites = route::sites(&config, &plan.include)?;
    match route::public_probes(&sites, &plan.told_at) {
        (Some(probe), _) => asks(host, &probe, plan.live).await,
        (None, _) => Ok(()),
    }
}

/// nginx itself says which slot it uses now.
async fn asks<H: Host>(host: &H, probe: &Probe, live: Slot) -> StepResult<()> {
    let said = host.text(probe).await;
    if said.as_deref() == Some(live.to_string().as_str()) {
        return Ok(());
    }
    let said = said.unwrap_or_else(|| "nothing".to_owned());
    Err(Failure::new(
        Reason::ProvisionFailed,
        format!(
            "nginx ({}, Host {}) says `{said}` when asked for its slot, not `{live}`",
            probe.address, probe.host
        ),
    )
    .hint(
        "does another `server` block answer for that name? `sudo nginx -T | grep -n server_name`",
    ))
}

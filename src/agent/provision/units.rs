//! What keeps the host well between deploys: systemd settles at boot what was cut short and brings nginx back when it
//! dies, and containers outlive the Docker daemon.

use std::path::{Path, PathBuf};

use crate::agent::events::Events;
use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::projects::Note;
use crate::error::Reason;
use crate::host::facts::LiveRestore;
use crate::host::{Access, Host, HostResult, Owner};
use crate::protocol::place;

/// The unit that runs at boot.
const RECOVER: &str = "pct-deploy-recover.service";
/// What the timer starts.
const SETTLE: &str = "pct-deploy-settle.service";
const TIMER: &str = "pct-deploy-settle.timer";

/// A file of root's and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) found: Option<Vec<u8>>,
    pub(super) then: UnitAction,
    pub(super) why: &'static str,
}

/// What has to be done once the file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnitAction {
    /// It is a unit to be started at boot.
    Enable(&'static str),
    /// The same, and now.
    Start(&'static str),
    /// It is read with the others.
    Nothing,
    /// A service has to read it.
    Reload(&'static str),
}

/// Where systemd finds what administrators write.
const UNITS: &str = "/etc/systemd/system";
const CANNOT_INSTALL: &str = "cannot install what keeps the host well";

/// The files that are not as they shall be; `None` where systemd does not run, as in a container or with another init.
pub(super) async fn wanted<H: Host>(host: &H) -> StepResult<Option<Vec<Unit>>> {
    let missing = missing(host).await;
    missing.during(Reason::ProvisionFailed, CANNOT_INSTALL)
}

/// What nobody does then, and what does the same.
pub(super) async fn warn_of_no_systemd<H: Host>(events: &Events<'_, H>) {
    let [text, hint] = no_systemd();
    events.warn(text, hint).await;
}

pub(in crate::agent) fn no_systemd() -> Note {
    let text = "systemd does not run on this host, so no units are installed: after a boot nothing settles what was cut short nor keeps the live slot alone, and nginx stays down when it dies";
    let hint = format!(
        "have your init, or cron, run `{}` after each boot and `{}` every two minutes, as the SSH user",
        place::RECOVER,
        place::SETTLE
    );
    [text.to_owned(), hint]
}

/// The units that are not as they shall be; `None` where systemd does not run.
pub(in crate::agent) async fn units_missing<H: Host>(host: &H) -> HostResult<Option<Vec<PathBuf>>> {
    let missing = missing(host).await?;
    let units = |missing: Vec<Unit>| {
        let paths = missing.into_iter().map(|unit| unit.path);
        paths.filter(|path| path.starts_with(UNITS)).collect()
    };
    Ok(missing.map(units))
}

async fn missing<H: Host>(host: &H) -> HostResult<Option<Vec<Unit>>> {
    let runs = host.list(Path::new("/run/systemd")).await?;
    if !runs.iter().any(|name| name == "system") {
        return Ok(None);
    }
    let folder = Path::new(UNITS);
    let user = host.user().await?;
    let unit = |path: &str, text, then, why| Unit {
        path: folder.join(path),
        text,
        found: None,
        then,
        why,
    };
    let mut all = vec![
        unit(
            RECOVER,
            recover_unit(&user),
            UnitAction::Enable(RECOVER),
            "at boot and when Docker started again: settles what was cut short, and one slot runs, the live one",
        ),
        unit(
            SETTLE,
            settle_unit(&user),
            UnitAction::Nothing,
            "ends what a deploy left open that nobody is at work on",
        ),
        unit(
            TIMER,
            SETTLE_TIMER.to_owned(),
            UnitAction::Start(TIMER),
            "does so every two minutes",
        ),
        unit(
            "nginx.service.d/pct-deploy.conf",
            NGINX.to_owned(),
            UnitAction::Nothing,
            "nginx restarts when it dies",
        ),
    ];
    all.extend(live_restore(host).await?);
    let mut missing = Vec::new();
    for unit in all {
        let found = host.read(&unit.path).await?;
        if found.as_deref() != Some(unit.text.as_bytes()) {
            missing.push(Unit { found, ..unit });
        }
    }
    Ok(Some(missing))
}

/// Docker's settings with `live-restore`, unless it is on, cannot be, or its owner has said something about it.
async fn live_restore<H: Host>(host: &H) -> HostResult<Option<Unit>> {
    let docker = host.docker().await?;
    match docker.live_restore {
        LiveRestore::Off => {}
        LiveRestore::On | LiveRestore::Impossible => return Ok(None),
    }
    let path = PathBuf::from("/etc/docker/daemon.json");
    let found = host.read(&path).await?;
    let text = with_live_restore(found.as_deref());
    Ok(text.map(|text| Unit {
        path,
        text,
        found: None,
        then: UnitAction::Reload("docker"),
        why: "containers go on when the Docker daemon dies or is updated",
    }))
}

/// The same settings and `live-restore`; `None` when there is nothing to add or the file is not for us to mend.
fn with_live_restore(found: Option<&[u8]>) -> Option<String> {
    let text = found
        .filter(|bytes| !bytes.trim_ascii().is_empty())
        .unwrap_or(b"{}");
    let mut settings: serde_json::Value = serde_json::from_slice(text).ok()?;
    let object = settings.as_object_mut()?;
    if object.contains_key("live-restore") {
        return None;
    }
    object.insert("live-restore".to_owned(), true.into());
    serde_json::to_string_pretty(&settings)
        .ok()
        .map(|text| text + "\n")
}

/// Writes them and has systemd read them. When that cannot be, every byte is put back.
pub(super) async fn install<H: Host>(host: &H, units: &[Unit]) -> StepResult<()> {
    if units.is_empty() {
        return Ok(());
    }
    let done = write_and_load(host, units).await;
    if done.is_err() {
        put_back(host, units).await;
    }
    done.during(Reason::ProvisionFailed, CANNOT_INSTALL)
}

async fn write_and_load<H: Host>(host: &H, units: &[Unit]) -> HostResult<()> {
    for unit in units {
        if let Some(folder) = unit.path.parent() {
            host.make_root_folder(folder).await?;
        }
        let text = unit.text.as_bytes();
        host.replace(&unit.path, text, Owner::Root, Access::Public)
            .await?;
    }
    let (mut enable, mut start, mut reload) = (Vec::new(), Vec::new(), Vec::new());
    for unit in units {
        match unit.then {
            UnitAction::Enable(name) => enable.push(name),
            UnitAction::Start(name) => start.push(name),
            UnitAction::Reload(name) => reload.push(name),
            UnitAction::Nothing => {}
        }
    }
    host.load_units(&enable, &start, &reload).await
}

/// As far as it goes: the error that led here is the one to tell, and the copies are there.
async fn put_back<H: Host>(host: &H, units: &[Unit]) {
    for unit in units.iter().rev() {
        let put = match &unit.found {
            Some(bytes) => {
                host.replace(&unit.path, bytes, Owner::Root, Access::Public)
                    .await
            }
            None => host.remove(&unit.path, Owner::Root).await,
        };
        drop(put);
    }
    drop(host.load_units(&[], &[], &[]).await);
}

/// Each app has a time of its own; the agent sees to that. Whatever starts Docker wants this unit, so it also runs when the
/// daemon was restarted without a reboot.
fn recover_unit(user: &str) -> String {
    let recover = place::RECOVER;
    format!(
        "# Written by `pct-deploy provision`.\n\
         [Unit]\nDescription=Settle pct-deploy runs that were cut short and run the live slots, and no others\n\
         After=docker.service nginx.service\nWants=docker.service\n\n\
         [Service]\nType=oneshot\nUser={user}\nExecStart={recover}\nTimeoutStartSec=infinity\n\n\
         [Install]\nWantedBy=multi-user.target docker.service\n"
    )
}

fn settle_unit(user: &str) -> String {
    let settle = place::SETTLE;
    format!(
        "# Written by `pct-deploy provision`.\n\
         [Unit]\nDescription=End what pct-deploy runs left open\nAfter=docker.service\n\n\
         [Service]\nType=oneshot\nUser={user}\nExecStart={settle}\nTimeoutStartSec=infinity\n"
    )
}

const SETTLE_TIMER: &str = "\
# Written by `pct-deploy provision`.
[Unit]
Description=End what pct-deploy runs left open

[Timer]
OnActiveSec=2min
OnUnitInactiveSec=2min
AccuracySec=30s

[Install]
WantedBy=timers.target
";

const NGINX: &str = "\
# Written by `pct-deploy provision`.
[Unit]
StartLimitIntervalSec=0

[Service]
Restart=on-failure
RestartSec=200ms
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_docker_keep_what_their_owner_wrote() {
        let with = |text: &str| with_live_restore(Some(text.as_bytes()));
        assert_eq!(
            with_live_restore(None).unwrap(),
            "{\n  \"live-restore\": true\n}\n"
        );
        let both = with("{\"log-driver\": \"local\", \"bip\": \"10.9.0.1/24\"}").unwrap();
        for kept in [
            "\"log-driver\": \"local\"",
            "\"bip\": \"10.9.0.1/24\"",
            "\"live-restore\": true",
        ] {
            assert!(both.contains(kept), "{both}");
        }
        assert_eq!(with("{\"live-restore\": false}"), None, "they said no");
        assert_eq!(with("not JSON"), None, "not ours to change");
        assert_eq!(with("[]"), None);
    }
}

//! What systemd shall do: settle at boot what was cut short, and bring nginx back when it dies.

use std::path::{Path, PathBuf};

use crate::agent::failure::{StepError, StepResult};
use crate::agent::paths::STATE_ROOT;
use crate::error::Reason;
use crate::host::{Access, Host, Owner};

/// The unit that runs at boot.
const RECOVER: &str = "pct-deploy-recover.service";

/// A file of systemd's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// What is to be started at boot.
    pub(super) enable: Option<&'static str>,
    pub(super) why: &'static str,
}

/// The units that are not as they shall be; none where systemd does not run.
pub(super) async fn wanted<H: Host>(host: &H) -> StepResult<Vec<Unit>> {
    let failed = |error| {
        StepError::host(
            Reason::ProvisionFailed,
            "cannot look at systemd's files",
            &error,
        )
    };
    if host
        .list(Path::new("/run/systemd/system"))
        .await
        .map_err(failed)?
        .is_empty()
    {
        return Ok(Vec::new());
    }
    let folder = Path::new("/etc/systemd/system");
    let user = host.user().await.map_err(failed)?;
    let program = host.own_program().await.map_err(failed)?;
    let all = [
        Unit {
            path: folder.join(RECOVER),
            text: recover_unit(&user, &stable(&program)),
            enable: Some(RECOVER),
            why: "at boot: settles a deploy that was cut short and starts the live slot",
        },
        Unit {
            path: folder.join("nginx.service.d/pct-deploy.conf"),
            text: NGINX.to_owned(),
            enable: None,
            why: "nginx comes back by itself when it dies",
        },
    ];
    let mut missing = Vec::new();
    for unit in all {
        let found = host.read(&unit.path).await.map_err(failed)?;
        if found.as_deref() != Some(unit.text.as_bytes()) {
            missing.push(unit);
        }
    }
    Ok(missing)
}

/// Writes them and has systemd read them.
pub(super) async fn install<H: Host>(host: &H, units: &[Unit]) -> StepResult<()> {
    let failed = |error| {
        StepError::host(
            Reason::ProvisionFailed,
            "cannot install what runs at boot",
            &error,
        )
    };
    for unit in units {
        if let Some(folder) = unit.path.parent() {
            host.make_root_folder(folder).await.map_err(failed)?;
        }
        host.replace(
            &unit.path,
            unit.text.as_bytes(),
            Owner::Root,
            Access::Public,
        )
        .await
        .map_err(failed)?;
    }
    if units.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = units.iter().filter_map(|unit| unit.enable).collect();
    host.load_units(&names).await.map_err(failed)
}

/// The agent that was uploaded last, by a name that does not change with its version.
fn stable(program: &Path) -> PathBuf {
    let uploaded = Path::new(STATE_ROOT).join("bin");
    if program.parent() == Some(&uploaded) {
        uploaded.join("current")
    } else {
        program.to_owned()
    }
}

fn recover_unit(user: &str, program: &Path) -> String {
    format!(
        "# Written by `pct-deploy provision`.\n\
         [Unit]\nDescription=Settle pct-deploy runs that were cut short and start the live slots\n\
         After=docker.service nginx.service\nWants=docker.service\n\n\
         [Service]\nType=oneshot\nUser={user}\nExecStart={} agent recover\nTimeoutStartSec=600\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        program.display()
    )
}

const NGINX: &str = "\
# Written by `pct-deploy provision`.
[Unit]
StartLimitIntervalSec=0

[Service]
Restart=on-failure
RestartSec=200ms
";

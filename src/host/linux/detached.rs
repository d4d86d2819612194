//! Our own program once more, in a session of its own: it outlives whoever started it.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use tokio::process::{Child, Command};

use super::super::HostResult;
use super::super::error::{HostError, Trouble};
use super::process::Program;
use super::root;
use crate::clients::environment::find_program;

const BUS_DEADLINE: Duration = Duration::from_secs(10);

/// Starts our own program with these arguments; all three standard streams are pipes to us. It has our environment,
/// and calls [`leave`] before anything else.
///
/// Dropping the child ends nothing.
pub fn spawn(args: &[&str]) -> HostResult<Child> {
    let name = std::env::args_os()
        .next()
        .unwrap_or_else(|| "pct-deploy".into());
    // By the kernel's link: the file may have been replaced since we were started.
    Command::new("/proc/self/exe")
        .arg0(name)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(false)
        .spawn()
        .map_err(|error| HostError::io("start the worker", error))
}

/// Begins again with these arguments as whoever `folder` belongs to, unless that is us: what is written there must not belong
/// to somebody else. Returns when it is ours, or not there, and when it cannot be done.
pub fn become_owner_of(folder: &Path, args: &[&str]) -> HostResult<()> {
    let doing = || format!("act as the owner of `{}`", folder.display());
    let owner = match std::fs::metadata(folder) {
        Ok(facts) => facts.uid(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(HostError::io(doing(), error)),
    };
    if owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let sudo = find_program("sudo").ok_or_else(|| {
        HostError::new(Trouble::Missing, doing()).because("`sudo` is not installed")
    })?;
    let error = std::process::Command::new(sudo)
        .args(["-n", "-H", "-u", &format!("#{owner}"), "--"])
        .arg(root::own_program()?)
        .args(args)
        .exec();
    Err(HostError::io(doing(), error))
}

/// Leaves the login of whoever started us, where logind ends everything of a login with it (`KillUserProcesses=yes`): a session
/// of our own is no way out of that. systemd moves us into a scope beside its services.
pub async fn leave_login() -> HostResult<()> {
    let doing = "leave the login";
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    if !is_in_login(&groups) {
        return Ok(());
    }
    let asks = Program::find("busctl", doing)?.args([
        "get-property",
        "org.freedesktop.login1",
        "/org/freedesktop/login1",
        "org.freedesktop.login1.Manager",
        "KillUserProcesses",
    ]);
    let kills = asks.deadline(BUS_DEADLINE).capture().await?;
    if String::from_utf8_lossy(&kills).trim() != "b true" {
        return Ok(());
    }
    move_to_scope().await
}

/// Moves us into a scope of our own, which ends when we do.
pub async fn move_to_scope() -> HostResult<()> {
    let pid = std::process::id().to_string();
    let moves = root::program("busctl", "move to a scope of our own")?
        .args([
            "call",
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
            "StartTransientUnit",
            "ssa(sv)a(sa(sv))",
        ])
        .args([
            &format!("pct-deploy-{pid}.scope"),
            "fail",
            "1",
            "PIDs",
            "au",
            "1",
            &pid,
            "0",
        ]);
    moves.deadline(BUS_DEADLINE).finish().await
}

/// `/user.slice/user-1000.slice/session-3.scope`, in systemd's own hierarchy or the only one.
fn is_in_login(groups: &str) -> bool {
    let paths = groups.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths
        .flat_map(|path| path.split('/'))
        .any(|part| part.starts_with("session-") && part.ends_with(".scope"))
}

/// Leaves no core file with what we know in it, and lets nobody of the same user look into us. Where the kernel refuses, the
/// work goes on.
pub fn keep_to_ourselves() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}

/// Leaves the session of whoever started us: no terminal, no hang-up, no signal to its group reaches us.
pub fn leave() -> HostResult<()> {
    rustix::process::setsid()
        .map(drop)
        .map_err(|error| HostError::io("begin a session", error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_told_from_a_service() {
        let login = "1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n0::/\n";
        assert!(is_in_login(login));
        assert!(is_in_login(
            "0::/user.slice/user-1000.slice/session-c1.scope\n"
        ));
        assert!(!is_in_login("0::/system.slice/ssh.service\n"));
        assert!(!is_in_login("0::/system.slice/pct-deploy-7.scope\n"));
        assert!(!is_in_login(""));
    }
}

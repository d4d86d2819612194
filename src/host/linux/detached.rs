//! Our own program once more, in a session of its own: it outlives whoever started it.

use std::process::Stdio;

use tokio::process::{Child, Command};

use super::super::HostResult;
use super::super::error::HostError;

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

/// Leaves the session of whoever started us: no terminal, no hang-up, no signal to its group reaches us.
pub fn leave() -> HostResult<()> {
    rustix::process::setsid()
        .map(drop)
        .map_err(|error| HostError::io("begin a session", error.into()))
}

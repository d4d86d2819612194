//! A worker process behind PID 1, as behind a shell or a small init: what can be killed without killing PID 1.

use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::stop::{self, Stop};

const TICK: Duration = Duration::from_millis(50);
/// The worker's standard input is its parent's: its end is the wish to stop.
const WORKER: &str = "HELLO_WORKER";

/// Whether this process is the worker.
pub(crate) fn is_worker() -> bool {
    std::env::var_os(WORKER).is_some()
}

/// Runs this program once more as the worker and ends as it ends; a stop is passed on.
pub(crate) fn supervise(stop: &Stop) -> io::Result<ExitCode> {
    let mut worker = Command::new(std::env::current_exe()?)
        .env(WORKER, "1")
        .stdin(Stdio::piped())
        .spawn()?;
    println!("hello: worker {} started", worker.id());
    let status = until_it_ends(&mut worker, stop)?;
    println!("hello: the worker ended: {status}");
    Ok(ExitCode::from(code(status)))
}

fn until_it_ends(worker: &mut Child, stop: &Stop) -> io::Result<ExitStatus> {
    let mut input = worker.stdin.take();
    loop {
        if stop.sleep(TICK) && input.take().is_some() {
            println!("hello: the worker is asked to end");
        }
        if let Some(status) = worker.try_wait()? {
            return Ok(status);
        }
        if input.is_none() {
            // A raised stop ends every sleep at once.
            std::thread::sleep(TICK);
        }
    }
}

/// As a shell tells it: 137 for SIGKILL.
fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// Raises `stop` when the parent closes standard input or is gone.
pub(crate) fn on_parent(stop: &Arc<Stop>, port: u16) -> io::Result<()> {
    let stop = Arc::clone(stop);
    std::thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(move || {
            drop(io::stdin().read_to_end(&mut Vec::new()));
            stop::raise_and_wake(&stop, port);
        })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_told_as_a_shell_tells_it() {
        assert_eq!(code(ExitStatus::from_raw(9)), 137);
        assert_eq!(code(ExitStatus::from_raw(3 << 8)), 3);
    }

    #[test]
    fn a_worker_that_is_asked_to_end_ends() -> io::Result<()> {
        // `cat` ends with its input, as the worker does.
        let mut worker = Command::new("cat").stdin(Stdio::piped()).spawn()?;
        let stop = Stop::default();
        stop.raise();
        assert!(until_it_ends(&mut worker, &stop)?.success());
        Ok(())
    }

    #[test]
    fn a_killed_worker_is_noticed() -> io::Result<()> {
        let mut worker = Command::new("cat").stdin(Stdio::piped()).spawn()?;
        worker.kill()?;
        let status = until_it_ends(&mut worker, &Stop::default())?;
        assert_eq!(code(status), 137);
        Ok(())
    }
}

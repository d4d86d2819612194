//! SIGINT, SIGTERM and SIGHUP: the binary is PID 1 in the action's container, where an unhandled signal is ignored.
//!
//! A run that is asked to end has seven seconds, counted from the signal: GitHub's runner sends SIGINT,
//! after 7.5 s SIGTERM, after another 2.5 s it kills. [`deadlines`] shares them out.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::remote::leftovers;
use crate::error::{Error, ExitCode, Result};
use crate::report::{Reporter, deadlines};

/// The signal that asked for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal was closed, or the connection to it was lost.
    Hangup,
}

impl Cancelled {
    /// The exit code that a shell would give.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Interrupt => ExitCode::Interrupted,
            Self::Terminate | Self::Hangup => ExitCode::Terminated,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Hangup => "SIGHUP",
        }
    }
}

/// The first signal, and when it came.
#[derive(Debug, Clone, Copy)]
struct FirstSignal {
    signal: Cancelled,
    at: Instant,
}

/// Tells every part of a run that it should end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel {
    seen: watch::Receiver<Option<FirstSignal>>,
}

impl Cancel {
    /// Installs the handlers; call it before any other work.
    ///
    /// They have a thread of their own, so that they are heard however busy the run is. A second signal ends
    /// the process at once with its exit code: the host settles by itself, and no key and no connection stay behind.
    /// So does the hard limit.
    pub fn install() -> Result<Self> {
        let (send, seen) = watch::channel(None);
        let (ready, installed) = mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || listen(&send, &ready))
            .map_err(no_handler)?;
        match installed.recv() {
            Ok(Ok(())) => Ok(Self { seen }),
            Ok(Err(error)) => Err(no_handler(error)),
            Err(gone) => Err(no_handler(io::Error::other(gone))),
        }
    }

    /// A run that nothing cancels.
    pub fn never() -> Self {
        let (send, seen) = watch::channel(None);
        // The sender may go: `requested` then waits for ever.
        drop(send);
        Self { seen }
    }

    /// One that a test makes happen.
    #[cfg(test)]
    pub(super) fn by_hand() -> (Self, impl Fn(Cancelled)) {
        let (send, seen) = watch::channel(None);
        let ask = move |signal| {
            let at = Instant::now();
            send.send_replace(Some(FirstSignal { signal, at }));
        };
        (Self { seen }, ask)
    }

    /// What was asked for so far.
    pub fn now(&self) -> Option<Cancelled> {
        self.seen.borrow().map(|asked| asked.signal)
    }

    /// Returns when an end is asked for.
    pub async fn requested(&self) -> Cancelled {
        self.asked().await.signal
    }

    /// Returns when an end was asked for this long ago.
    pub async fn passed(&self, time: Duration) -> Cancelled {
        let asked = self.asked().await;
        tokio::time::sleep_until(asked.at + time).await;
        asked.signal
    }

    /// Does work; once an end is asked for says so, and keeps what is told to the time that is left.
    pub async fn hurry<T>(&self, reporter: &Reporter, work: impl Future<Output = T>) -> T {
        let hurry = async {
            let asked = self.asked().await;
            let name = asked.signal.name();
            let text = format!("{name}: this run ends within 7 s; another signal ends it at once");
            reporter.hurry(asked.at + deadlines::REPORTED, &text);
            std::future::pending().await
        };
        tokio::select! {
            biased;
            never = hurry => never,
            done = work => done,
        }
    }

    async fn asked(&self) -> FirstSignal {
        let mut seen = self.seen.clone();
        match seen.wait_for(Option::is_some).await.map(|value| *value) {
            Ok(Some(asked)) => asked,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

fn no_handler(error: io::Error) -> Error {
    Error::bug("cannot install a signal handler").because(error)
}

#[expect(
    clippy::exit,
    reason = "a second signal and the hard limit end the process wherever it is"
)]
fn listen(
    send: &watch::Sender<Option<FirstSignal>>,
    ready: &mpsc::SyncSender<Result<(), io::Error>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let mut handlers = match Handlers::install() {
            Ok(handlers) => handlers,
            Err(error) => return drop(ready.send(Err(error))),
        };
        drop(ready.send(Ok(())));
        let first = handlers.next().await;
        let at = Instant::now();
        send.send_replace(Some(FirstSignal { signal: first, at }));
        let last = tokio::select! {
            second = handlers.next() => second,
            () = tokio::time::sleep_until(at + deadlines::EXIT) => first,
        };
        // Nothing is dropped from here on.
        leftovers::clear();
        std::process::exit(last.exit_code() as i32);
    });
}

struct Handlers {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Handlers {
    fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if is_hangup_ignored() {
                // Started by `nohup`: whoever wrote that wants the run to go on.
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
        })
    }

    async fn next(&mut self) -> Cancelled {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Cancelled::Interrupt,
            _ = self.terminate.recv() => Cancelled::Terminate,
            _ = hangup => Cancelled::Hangup,
        }
    }
}

/// Whether SIGHUP was ignored when this process was started.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_ignored_in(&status)
}

/// Bit 0 of the mask is signal 1.
fn is_ignored_in(status: &str) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hangup_that_the_parent_ignores_stays_ignored() {
        let of = |mask: &str| is_ignored_in(&format!("Name:\tx\nSigIgn:\t{mask}\nSigCgt:\t1\n"));
        assert!(of("0000000000001001"));
        assert!(!of("0000000000001000"));
        assert!(!is_ignored_in(""));
    }
}

//! SIGINT and SIGTERM: the binary is PID 1 in the action's container, where an unhandled signal is ignored.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Error, ExitCode, Result};

/// The signal that asked for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Cancelled {
    /// The exit code that a shell would give.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Interrupt => ExitCode::Interrupted,
            Self::Terminate => ExitCode::Terminated,
        }
    }
}

/// Tells every part of a run that it should end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel {
    seen: watch::Receiver<Option<Cancelled>>,
}

impl Cancel {
    /// Installs the handlers; call it before any other work, inside a runtime.
    ///
    /// A second signal ends the process at once with its exit code: the host settles by itself.
    pub fn install() -> Result<Self> {
        let handler = |kind| {
            signal(kind)
                .map_err(|error| Error::bug("cannot install a signal handler").because(error))
        };
        let mut interrupt = handler(SignalKind::interrupt())?;
        let mut terminate = handler(SignalKind::terminate())?;
        let (send, seen) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                let signal = tokio::select! {
                    _ = interrupt.recv() => Cancelled::Interrupt,
                    _ = terminate.recv() => Cancelled::Terminate,
                };
                let second = send.send_replace(Some(signal)).is_some();
                if second {
                    std::process::exit(signal.exit_code() as i32);
                }
            }
        });
        Ok(Self { seen })
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
    pub(super) fn by_hand() -> (Self, watch::Sender<Option<Cancelled>>) {
        let (send, seen) = watch::channel(None);
        (Self { seen }, send)
    }

    /// What was asked for so far.
    pub fn now(&self) -> Option<Cancelled> {
        *self.seen.borrow()
    }

    /// Returns when an end is asked for.
    pub async fn requested(&self) -> Cancelled {
        let mut seen = self.seen.clone();
        match seen.wait_for(Option::is_some).await.map(|value| *value) {
            Ok(Some(signal)) => signal,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

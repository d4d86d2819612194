//! The wish to stop, raised once by SIGTERM or SIGINT.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

#[derive(Debug, Default)]
pub(crate) struct Stop {
    wanted: Mutex<bool>,
    raised: Condvar,
}

impl Stop {
    pub(crate) fn wanted(&self) -> bool {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn raise(&self) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.raised.notify_all();
    }

    /// Sleeps, and answers whether a stop cut the sleep short.
    pub(crate) fn sleep(&self, length: Duration) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        *self
            .raised
            .wait_timeout_while(wanted, length, |wanted| !*wanted)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

/// Raises `stop` at the first SIGTERM or SIGINT, then wakes the listener on `port`.
///
/// A blocked `accept` is not ended by a signal, so it is ended by a connection. The order matters:
/// the server looks at `stop` between binding and accepting, so one of the two always sees it.
pub(crate) fn on_signal(stop: &Arc<Stop>, port: u16) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let stop = Arc::clone(stop);
    std::thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                println!("signal {signal}: finishing requests in flight");
                raise_and_wake(&stop, port);
            }
        })?;
    Ok(())
}

/// Raises `stop`, then wakes the listener on `port`.
pub(crate) fn raise_and_wake(stop: &Stop, port: u16) {
    stop.raise();
    drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
}

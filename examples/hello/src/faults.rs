//! What a bad release does.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::config::Config;
use crate::stop::Stop;

const MIB: usize = 1024 * 1024;
/// Where a leak ends by itself, so that a host without a memory limit survives it.
const LEAK_CEILING_MIB: u32 = 1024;

/// Lines that a runner must print as they are and never obey.
const FORGED: &str = "\
::set-output name=outcome::forged
::error file=app.js,line=1::forged
::add-mask::hello
::stop-commands::forged
##[error]forged
##vso[task.setvariable variable=outcome]forged
\u{1b}[2J\u{1b}[31mforged\u{1b}[0m\r::warning::forged
<script>alert('forged')</script> [forged](javascript:alert(1)) @everyone <!channel>";

const CRASH: &str = "\
Exception in thread \"main\" java.lang.IllegalStateException: cannot reach the database
\tat example.Hello.connect(Hello.java:42)
\tat example.Hello.main(Hello.java:17)
Caused by: java.net.ConnectException: Connection refused (pct-mysql:3306)
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
\t... 2 more";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Boot {
    Listen,
    Stopped,
    Crashed,
}

/// Does everything that happens before the first connection is accepted.
pub(crate) fn at_boot(config: &Arc<Config>, stop: &Arc<Stop>) -> Boot {
    if config.log_inject {
        println!("{FORGED}");
    }
    if config.crash_at_boot {
        println!("connecting to the database");
        eprintln!("ERROR the application failed to start");
        eprintln!("{CRASH}");
        return Boot::Crashed;
    }
    if config.leak_mib_per_s > 0 {
        if config.leak_at_boot {
            leak(config.leak_mib_per_s, stop);
        } else {
            let (rate, stop) = (config.leak_mib_per_s, Arc::clone(stop));
            std::thread::spawn(move || leak(rate, &stop));
        }
    }
    if stop.sleep(config.boot_delay) {
        Boot::Stopped
    } else {
        Boot::Listen
    }
}

/// Takes `rate` MiB each second and never gives them back.
fn leak(rate: u32, stop: &Stop) {
    let pause = Duration::from_secs(1) / rate;
    let mut held = Vec::new();
    for _ in 0..LEAK_CEILING_MIB {
        // Written, not only reserved: the kernel counts touched pages.
        held.push(black_box(vec![1_u8; MIB]));
        if stop.sleep(pause) {
            break;
        }
    }
    std::mem::forget(held);
}

/// Spreads a share of failures evenly: of 100 calls, exactly `percent` answer true.
#[derive(Debug, Default)]
pub(crate) struct ErrorRate {
    calls: AtomicU32,
}

impl ErrorRate {
    pub(crate) fn fails(&self, percent: u32) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) % 100;
        call * percent / 100 != (call + 1) * percent / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_rate_is_exact() {
        for percent in [0, 1, 33, 50, 99, 100] {
            let rate = ErrorRate::default();
            let failed = (0..1000).filter(|_| rate.fails(percent)).count();
            assert_eq!(failed, percent as usize * 10);
        }
    }

    #[test]
    fn a_crash_happens_before_the_delay() -> Result<(), String> {
        let config = Config::with(&[
            ("HELLO_CRASH_AT_BOOT", "1"),
            ("HELLO_BOOT_DELAY_MS", "600000"),
        ])?;
        assert_eq!(at_boot(&Arc::new(config), &Arc::default()), Boot::Crashed);
        Ok(())
    }

    #[test]
    fn a_stop_ends_the_boot_delay() -> Result<(), String> {
        let stop = Arc::new(Stop::default());
        stop.raise();
        let config = Config::with(&[("HELLO_BOOT_DELAY_MS", "600000")])?;
        assert_eq!(at_boot(&Arc::new(config), &stop), Boot::Stopped);
        Ok(())
    }
}

//! What a bad release does.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;
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
        if config.crash_prints_env {
            for (name, value) in std::env::vars() {
                eprintln!("{name}={value}");
            }
        }
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

/// Never returns: nobody gets an answer, and nothing but SIGKILL or the end of the program helps.
pub(crate) fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_hours(1));
    }
}

/// What one request adds to the disk.
const LOGGED: usize = 256 * 1024;

/// Appends to a log in `folder`, and goes on trying when there is no room: whatever is freed is taken, too.
pub(crate) fn fill_disk(folder: &Path) -> io::Result<()> {
    let path = folder.join("hello.log");
    let mut log = OpenOptions::new().create(true).append(true).open(path)?;
    log.write_all(&[b'~'; LOGGED])
}

/// Spreads a share evenly: of 100 calls, exactly `percent` answer true.
#[derive(Debug, Default)]
pub(crate) struct Share {
    calls: AtomicU32,
}

impl Share {
    pub(crate) fn takes(&self, percent: u32) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) % 100;
        call * percent / 100 != (call + 1) * percent / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact() {
        for percent in [0, 1, 33, 50, 99, 100] {
            let share = Share::default();
            let taken = (0..1000).filter(|_| share.takes(percent)).count();
            assert_eq!(taken, percent as usize * 10);
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
    fn every_request_adds_to_the_log_until_it_cannot() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("hello-fill-{}", std::process::id()));
        assert!(fill_disk(&folder).is_err(), "there is no such folder");
        std::fs::create_dir(&folder)?;
        let filled = fill_disk(&folder).and_then(|()| fill_disk(&folder));
        let log = folder.join("hello.log");
        let length = log.metadata().map(|data| data.len());
        std::fs::remove_file(&log)?;
        // A disk without room, as every Linux has one.
        std::os::unix::fs::symlink("/dev/full", &log)?;
        let full = fill_disk(&folder).map_err(|error| error.kind());
        std::fs::remove_dir_all(&folder)?;
        filled?;
        assert_eq!(length?, 2 * LOGGED as u64);
        assert_eq!(full, Err(io::ErrorKind::StorageFull));
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

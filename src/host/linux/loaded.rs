//! Whether nginx has loaded a file as it is on disk: told from when the file was changed and when its workers began.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::super::HostResult;
use super::super::error::HostError;
use super::super::facts::{Loaded, WorkerId};

/// The kernel's unit in `/proc`, a hundredth of a second on every Linux that we run on (`getconf CLK_TCK`).
const TICK_MS: u64 = 10;
/// What the two clocks may differ by.
const MARGIN_MS: u64 = 100;

/// A reload makes every worker anew, so one that began after the change has read it.
pub(super) fn by_nginx(path: &Path, workers: &[WorkerId]) -> HostResult<Loaded> {
    let doing = || format!("see when `{}` was changed", path.display());
    let look = || {
        let facts = std::fs::metadata(path)?;
        let uptime = std::fs::read_to_string("/proc/uptime")?;
        std::io::Result::Ok((facts, uptime))
    };
    let (facts, uptime) = look().map_err(|error| HostError::io(doing(), error))?;
    // The time of the inode: a file that was moved here keeps the time of its bytes.
    let seconds = u64::try_from(facts.ctime()).unwrap_or_default();
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let age = SystemTime::now().duration_since(changed);
    let age_ms = age.map_or(0, |age| age.as_millis());
    let age_ms = u64::try_from(age_ms).unwrap_or(u64::MAX);
    let nanos = u64::try_from(facts.ctime_nsec()).unwrap_or_default();
    let age_ms = age_ms.saturating_sub(nanos / 1_000_000);
    Ok(compare(age_ms, uptime_ms(&uptime), workers))
}

fn uptime_ms(text: &str) -> u64 {
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    let (seconds, hundredths) = first.split_once('.').unwrap_or((first, "0"));
    let number = |text: &str| text.parse::<u64>().unwrap_or_default();
    number(seconds) * 1000 + number(hundredths) * 10
}

fn compare(age_ms: u64, uptime_ms: u64, workers: &[WorkerId]) -> Loaded {
    let ages = workers
        .iter()
        .map(|worker| uptime_ms.saturating_sub(worker.started * TICK_MS));
    match ages.min() {
        Some(youngest) if age_ms + MARGIN_MS < youngest => Loaded::No,
        Some(_) | None => Loaded::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_younger_than_every_worker_is_not_loaded() {
        let worker = |started| WorkerId { pid: 1, started };
        let uptime = uptime_ms("1000.50 1.00\n");
        assert_eq!(uptime, 1_000_500);
        // The workers are 100.5 s and 0.5 s old.
        let both = [worker(90_000), worker(100_000)];
        assert_eq!(compare(50_000, uptime, &both[..1]), Loaded::No);
        assert_eq!(compare(50_000, uptime, &both), Loaded::Yes);
        assert_eq!(compare(200_000, uptime, &both[..1]), Loaded::Yes);
        assert_eq!(
            compare(450, uptime, &both),
            Loaded::Yes,
            "within the margin"
        );
        assert_eq!(compare(0, uptime, &[]), Loaded::Yes, "it does not run");
        let here = std::env::current_exe().unwrap();
        assert_eq!(by_nginx(&here, &[]).unwrap(), Loaded::Yes);
    }
}

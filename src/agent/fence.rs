//! A number for every run of an app, in the order in which they begin: an older run that comes late, or that
//! still lives after another one took over, must not act.
//!
//! `<app>/fence.json` holds the last number that was given away and the one whose run acts now. Whoever reads
//! it to act on it holds `<app>/fence.lock`, for the length of one write. The deploy lock alone is not enough:
//! it says who is at work, not who came first, and a lock file can be removed by hand.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::{HostResultExt as _, StepResult};
use super::paths::AppPaths;
use super::reserve;
use super::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::{Access, Clock, Files, LockAttempt, Owner};

/// Held for one write each time, so this is already a sick disk.
const DEADLINE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(5);

/// What `fence.json` holds; without the file nothing was ever given away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    issued: u64,
    acting: u64,
}

impl Numbers {
    fn text(self) -> String {
        let Self { issued, acting } = self;
        format!("{{\"issued\":{issued},\"acting\":{acting}}}\n")
    }
}

/// Gives a run that begins its number.
pub(super) async fn issue<H: Files + Clock>(host: &H, paths: &AppPaths) -> StepResult<u64> {
    let lock = lock(host, paths).await?;
    let mut numbers = read(host, paths).await?;
    numbers.issued += 1;
    write(host, paths, numbers).await?;
    drop(lock);
    Ok(numbers.issued)
}

/// Makes a number the acting one, durably. Comes after the deploy lock and before anything else.
pub(super) async fn take_over<H: Files + Clock>(
    host: &H,
    paths: &AppPaths,
    number: u64,
) -> StepResult<()> {
    let lock = lock(host, paths).await?;
    let numbers = read(host, paths).await?;
    if number < numbers.acting {
        return Err(superseded(number, numbers.acting));
    }
    let taken = Numbers {
        issued: numbers.issued.max(number),
        acting: number,
    };
    if taken != numbers {
        write(host, paths, taken).await?;
    }
    drop(lock);
    Ok(())
}

/// A number that is newer than all others, at once the acting one: for a recovery.
pub(super) async fn seize<H: Files + Clock>(host: &H, paths: &AppPaths) -> StepResult<u64> {
    let lock = lock(host, paths).await?;
    let numbers = read(host, paths).await?;
    let number = numbers.issued.max(numbers.acting) + 1;
    let seized = Numbers {
        issued: number,
        acting: number,
    };
    // A recovery must not want for room: whoever begins anew can wait for some.
    let text = seized.text();
    reserve::replace(host, paths, &paths.fence(), text.as_bytes())
        .await
        .during(Reason::PreflightFailed, cannot("write", paths))?;
    drop(lock);
    Ok(number)
}

/// Fails when this number is no longer the acting one. While the lock is held, nobody takes over.
pub(super) async fn hold<H: Files + Clock>(
    host: &H,
    paths: &AppPaths,
    number: u64,
) -> StepResult<H::Lock> {
    let lock = lock(host, paths).await?;
    let acting = read(host, paths).await?.acting;
    if acting == number {
        Ok(lock)
    } else {
        Err(superseded(number, acting))
    }
}

/// For the length of one look and one write.
pub(super) async fn lock<H: Files + Clock>(host: &H, paths: &AppPaths) -> StepResult<H::Lock> {
    let path = paths.fence_lock();
    let wait = Wait::new(host, DEADLINE, POLL);
    loop {
        // Without a note: nobody asks who holds it, and a note needs room.
        let attempt = host.try_lock(&path, "").await;
        match attempt.during(Reason::PreflightFailed, cannot("lock", paths))? {
            LockAttempt::Taken(lock) => return Ok(lock),
            LockAttempt::HeldBy(_) => {}
        }
        if !wait.goes_on().await {
            return Err(Failure::new(
                Reason::Locked,
                format!(
                    "`{}` is not free after {} s",
                    path.display(),
                    DEADLINE.as_secs()
                ),
            )
            .hint(format!(
                "see who has it: `sudo lslocks -u | grep {}`",
                path.display()
            )));
        }
    }
}

async fn read<H: Files>(host: &H, paths: &AppPaths) -> StepResult<Numbers> {
    let path = paths.fence();
    let bytes = host
        .read(&path)
        .await
        .during(Reason::PreflightFailed, cannot("read", paths))?;
    let Some(bytes) = bytes else {
        return Ok(Numbers::default());
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::new(
            Reason::PreflightFailed,
            format!(
                "`{}`, which says whose turn it is, is damaged: {error}",
                path.display()
            ),
        )
        .hint(format!(
            "if `pct-deploy status` shows no running deploy, delete it, and the numbers start again: `rm {}`",
            path.display()
        ))
    })
}

async fn write<H: Files>(host: &H, paths: &AppPaths, numbers: Numbers) -> StepResult<()> {
    let text = numbers.text();
    host.replace(&paths.fence(), text.as_bytes(), Owner::Us, Access::Public)
        .await
        .during(Reason::PreflightFailed, cannot("write", paths))
}

fn cannot(verb: &str, paths: &AppPaths) -> String {
    format!(
        "cannot {verb} `{}`, which says whose turn it is",
        paths.fence().display()
    )
}

fn superseded(number: u64, acting: u64) -> Failure {
    Failure::new(
        Reason::Superseded,
        format!("superseded: run {acting} has already acted on this host, and this is run {number}"),
    )
    .hint("see what is live with `pct-deploy status`; to deploy this commit anyway, start a new run: set the label again, or repeat the command")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::sim::SimHost;

    fn host() -> (SimHost, AppPaths) {
        (SimHost::new(), AppPaths::new(&"app".parse().unwrap()))
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(work)
    }

    #[test]
    fn numbers_rise_and_only_the_newest_that_acted_may_act() {
        let (host, paths) = host();
        block_on(async {
            let (first, second) = (
                issue(&host, &paths).await.unwrap(),
                issue(&host, &paths).await.unwrap(),
            );
            assert!(first < second);
            take_over(&host, &paths, first).await.unwrap();
            drop(hold(&host, &paths, first).await.unwrap());
            take_over(&host, &paths, second).await.unwrap();
            take_over(&host, &paths, second).await.unwrap();
            let reason = |error: Failure| error.reason;
            let late = take_over(&host, &paths, first).await.map_err(reason);
            assert_eq!(late, Err(Reason::Superseded));
            let late = hold(&host, &paths, first).await.map(drop).map_err(reason);
            assert_eq!(late, Err(Reason::Superseded));
            let third = seize(&host, &paths).await.unwrap();
            assert!(second < third);
            let late = hold(&host, &paths, second).await.map(drop).map_err(reason);
            assert_eq!(late, Err(Reason::Superseded));
        });
    }

    #[test]
    fn a_damaged_file_is_refused_with_the_command_that_mends_it() {
        let (host, paths) = host();
        for bytes in ["", "{", "{\"issued\":1}", "{\"issued\":-1,\"acting\":0}"] {
            host.world
                .borrow_mut()
                .files
                .insert(paths.fence(), bytes.as_bytes().to_vec().into());
            let error = block_on(issue(&host, &paths)).unwrap_err();
            assert_eq!(error.reason, Reason::PreflightFailed, "{bytes}");
            let command = format!("rm {}", paths.fence().display());
            assert!(error.hints.iter().any(|hint| hint.contains(&command)));
        }
        host.world.borrow_mut().files.remove(&paths.fence());
        assert_eq!(block_on(issue(&host, &paths)), Ok(1));
    }

    #[test]
    fn while_one_holds_it_nobody_takes_over() {
        let (host, paths) = host();
        block_on(async {
            let number = seize(&host, &paths).await.unwrap();
            let held = hold(&host, &paths, number).await.unwrap();
            let refused = seize(&host, &paths).await.unwrap_err();
            assert_eq!(refused.reason, Reason::Locked);
            drop(held);
            assert!(seize(&host, &paths).await.is_ok());
        });
    }
}

//! `agent recover`: every app of this host to one live, healthy slot. By hand, at boot, and when the Docker daemon started
//! again. `agent settle`, by a timer: what a run left open is settled when nobody is at work, and no slot is touched otherwise.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;

use super::events::Events;
use super::failure::{HostResultExt as _, StepResult};
use super::journal::closed::unread_closed;
use super::lock;
use super::meter;
use super::paths::{AppPaths, STATE_ROOT};
use super::recover::{Recovered, recover};
use super::revive::revive;
use crate::error::{Error, ExitCode, Failure, Reason, Result};
use crate::host::linux::{LinuxHost, detached};
use crate::host::{Files as _, Host, HostResult, LockAttempt};
use crate::protocol::ids::AppName;
use crate::protocol::place::RECOVER;
use crate::protocol::span::Span;

/// A recovery by hand or at boot waits for a deploy that is at work.
const LOCK_WAIT: Span = Span::from_millis(300_000);
/// What one app may take, whatever ails it; each of its waits has a shorter deadline of its own. A recovery that is cut
/// short goes on at the next one.
const MOST: Duration = Duration::from_secs(1800);
/// A build that takes longer than this loses the end of its baseline; nginx does not log for ever.
const LONGEST_LOG_MS: u64 = 15 * 60 * 1000;
/// The same for a site with many requests.
const LARGEST_LOG: u64 = 64 * 1024 * 1024;

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// One live, healthy slot.
    Slots,
    /// Only what nobody is at work on.
    LeftOpen,
}

/// Settles every app on this host and starts live slots that do not run; one line for each thing that was done.
///
/// Each app has its own time. An error is about the first app that is not well; the others were seen to all the same.
pub async fn recover_all() -> Result<Vec<String>> {
    all(Extent::Slots, "recover").await
}

/// Settles what a run left open when nobody is at work, and ends the logging that nobody needs.
pub async fn settle_all() -> Result<Vec<String>> {
    all(Extent::LeftOpen, "settle").await
}

async fn all(extent: Extent, word: &str) -> Result<Vec<String>> {
    detached::become_owner_of(Path::new(STATE_ROOT), &["agent", word]).map_err(|error| {
        Error::untouched(Reason::PreflightFailed, "cannot recover as this user")
            .because(error)
            .hint(format!("run `sudo {RECOVER}`"))
    })?;
    let host =
        LinuxHost::new().map_err(|error| Error::bug("the agent cannot start").because(error))?;
    let names = host.list(Path::new(STATE_ROOT)).await.map_err(|error| {
        Error::untouched(Reason::PreflightFailed, "cannot list the apps").because(error)
    })?;
    let apps: Vec<AppName> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let ended = each(&host, &apps, extent).await;
    let mut said = Vec::new();
    let mut first = None;
    for (app, (words, ended)) in apps.iter().zip(ended) {
        said.extend(words);
        match ended {
            Ok(()) => {}
            Err(error) if first.is_none() => first = Some(for_a_person(app, error)),
            Err(error) => said.push(format!("{app}: {}", error.summary())),
        }
    }
    match first {
        None => Ok(said),
        // What was done for the others is worth knowing.
        Some(error) => Err(said.into_iter().fold(error, Error::hint)),
    }
}

/// What was done for an app, and how that ended.
type Done = (Vec<String>, StepResult<()>);

/// Every app in a time of its own: one that hangs takes none of the others'.
async fn each<H: Host>(host: &H, apps: &[AppName], extent: Extent) -> Vec<Done> {
    join_all(apps.iter().map(|app| one(host, app, extent))).await
}

async fn one<H: Host>(host: &H, app: &AppName, extent: Extent) -> Done {
    let mut said = Vec::new();
    let work = async {
        match extent {
            Extent::Slots => slots(host, app, &mut said).await,
            Extent::LeftOpen => left_open(host, app, &mut said).await,
        }
    };
    let ended = tokio::time::timeout(MOST, Box::pin(work)).await;
    let ended = ended.unwrap_or_else(|_elapsed| {
        let what = format!("recovery took more than {} s", MOST.as_secs());
        Err(Failure::new(Reason::UndoFailed, what)
            .hint(format!("it goes on where it was: `{RECOVER}`")))
    });
    (said, ended)
}

async fn slots<H: Host>(host: &H, app: &AppName, said: &mut Vec<String>) -> StepResult<()> {
    let paths = AppPaths::new(app);
    let history = host.list(&paths.archive()).await.unwrap_or_default();
    let open = host.read(&paths.journal()).await;
    if history.is_empty() && !matches!(open, Ok(Some(_))) {
        // A folder without a past is no app of ours.
        return Ok(());
    }
    let events = Events::silent(host);
    let nobody = Cell::new(false);
    let lock = lock::take(host, &events, &paths, LOCK_WAIT, "recovery", &nobody).await?;
    let done = locked(host, app, &paths, said).await;
    drop(lock);
    done
}

async fn locked<H: Host>(
    host: &H,
    app: &AppName,
    paths: &AppPaths,
    said: &mut Vec<String>,
) -> StepResult<()> {
    settle(host, app, paths, said).await?;
    let unread = unread_closed(host, paths).await?;
    said.extend(unread.into_iter().map(|why| format!("{app}: {why}")));
    let revived = Box::pin(revive(host, paths)).await?;
    if let Some(service) = revived.started {
        said.push(format!("{app}: {service} was down and serves again"));
    }
    if let Some(service) = revived.stopped {
        said.push(format!(
            "{app}: {service} ran, too, and is stopped: nginx does not use it"
        ));
    }
    Ok(())
}

async fn settle<H: Host>(
    host: &H,
    app: &AppName,
    paths: &AppPaths,
    said: &mut Vec<String>,
) -> StepResult<()> {
    match Box::pin(recover(host, paths)).await? {
        Recovered::Nothing => {}
        Recovered::Settled {
            deployment,
            outcome,
        } => said.push(format!(
            "{app}: deployment {deployment} is settled: {outcome}"
        )),
    }
    Ok(())
}

/// Nothing while somebody is at work.
async fn left_open<H: Host>(host: &H, app: &AppName, said: &mut Vec<String>) -> StepResult<()> {
    let paths = AppPaths::new(app);
    const DOING: &str = "cannot settle what was left";
    let free = free_with_something_open(host, &paths).await;
    let Some(lock) = free.during(Reason::UndoFailed, DOING)? else {
        return Ok(());
    };
    let done = async {
        settle(host, app, &paths, said).await?;
        if is_overdue(host, &paths).await {
            let stopped = meter::stop_logging(host, &paths).await;
            stopped.during(Reason::UndoFailed, DOING)?;
            said.push(format!("{app}: nginx logged for nobody, and does no more"));
        }
        Ok(())
    };
    let done = done.await;
    drop(lock);
    done
}

/// The lock, when a run left something open and nobody is at work.
async fn free_with_something_open<H: Host>(
    host: &H,
    paths: &AppPaths,
) -> HostResult<Option<H::Lock>> {
    let open = host.read(&paths.journal()).await?;
    let logs = host.read(&paths.measure()).await?;
    if open.is_none() && logs.is_none() {
        return Ok(None);
    }
    let note = lock::note("recovery", host.now_ms());
    Ok(match host.try_lock(&paths.lock(), &note).await? {
        LockAttempt::Taken(lock) => Some(lock),
        LockAttempt::HeldBy(_) => None,
    })
}

/// Whether nginx has logged for longer, or more, than a run that is being prepared may want.
async fn is_overdue<H: Host>(host: &H, paths: &AppPaths) -> bool {
    let Ok(Some(began)) = host.written_ms(&paths.measure()).await else {
        return false;
    };
    // A clock that was set back must not make it last.
    let is_old = host.now_ms().abs_diff(began) > LONGEST_LOG_MS;
    let beyond = host.read_from(&paths.traffic_log(), LARGEST_LOG, 1).await;
    is_old || beyond.is_ok_and(|byte| !byte.is_empty())
}

fn for_a_person(app: &AppName, error: Failure) -> Error {
    let stuck = Error::new(
        ExitCode::Stuck,
        error.reason,
        format!("app `{app}` is not well"),
    );
    let stuck = stuck.because(error.summary()).log_tail(error.log_tail);
    error.hints.into_iter().fold(stuck, Error::hint)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::agent::tests::deployed;
    use crate::host::sim::SimHost;

    fn settled(host: &SimHost) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut said = Vec::new();
        runtime
            .block_on(left_open(host, &"app".parse().unwrap(), &mut said))
            .unwrap();
        said
    }

    fn paths() -> AppPaths {
        AppPaths::new(&"app".parse().unwrap())
    }

    fn put(host: &SimHost, path: PathBuf, bytes: &[u8]) {
        let mut world = host.world.borrow_mut();
        world.files.insert(path, bytes.to_vec().into());
    }

    #[test]
    fn nginx_does_not_log_for_ever_when_a_runner_that_prepared_is_gone() {
        let host = SimHost::provisioned();
        deployed(&host, 1);
        put(&host, paths().measure(), b"");
        assert_eq!(settled(&host), Vec::<String>::new(), "somebody may build");
        host.world.borrow_mut().now_ms += LONGEST_LOG_MS + 1;
        assert_eq!(settled(&host).len(), 1);
        assert!(!host.world.borrow().files.contains_key(&paths().measure()));
        assert_eq!(settled(&host), Vec::<String>::new());
    }

    #[test]
    fn a_log_that_grows_too_large_ends_at_once() {
        let host = SimHost::provisioned();
        put(&host, paths().measure(), b"");
        let large = usize::try_from(LARGEST_LOG).unwrap() + 1;
        put(&host, paths().traffic_log(), &vec![b'x'; large]);
        assert_eq!(settled(&host).len(), 1);
    }

    #[test]
    fn whoever_is_at_work_is_left_alone() {
        let host = SimHost::provisioned();
        put(&host, paths().measure(), b"");
        host.world.borrow_mut().now_ms += LONGEST_LOG_MS + 1;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let lock = runtime
            .block_on(host.try_lock(&paths().lock(), "a deploy"))
            .unwrap();
        assert_eq!(settled(&host), Vec::<String>::new());
        drop(lock);
        assert_eq!(settled(&host).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_that_hangs_takes_none_of_the_others_time() {
        let host = SimHost::new();
        let (first, other) = ("app".parse().unwrap(), "web".parse().unwrap());
        let open = AppPaths::new(&other).measure();
        put(&host, paths().measure(), b"");
        put(&host, open.clone(), b"");
        host.world.borrow_mut().now_ms += LONGEST_LOG_MS + 1;
        // The first effect, which is on the first app, never ends.
        host.crash_at.set(Some(host.points()));
        let began = tokio::time::Instant::now();
        let done = each(&host, &[first, other], Extent::LeftOpen).await;
        let [(_, hung), (said, well)] = &done[..] else {
            panic!("{done:?}");
        };
        let error = hung.as_ref().unwrap_err();
        assert_eq!(error.chain[0], "recovery took more than 1800 s");
        assert!(well.is_ok() && said[0].starts_with("web: "), "{done:?}");
        assert_eq!(began.elapsed(), MOST);
        let world = host.world.borrow();
        assert!(!world.files.contains_key(&open));
        assert!(world.files.contains_key(&paths().measure()));
    }
}

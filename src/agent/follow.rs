//! Says again what a deployment has said, to a runner that lost its connection, and settles one whose
//! agent is gone.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::ending::Early;
use super::events::Events;
use super::failure::{HostResultExt as _, StepResult};
use super::lock::{self, note};
use super::paths::AppPaths;
use super::recover::recover;
use crate::error::{Failure, Reason};
use crate::host::error::Trouble;
use crate::host::{Host, LockAttempt};
use crate::protocol::event::{Event, Happening};
use crate::protocol::ids::{AppName, DeploymentId};
use crate::protocol::outcome::Outcome;
use crate::protocol::step::Step;
use crate::protocol::wire::{self, Reply};

const POLL: Duration = Duration::from_millis(100);
/// How often it is looked whether somebody is still at work.
const LOOK_EVERY: u32 = 10;
/// How often in a row the lock must be free: a run that waits for it takes it in between.
const FREE_LOOKS: u32 = 3;

/// Sends every event after `after` until the last word.
pub(super) async fn follow<H: Host>(
    host: &H,
    app: &AppName,
    deployment: &DeploymentId,
    after: u64,
    listener: UnboundedSender<Reply>,
) {
    let paths = AppPaths::new(app);
    let log = paths.event_log(deployment);
    let mut said = after;
    let (mut polls, mut free): (u32, u32) = (0, 0);
    loop {
        if say_again(host, &log, &mut said, &listener).await {
            return;
        }
        polls += 1;
        if polls.is_multiple_of(LOOK_EVERY) {
            free = if is_free(host, &paths).await {
                free + 1
            } else {
                0
            };
        }
        if free == FREE_LOOKS
            && let Some(settled) = settle(host, &paths, &log).await
        {
            if say_again(host, &log, &mut said, &listener).await {
                return;
            }
            if let Err((outcome, error)) = settled {
                let seq = said + 1;
                let event = Event {
                    seq,
                    at_ms: host.now_ms(),
                    what: ended(outcome, error),
                };
                drop(listener.send(Reply::Event(Box::new(event))));
            }
            return;
        }
        host.sleep(POLL).await;
    }
}

/// Whether that was everything, to the last word.
async fn say_again<H: Host>(
    host: &H,
    log: &Path,
    said: &mut u64,
    listener: &UnboundedSender<Reply>,
) -> bool {
    let bytes = host.read(log).await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    for line in text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        let Ok(mut event) = wire::decode::<Event>(line) else {
            continue;
        };
        let is_last = event.what.is_terminal();
        if is_last {
            // A power cut may have taken lines that were heard; the last word is news all the same.
            event.seq = event.seq.max(*said + 1);
        }
        if event.seq > *said {
            *said = event.seq;
            drop(listener.send(Reply::Event(Box::new(event))));
        }
        if is_last {
            return true;
        }
    }
    false
}

async fn is_free<H: Host>(host: &H, paths: &AppPaths) -> bool {
    match host.try_lock(&paths.lock(), lock::LOOK).await {
        Ok(LockAttempt::Taken(_)) => true,
        Ok(LockAttempt::HeldBy(_)) => false,
        // Without a folder nobody is at work: the app was new, and the run was refused.
        Err(error) => error.trouble == Trouble::Missing,
    }
}

/// When nobody holds the lock, nobody is at work: what is open is settled now.
///
/// `None` while somebody works. An error is how the run ended when its log cannot say so.
async fn settle<H: Host>(
    host: &H,
    paths: &AppPaths,
    log: &Path,
) -> Option<Result<(), (Outcome, Failure)>> {
    let ourselves = note("recovery", host.now_ms());
    let lock = match host.try_lock(&paths.lock(), &ourselves).await {
        Ok(LockAttempt::Taken(lock)) => lock,
        Err(error) if error.trouble == Trouble::Missing => {
            return Some(Err((Outcome::Failed, nothing_changed())));
        }
        Ok(LockAttempt::HeldBy(_)) | Err(_) => return None,
    };
    let settled = match Box::pin(recover(host, paths)).await {
        Ok(_) => give_last_word(host, log)
            .await
            .map_err(|error| (Outcome::Failed, error)),
        Err(error) => Err((Outcome::Stuck, error)),
    };
    drop(lock);
    Some(settled)
}

/// A run that died before its first journal entry changed nothing and left no last word: it gets one.
async fn give_last_word<H: Host>(host: &H, log: &Path) -> StepResult<()> {
    let reopened = Events::reopen(host, log.to_owned())
        .await
        .during(Reason::Interrupted, "the event log cannot be read")?;
    if let Some(events) = reopened {
        events.emit(ended(Outcome::Failed, nothing_changed())).await;
    }
    Ok(())
}

fn nothing_changed() -> Failure {
    let what = "the agent ended before it had changed anything";
    Failure::new(Reason::Interrupted, what).hint("deploy again")
}

fn ended(outcome: Outcome, error: Failure) -> Happening {
    Early::new(outcome, error.reason, Some((Step::Preflight, error))).word()
}

//! Pulls the image by digest. Nothing is undone: an image is a cache, pruned later.

use std::cell::Cell;
use std::time::Duration;

use crate::agent::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use crate::agent::swap::Swap;
use crate::error::{Failure, Reason};
use crate::host::error::Trouble;
use crate::host::facts::PullProgress;
use crate::host::{Host, HostResult};
use crate::protocol::step::Step;

const SAY_EVERY: Duration = Duration::from_secs(3);
const CANCEL_POLL: Duration = Duration::from_millis(250);

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let found = swap.host.image(&swap.begun.image).await;
    if during(swap, found)?.is_none() {
        pull(swap).await?;
    }
    fits(swap).await
}

async fn pull<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let seen = Cell::new(PullProgress { done: 0, total: 0 });
    let mut on_progress = |progress| seen.set(progress);
    let pull = swap
        .host
        .pull(&swap.begun.image, swap.login, &mut on_progress);
    let speak = async {
        loop {
            swap.host.sleep(SAY_EVERY).await;
            let PullProgress { done, total } = seen.get();
            let text = format!("{} of {} MB", done / 1_000_000, total / 1_000_000);
            swap.events.progress(Step::PullImage, text).await;
        }
    };
    let cancel = async {
        while swap.go_on().is_ok() {
            swap.host.sleep(CANCEL_POLL).await;
        }
    };
    tokio::select! {
        pulled = pull => during(swap, pulled)?,
        () = speak => {}
        () = cancel => return swap.go_on(),
    }
    swap.receipt.borrow_mut().bytes_pulled = Some(seen.get().done);
    Ok(())
}

/// The image must be for this host's processor: emulation is not what anyone wants in production.
async fn fits<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let facts = during(swap, swap.host.image(&swap.begun.image).await)?;
    let docker = during(swap, swap.host.docker().await)?;
    match facts.map(|facts| facts.platform) {
        Some(Some(platform)) if platform != docker.platform => Err(Failure::new(
            Reason::PlatformMismatch,
            format!(
                "image `{}` is for {platform}, but the host is {}",
                swap.begun.image, docker.platform
            ),
        )
        .hint(format!("build it with `platform: {}`", docker.platform))),
        Some(_) => Ok(()),
        None => Err(Failure::new(
            Reason::PullFailed,
            format!(
                "image `{}` is not on the host after its pull",
                swap.begun.image
            ),
        )),
    }
}

fn during<H, T>(swap: &Swap<'_, H>, done: HostResult<T>) -> StepResult<T> {
    let trouble = done.as_ref().err().map(|error| error.trouble);
    let reason = if trouble == Some(Trouble::Unauthorized) {
        Reason::RegistryUnauthorized
    } else {
        Reason::PullFailed
    };
    let what = format!("cannot pull `{}` on the host", swap.begun.image);
    let done = done.during(reason, what);
    if trouble != Some(Trouble::Unavailable) {
        return done;
    }
    let refused = |line: &String| line.contains("connection refused");
    let nobody_listens = done
        .as_ref()
        .err()
        .is_some_and(|failure| failure.chain.iter().any(refused));
    let done = if nobody_listens {
        let repository = &swap.begun.image.repository;
        done.hint(format_args!(
            "nothing listens at the registry's address: check it first, `{repository}`"
        ))
    } else {
        done
    };
    done.hint("can the host reach the registry? `docker pull` there tells")
}

//! Pulls the image by digest. Nothing is undone: an image is a cache, pruned later.

use std::cell::Cell;
use std::time::Duration;

use crate::agent::failure::{StepError, StepResult};
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::Host;
use crate::host::error::Trouble;
use crate::host::facts::PullProgress;
use crate::protocol::step::Step;

const SAY_EVERY: Duration = Duration::from_secs(3);
const CANCEL_POLL: Duration = Duration::from_millis(250);

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    if swap
        .host
        .image(&swap.begun.image)
        .await
        .map_err(|error| failed(swap, &error))?
        .is_none()
    {
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
        pulled = pull => pulled.map_err(|error| failed(swap, &error))?,
        () = speak => {}
        () = cancel => return swap.go_on(),
    }
    swap.receipt.borrow_mut().bytes_pulled = Some(seen.get().done);
    Ok(())
}

/// The image must be for this host's processor: emulation is not what anyone wants in production.
async fn fits<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let facts = swap
        .host
        .image(&swap.begun.image)
        .await
        .map_err(|error| failed(swap, &error))?;
    let docker = swap
        .host
        .docker()
        .await
        .map_err(|error| failed(swap, &error))?;
    match facts {
        Some(facts) if facts.platform != docker.platform => Err(StepError::new(
            Reason::PlatformMismatch,
            format!(
                "image `{}` is for {}, but the host is {}",
                swap.begun.image, facts.platform, docker.platform
            ),
        )
        .hint(format!("build it with `platform: {}`", docker.platform))),
        Some(_) => Ok(()),
        None => Err(StepError::new(
            Reason::PullFailed,
            format!(
                "image `{}` is not on the host after its pull",
                swap.begun.image
            ),
        )),
    }
}

fn failed<H>(swap: &Swap<'_, H>, error: &crate::host::error::HostError) -> StepError {
    let step = StepError::host(
        Reason::PullFailed,
        format!("cannot pull `{}` on the host", swap.begun.image),
        error,
    );
    match error.trouble {
        Trouble::Unauthorized => StepError {
            reason: Reason::RegistryUnauthorized,
            ..step
        },
        Trouble::Unavailable => {
            let refused = |line: &String| line.contains("connection refused");
            let step = match step.chain.iter().any(refused) {
                true => step.hint(format!(
                    "nothing listens at the registry's address: check it first, `{}`",
                    swap.begun.image.repository
                )),
                false => step,
            };
            step.hint("can the host reach the registry? `docker pull` there tells")
        }
        Trouble::DiskFull
        | Trouble::Denied
        | Trouble::Missing
        | Trouble::TimedOut
        | Trouble::Refused
        | Trouble::Other => step,
    }
}

//! Points nginx at the new slot: by the flag, or by the include, `nginx -t` and a reload.
//!
//! With the flag the step is done when the file is there, or gone: every worker looks at its next request. With a
//! reload it is done when every worker that accepts connections has read the new file, which is told
//! from the worker processes: those that accepted before must all have stopped accepting.

use std::path::Path;
use std::time::Duration;

use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::journal::entry::{PreImage, Switch};
use crate::agent::reload;
use crate::agent::reserve;
use crate::agent::swap::Swap;
use crate::agent::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::facts::WorkerId;
use crate::host::nginx::SwitchFile;
use crate::host::{Access, Host, HostResult, Owner};
use crate::protocol::receipt::{NotMeasured, PredictedLoss, SwitchKind};
use crate::protocol::slot::Slot;

/// nginx takes this long at most to begin a reload.
const SETTLE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(10);
/// Clients on this machine answer as fast as they are scheduled.
const LEAST_ROUND_TRIP_MS: f64 = 1.0;

pub(in crate::agent) async fn capture<H: Host>(swap: &Swap<'_, H>) -> StepResult<PreImage> {
    let captured = read(swap).await;
    captured.during(Reason::SwitchFailed, "cannot read what nginx obeys")
}

async fn read<H: Host>(swap: &Swap<'_, H>) -> HostResult<PreImage> {
    match &swap.begun.switch {
        Switch::Flag => {
            let bytes = swap.host.read(&swap.paths.flag()).await?;
            Ok(PreImage::File { bytes })
        }
        Switch::Reload(include) => {
            let bytes = swap.host.read(include).await?;
            let workers = swap.host.nginx_workers().await?;
            let workers = workers
                .iter()
                .map(|worker| (worker.pid, worker.started))
                .collect();
            Ok(PreImage::Include { bytes, workers })
        }
    }
}

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    swap.go_on()?;
    let old = swap.begun.previous.as_ref().map(|previous| previous.slot);
    let old = old.filter(|old| *old != swap.begun.slot);
    let kind = match &swap.begun.switch {
        Switch::Flag => {
            swap.meter.open_window(old).await;
            let flag = match swap.begun.slot {
                Slot::One => None,
                Slot::Two => Some(swap.begun.plan.deployment.as_str().as_bytes()),
            };
            put_flag(swap, flag).await?;
            SwitchKind::Flag
        }
        Switch::Reload(include) => {
            predict(swap).await;
            swap.meter.open_window(old).await;
            by_reload(swap, include).await?;
            SwitchKind::Reload
        }
    };
    let mut receipt = swap.receipt.borrow_mut();
    receipt.switch = Some(kind);
    receipt.healthy_to_switched_ms = swap
        .healthy_at
        .get()
        .map(|healthy| swap.host.elapsed_ms().saturating_sub(healthy.elapsed_ms));
    Ok(())
}

pub(in crate::agent) async fn undo<H: Host>(
    swap: &Swap<'_, H>,
    before: &PreImage,
) -> StepResult<()> {
    match (&swap.begun.switch, before) {
        (Switch::Flag, PreImage::File { bytes }) => put_flag(swap, bytes.as_deref()).await?,
        (
            Switch::Reload(include),
            PreImage::Include {
                bytes: Some(bytes),
                workers,
            },
        ) => {
            restore(swap, include, bytes, workers).await?;
        }
        _ => {}
    }
    if let Some(decided_at) = swap.decided_at.get() {
        let took = swap.host.elapsed_ms().saturating_sub(decided_at);
        swap.receipt.borrow_mut().flip_back_ms = Some(took);
    }
    Ok(())
}

async fn put_flag<H: Host>(swap: &Swap<'_, H>, bytes: Option<&[u8]>) -> StepResult<()> {
    let flag = swap.paths.flag();
    let put = match bytes {
        Some(bytes) => reserve::replace(swap.host, swap.paths, &flag, bytes).await,
        None => swap.host.remove(&flag, Owner::Us).await,
    };
    put.during(Reason::SwitchFailed, "cannot move the slot flag")
}

async fn by_reload<H: Host>(swap: &Swap<'_, H>, include: &Path) -> StepResult<()> {
    let PreImage::Include {
        bytes: Some(bytes), ..
    } = capture(swap).await?
    else {
        return Err(Failure::new(
            Reason::SwitchFailed,
            "the nginx include is gone",
        ));
    };
    let text = String::from_utf8_lossy(&bytes);
    let ports = swap.begun.slots.map(|slot| slot.port);
    let found = SwitchFile::read(&text, &ports, &swap.colours).map_err(|problem| {
        let what = format!("`{}` cannot be switched: {problem}", include.display());
        Failure::new(Reason::SwitchFailed, what).hint(problem.cure(&ports))
    })?;
    let changed = found.naming(&text, swap.begun.slot);
    install(swap, include, changed.as_bytes()).await
}

/// What the reload will cost, said before it is done, and whether requests reach the slot at all. Not knowing stops nobody.
async fn predict<H: Host>(swap: &Swap<'_, H>) {
    let Some(old) = swap.old_slot() else { return };
    let listeners: Vec<u16> = swap
        .sites
        .iter()
        .flat_map(|site| &site.listens)
        .map(|listen| listen.port)
        .collect();
    let listeners = if listeners.is_empty() {
        vec![80]
    } else {
        listeners
    };
    let Ok(arrivals) = swap.host.arrivals(old.address(), &listeners).await else {
        return;
    };
    if arrivals.lately == 0 && swap.meter.was_answered() {
        swap.meter.lacks(NotMeasured::NotProven);
    }
    let round_trip_ms = arrivals
        .round_trip_ms
        .unwrap_or_default()
        .max(LEAST_ROUND_TRIP_MS);
    swap.receipt.borrow_mut().predicted_loss = Some(PredictedLoss {
        requests_per_second: arrivals.per_second,
        round_trip_ms,
        requests: arrivals.per_second * round_trip_ms / 1000.0,
    });
}

/// Puts the include back. nginx loads it, unless it never loaded the other one or does not run: then there is
/// nothing to load, and a configuration that is broken elsewhere does not stand in the way.
async fn restore<H: Host>(
    swap: &Swap<'_, H>,
    include: &Path,
    bytes: &[u8],
    workers: &[(u32, u64)],
) -> StepResult<()> {
    let host = swap.host;
    let unchanged = async || {
        let now = reload::during(host.nginx_workers().await)?;
        let known = |worker: &WorkerId| workers.contains(&(worker.pid, worker.started));
        StepResult::Ok(now.iter().all(known))
    };
    put_back(swap, include, bytes).await?;
    let wait = Wait::new(host, SETTLE, POLL);
    while unchanged().await? {
        // A reload that was asked for a moment ago may still be on its way.
        if !wait.goes_on().await {
            return Ok(());
        }
    }
    put_back(swap, include, bytes).await?;
    reload::reload(host).await
}

/// The include is root's and may be on another disk: what the reserve takes is given up for it.
async fn put_back<H: Host>(swap: &Swap<'_, H>, include: &Path, bytes: &[u8]) -> StepResult<()> {
    let put = reserve::with_room(swap.host, swap.paths, async || {
        swap.host
            .replace(include, bytes, Owner::Root, Access::Public)
            .await
    });
    reload::during(put.await)
}

async fn install<H: Host>(swap: &Swap<'_, H>, include: &Path, bytes: &[u8]) -> StepResult<()> {
    let host = swap.host;
    let put = host.replace(include, bytes, Owner::Root, Access::Public);
    reload::during(put.await)?;
    reload::reload(swap.host).await
}

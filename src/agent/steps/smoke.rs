//! Asks both slots for the paths that matter, on their own ports, before any user is sent to the new one.
//!
//! A path that the old slot answers and the new one lets hang, drops or answers with 5xx stops the deploy. What both do is
//! as it was. Without an old slot the new one must answer; 5xx counts only for paths that somebody named, since an app need
//! not have a `/`. Whoever goes back to an earlier release knows why: a rollback is only warned.

use std::net::SocketAddr;
use std::time::Duration;

use super::container::{self, LOG_LINES};
use crate::agent::failure::StepResult;
use crate::agent::reach;
use crate::agent::swap::Swap;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::facts::{Probe, ProbeAnswer};

/// A new process may take its time for the first request of a kind, and is asked again.
const NEW_TIMEOUT: Duration = Duration::from_secs(3);
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);
/// The old one is warm.
const OLD_TIMEOUT: Duration = Duration::from_secs(2);
/// Asked when nobody named a path.
const ROOT: &str = "/";

/// Who named a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    ByNobody,
    BySomebody,
}

pub(super) async fn check<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let named = &swap.site().smoke_paths;
    let (paths, by): (Vec<&str>, Named) = match named.as_slice() {
        [] => (vec![ROOT], Named::ByNobody),
        named => (
            named.iter().map(String::as_str).collect(),
            Named::BySomebody,
        ),
    };
    for path in paths {
        let Some(bad) = bad_answer(swap, path).await? else {
            continue;
        };
        let old = match swap.old_slot() {
            Some(_) => {
                let address = reach::address_in(swap, swap.begun.slot.other()).await;
                Some(ask(swap, address, path, OLD_TIMEOUT).await)
            }
            None => None,
        };
        if !is_worse(&bad, old.as_ref(), by) {
            continue;
        }
        let text = words(swap, path, &bad, old.as_ref()).await;
        if swap.begun.plan.is_rollback() {
            let hint = "a rollback goes on; deploy a release that answers";
            swap.events.warn(text, hint).await;
            continue;
        }
        return Err(failed(swap, text).await);
    }
    Ok(())
}

/// What the new slot says in the end, when it is bad.
async fn bad_answer<H: Host>(swap: &Swap<'_, H>, path: &str) -> StepResult<Option<ProbeAnswer>> {
    let address = reach::address_in(swap, swap.begun.slot).await;
    let mut tried = 1;
    loop {
        swap.go_on()?;
        let answer = ask(swap, address, path, NEW_TIMEOUT).await;
        if !is_bad(&answer) {
            return Ok(None);
        }
        if tried == TRIES {
            return Ok(Some(answer));
        }
        tried += 1;
        swap.host.sleep(PAUSE).await;
    }
}

async fn ask<H: Host>(
    swap: &Swap<'_, H>,
    address: SocketAddr,
    path: &str,
    timeout: Duration,
) -> ProbeAnswer {
    let probe = Probe {
        path: path.to_owned(),
        ..Probe::of_health(address, &swap.site().health, timeout)
    };
    swap.host.probe(&probe).await
}

fn is_bad(answer: &ProbeAnswer) -> bool {
    match answer {
        ProbeAnswer::Status(status) => *status >= 500,
        ProbeAnswer::Nothing(_) => true,
    }
}

fn is_worse(new: &ProbeAnswer, old: Option<&ProbeAnswer>, named: Named) -> bool {
    match (old, new) {
        (Some(old), _) => !is_bad(old),
        (None, ProbeAnswer::Status(_)) => named == Named::BySomebody,
        (None, ProbeAnswer::Nothing(_)) => true,
    }
}

async fn words<H: Host>(
    swap: &Swap<'_, H>,
    path: &str,
    new: &ProbeAnswer,
    old: Option<&ProbeAnswer>,
) -> String {
    let old = old.map_or_else(String::new, |old| format!("; the old slot gives {old}"));
    format!(
        "slot `{}` is healthy, but GET http://{}{path} gives {new}{old}",
        swap.new_slot().name(),
        reach::address_in(swap, swap.begun.slot).await
    )
}

async fn failed<H: Host>(swap: &Swap<'_, H>, text: String) -> Failure {
    let log = match container::look(swap).await {
        Ok(container) => swap.host.container_log(&container.id, LOG_LINES).await,
        Err(_gone) => Ok(Vec::new()),
    };
    Failure::new(Reason::SmokeFailed, text)
        .hint("no user was sent there; fix what its last log lines name, or choose other paths with `smoke-paths`")
        .log_tail(log.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_what_the_old_slot_does_better() {
        let nothing = ProbeAnswer::Nothing("timed out".to_owned());
        let status = ProbeAnswer::Status;
        assert!(is_worse(&nothing, Some(&status(404)), Named::ByNobody));
        assert!(is_worse(&status(500), Some(&status(200)), Named::ByNobody));
        assert!(!is_worse(
            &status(500),
            Some(&status(503)),
            Named::BySomebody
        ));
        assert!(!is_worse(&nothing, Some(&nothing), Named::BySomebody));
        assert!(
            is_worse(&nothing, None, Named::ByNobody),
            "a first release must answer"
        );
        assert!(
            !is_worse(&status(500), None, Named::ByNobody)
                && is_worse(&status(500), None, Named::BySomebody)
        );
        assert!(!is_bad(&status(404)) && !is_bad(&status(302)) && is_bad(&status(502)));
    }
}

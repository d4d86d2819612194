//! Asks through nginx's own listener, as a user would, until it answers well a few times in a row; with the flag
//! nginx also tells which slot it uses.

use std::time::Duration;

use crate::agent::failure::StepResult;
use crate::agent::journal::entry::Switch;
use crate::agent::route;
use crate::agent::swap::Swap;
use crate::agent::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::facts::{Probe, ProbeAnswer};
use crate::host::nginx::flag;
use crate::protocol::step::Step;

const GOOD_ANSWERS: u32 = 3;
const DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let Some(probe) = swap.meter.probe() else {
        let text = "nginx has no TCP listener for this app: the route is not asked";
        swap.events.progress(Step::VerifyRoute, text).await;
        return Ok(());
    };
    let told_at = told_at(swap).await;
    let wait = Wait::new(swap.host, DEADLINE, PAUSE);
    let mut good = 0;
    loop {
        swap.go_on()?;
        match look(swap, &probe, &told_at).await {
            Ok(()) => good += 1,
            Err(error) if wait.is_over() => return Err(error),
            Err(_) => good = 0,
        }
        if good == GOOD_ANSWERS {
            return Ok(());
        }
        wait.pause().await;
    }
}

/// Where nginx tells which slot it uses: an include that an earlier version wrote has it elsewhere.
async fn told_at<H: Host>(swap: &Swap<'_, H>) -> String {
    let text = match route::include(swap.host, swap.site()).await {
        Ok((_, text)) => text,
        Err(_) => String::new(),
    };
    match flag::describe(&text) {
        Ok(Some(described)) => described.slot_path,
        Ok(None) | Err(_) => flag::slot_path(swap.site().app.as_str()),
    }
}

async fn look<H: Host>(swap: &Swap<'_, H>, probe: &Probe, told_at: &str) -> StepResult<()> {
    if swap.begun.switch == Switch::Flag {
        let ask = Probe {
            path: told_at.to_owned(),
            ..probe.clone()
        };
        let named = swap.host.text(&ask).await;
        let wanted = swap.begun.slot.to_string();
        if named.as_deref() != Some(&wanted) {
            return Err(wrong_slot(&ask, named.as_deref(), &wanted));
        }
    }
    match swap.host.probe(probe).await {
        // What the listener said of the old slot, too, is the site's business.
        ProbeAnswer::Status(status) if status < 500 || swap.meter.was_seen(status) => Ok(()),
        answer @ (ProbeAnswer::Status(_) | ProbeAnswer::Nothing(_)) => {
            Err(not_verified(probe, &answer))
        }
    }
}

fn not_verified(probe: &Probe, answer: &ProbeAnswer) -> Failure {
    Failure::new(
        Reason::RouteNotVerified,
        format!(
            "GET {} through nginx ({}, Host {}) gives {answer}",
            probe.path, probe.address, probe.host
        ),
    )
    .hint("does `location /` in the server block `proxy_pass` to the variable of the include?")
}

fn wrong_slot(ask: &Probe, named: Option<&str>, wanted: &str) -> Failure {
    let named = named.map_or_else(
        || "does not say".to_owned(),
        |slot| format!("says `{slot}`"),
    );
    Failure::new(
        Reason::RouteNotVerified,
        format!(
            "nginx ({}, Host {}) {named} which slot takes traffic, not `{wanted}`",
            ask.address, ask.host
        ),
    )
    .hint("was nginx reloaded since `pct-deploy provision`? `sudo nginx -s reload`, then deploy again")
}

//! Asks through nginx's own listener, as a user would, until it answers well a few times in a row.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::agent::failure::{StepError, StepResult};
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::Host;
use crate::host::facts::{Probe, ProbeAnswer};
use crate::host::nginx::Scheme;
use crate::protocol::step::Step;

const GOOD_ANSWERS: u32 = 3;
const DEADLINE_MS: u64 = 10_000;
const PAUSE: Duration = Duration::from_millis(50);
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let Some(probe) = public_probe(swap) else {
        let text = "nginx listens with TLS only: the route is verified by its workers alone";
        swap.events.progress(Step::VerifyRoute, text).await;
        return Ok(());
    };
    let began = swap.host.elapsed_ms();
    let mut good = 0;
    loop {
        swap.go_on()?;
        let answer = swap.host.probe(&probe).await;
        let wanted = match answer {
            ProbeAnswer::Status(status) => status < 500,
            ProbeAnswer::Nothing(_) => false,
        };
        good = if wanted { good + 1 } else { 0 };
        if good == GOOD_ANSWERS {
            return Ok(());
        }
        if swap.host.elapsed_ms().saturating_sub(began) >= DEADLINE_MS {
            return Err(not_verified(&probe, &answer));
        }
        swap.host.sleep(PAUSE).await;
    }
}

/// A request to the first plain-HTTP listener of a site that obeys the include.
fn public_probe<H: Host>(swap: &Swap<'_, H>) -> Option<Probe> {
    swap.sites.iter().find_map(|site| {
        let listen = site
            .listens
            .iter()
            .find(|listen| listen.scheme == Scheme::Http);
        // A server block without `listen` listens on 80.
        let port = match (listen, site.listens.is_empty()) {
            (Some(listen), _) => listen.port,
            (None, true) => 80,
            (None, false) => return None,
        };
        Some(Probe {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            host: site
                .server_name
                .clone()
                .unwrap_or_else(|| "localhost".to_owned()),
            path: swap.site().health.path_or_root().to_owned(),
            timeout: PROBE_TIMEOUT,
        })
    })
}

fn not_verified(probe: &Probe, answer: &ProbeAnswer) -> StepError {
    StepError::new(
        Reason::RouteNotVerified,
        format!(
            "GET {} through nginx ({}, Host {}) gives {answer}",
            probe.path, probe.address, probe.host
        ),
    )
    .hint("does `location /` in the server block `proxy_pass` to the variable of the include?")
}

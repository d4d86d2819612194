//! Probes the new slot until it is healthy; gives up at once when its container ends.

use std::time::Duration;

use crate::agent::failure::StepResult;
use crate::agent::reach;
use crate::agent::steps::container::{self, During, LOG_LINES};
use crate::agent::steps::{smoke, weight};
use crate::agent::swap::{Healthy, Swap};
use crate::agent::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::facts::{ContainerFacts, ContainerHealth, Probe, ProbeAnswer};
use crate::protocol::plan::HealthCheck;
use crate::protocol::step::Step;

/// One probe must end before the next deadline is looked at.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let check = &swap.site().health;
    // The container was made a moment ago, by the step before.
    let since_ms = swap.host.now_ms().saturating_sub(60_000);
    let mut good = 0;
    let mut wait = Wait::new(
        swap.host,
        check.timeout.duration(),
        check.interval.duration(),
    );
    loop {
        swap.go_on()?;
        let container = container::look(swap).await?;
        container::check(swap, &container, since_ms, During::Boot).await?;
        let answer = swap
            .host
            .probe(&probe(swap, Some(&container), PROBE_TIMEOUT))
            .await;
        good = if is_good(check, &container, &answer) {
            good + 1
        } else {
            0
        };
        if good >= check.successes {
            // A container that was restarted between two probes is not healthy.
            container::check(swap, &container::look(swap).await?, since_ms, During::Boot).await?;
            weight::restore(swap).await?;
            smoke::check(swap).await?;
            swap.healthy_at.set(Some(Healthy {
                elapsed_ms: swap.host.elapsed_ms(),
                now_ms: swap.host.now_ms(),
            }));
            return Ok(());
        }
        if wait.is_over() {
            return Err(never_healthy(swap, &container, &answer).await);
        }
        if wait.is_half_over() {
            // What it lacks may be just that.
            weight::restore(swap).await?;
        }
        let text = format_args!("not healthy yet: {answer}");
        wait.speak(swap.events, Step::AwaitHealthy, text).await;
        wait.pause().await;
    }
}

pub(super) fn probe<H: Host>(
    swap: &Swap<'_, H>,
    container: Option<&ContainerFacts>,
    timeout: Duration,
) -> Probe {
    Probe::of_health(
        reach::health_address(swap.new_slot(), container),
        &swap.site().health,
        timeout,
    )
}

/// With a path only 2xx counts. Without one the container's own check decides, and any answer below 500 shows
/// that the app listens.
fn is_good(check: &HealthCheck, container: &ContainerFacts, answer: &ProbeAnswer) -> bool {
    let ProbeAnswer::Status(status) = answer else {
        return false;
    };
    match (&check.path, container.health) {
        (None, Some(ContainerHealth::Starting | ContainerHealth::Unhealthy)) => false,
        (Some(_), _) | (None, Some(ContainerHealth::Healthy) | None) => check.accepts(*status),
    }
}

async fn never_healthy<H: Host>(
    swap: &Swap<'_, H>,
    container: &ContainerFacts,
    answer: &ProbeAnswer,
) -> Failure {
    let log = swap
        .host
        .container_log(&container.id, LOG_LINES)
        .await
        .unwrap_or_default();
    let Probe {
        address,
        path,
        host,
        ..
    } = probe(swap, Some(container), PROBE_TIMEOUT);
    let service = swap.new_slot().service.as_str();
    let unheard = unheard(service, address.port(), container, answer);
    let error = Failure::new(
        Reason::NeverHealthy,
        format!(
            "slot `{}` is not healthy after {}: GET http://{address}{path} for `{host}` gives {}",
            swap.new_slot().name(),
            swap.site().health.timeout,
            answer,
        ),
    )
    .log_tail(log);
    let error = unheard.into_iter().fold(error, Failure::hint);
    let error = match answer {
        ProbeAnswer::Status(400 | 403 | 404 | 421) => error.hint(format!(
            "an app that answers to a list of names only may not know `{host}`: `health-host` sets the name"
        )),
        _ => error,
    };
    error.hint("if the app only needs longer, raise `health-timeout`; if the path is wrong, correct `health-path`")
}

/// The usual cause when a connection is refused or closed: the port is published, and nobody listens behind it.
fn unheard(
    service: &str,
    port: u16,
    container: &ContainerFacts,
    answer: &ProbeAnswer,
) -> Option<String> {
    const WORDS: [&str; 4] = ["refused", "reset", "closed", "broken pipe"];
    let ProbeAnswer::Nothing(why) = answer else {
        return None;
    };
    let why = why.to_lowercase();
    if !WORDS.iter().any(|word| why.contains(word)) {
        return None;
    }
    let mut inner: Vec<u16> = container.exposed.iter().map(|(_, port)| *port).collect();
    inner.sort_unstable();
    inner.dedup();
    let inner: Vec<String> = inner.iter().map(u16::to_string).collect();
    let wanted = match inner.as_slice() {
        [] => "the port that `ports` names".to_owned(),
        ports => ports.join(" or "),
    };
    Some(format!(
        "port {port} of the host leads into `{service}`, where nothing answers: is the app listening on {wanted}, and on 0.0.0.0?"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::facts::RunState;

    fn container(run: RunState) -> ContainerFacts {
        ContainerFacts {
            id: "c".into(),
            state: "x".into(),
            run,
            health: None,
            restarts: 0,
            memory_limit: Some(64),
            stop_grace: None,
            image: None,
            release: None,
            pid: None,
            addresses: Vec::new(),
            exposed: Vec::new(),
            networks: Vec::new(),
        }
    }

    fn check(path: Option<&str>) -> HealthCheck {
        HealthCheck {
            path: path.map(str::to_owned),
            timeout: "1s".parse().unwrap(),
            interval: "1s".parse().unwrap(),
            successes: 1,
            port: None,
            host: None,
            by_https: false,
        }
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_named() {
        let mut web = container(RunState::Running);
        let address = "172.18.0.3".parse().unwrap();
        web.exposed = vec![(address, 8080), (address, 8080)];
        let hint = |web: &ContainerFacts, why: &str| {
            unheard("web-2", 8081, web, &ProbeAnswer::Nothing(why.to_owned()))
        };
        let wanted = "port 8081 of the host leads into `web-2`, where nothing answers: is the app listening on 8080, and on 0.0.0.0?";
        for why in [
            "Connection refused (os error 111)",
            "connection reset by peer",
        ] {
            assert_eq!(hint(&web, why).as_deref(), Some(wanted), "{why}");
        }
        assert_eq!(hint(&web, "timed out"), None);
        assert_eq!(
            unheard("web-2", 8081, &web, &ProbeAnswer::Status(503)),
            None
        );
        web.exposed.clear();
        let unnamed = hint(&web, "connection refused").unwrap();
        assert!(unnamed.contains("the port that `ports` names"), "{unnamed}");
    }

    #[test]
    fn a_path_wants_2xx_and_no_path_wants_any_sign_of_life() {
        let running = container(RunState::Running);
        let good = |path, status| is_good(&check(path), &running, &ProbeAnswer::Status(status));
        assert!(
            good(Some("/health"), 204)
                && !good(Some("/health"), 302)
                && !good(Some("/health"), 404)
        );
        assert!(good(None, 404) && !good(None, 503));
        let own = ContainerFacts {
            health: Some(ContainerHealth::Starting),
            ..running.clone()
        };
        assert!(!is_good(&check(None), &own, &ProbeAnswer::Status(200)));
        assert!(!is_good(
            &check(None),
            &running,
            &ProbeAnswer::Nothing("connection refused".into())
        ));
    }
}

//! What befell a container: the engine's own memory of events, asked without waiting; and the one that is waited for.
//!
//! The engine remembers the last 256 events of everything on the host, so a caller that watches
//! has to ask more often than that many happen.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::TryStreamExt as _;

use super::super::super::HostResult;
use super::super::super::facts::{ComposeProject, Incident};
use super::containers::{SERVICE, is_of, project_folder};
use super::within;
use crate::protocol::ids::ServiceName;

/// The incidents of a container after `since_ms` and until `now_ms`, oldest first.
pub(in super::super) async fn of(
    docker: &Docker,
    container: &str,
    since_ms: u64,
    now_ms: u64,
) -> HostResult<Vec<Incident>> {
    let filters = HashMap::from([
        ("type", vec!["container"]),
        ("container", vec![container]),
        ("event", vec!["die", "kill", "oom", "start"]),
    ]);
    // An end in the past makes the engine answer at once instead of streaming on.
    let options = EventsOptionsBuilder::new()
        .since(&stamp(since_ms))
        .until(&stamp(now_ms))
        .filters(&filters)
        .build();
    let events = docker.events(Some(options)).try_collect::<Vec<_>>();
    let doing = format!("read what happened to the container `{container}`");
    Ok(incidents(&within(&doing, events).await?))
}

/// Returns when a container of the service is started; never when the engine says no more.
pub(in super::super) async fn start_of(
    docker: &Docker,
    project: &ComposeProject,
    service: &ServiceName,
) {
    let filters = HashMap::from([
        ("type", vec!["container".to_owned()]),
        ("event", vec!["start".to_owned()]),
        ("label", vec![format!("{SERVICE}={service}")]),
    ]);
    let options = EventsOptionsBuilder::new().filters(&filters).build();
    let folder = project_folder(project);
    let mut events = docker.events(Some(options));
    while let Ok(Some(event)) = events.try_next().await {
        let attributes = event.actor.and_then(|actor| actor.attributes);
        if is_of(attributes.as_ref(), &folder) {
            return;
        }
    }
    std::future::pending::<()>().await;
}

fn stamp(ms: u64) -> String {
    format!("{}.{:03}000000", ms / 1000, ms % 1000)
}

/// A start after an end is a restart, whoever did it; the engine's own `restart` event is sent
/// for the command of that name alone, not for a restart policy.
fn incidents(events: &[EventMessage]) -> Vec<Incident> {
    let mut has_died = false;
    let mut incidents = Vec::new();
    for event in events {
        match event.action.as_deref() {
            Some("die") => {
                has_died = true;
                incidents.push(Incident::Died(exit_code(event)));
            }
            // Other signals are between the app and whoever sends them.
            Some("kill") if is_sigkill(event) => incidents.push(Incident::KilledThroughDocker),
            Some("oom") => incidents.push(Incident::OutOfMemory),
            Some("start") if has_died => incidents.push(Incident::Restarted),
            Some(_) | None => {}
        }
    }
    incidents
}

fn exit_code(event: &EventMessage) -> i64 {
    let code = attribute(event, "exitCode");
    code.and_then(|code| code.parse().ok()).unwrap_or(-1)
}

fn is_sigkill(event: &EventMessage) -> bool {
    attribute(event, "signal").is_some_and(|signal| signal == "9" || signal == "SIGKILL")
}

fn attribute<'a>(event: &'a EventMessage, name: &str) -> Option<&'a str> {
    let attributes = event.actor.as_ref()?.attributes.as_ref()?;
    attributes.get(name).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    // From `docker events --format '{{json .}}'` of engine 20.10, shortened.
    const EVENTS: &str = r#"[
        {"status":"start","id":"c1","Type":"container","Action":"start","Actor":{"ID":"c1","Attributes":{}},"scope":"local","time":1700000000,"timeNano":1700000000000000000},
        {"Type":"container","Action":"oom","Actor":{"ID":"c1","Attributes":{"image":"x"}}},
        {"Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"exitCode":"137"}}},
        {"Type":"container","Action":"start","Actor":{"ID":"c1","Attributes":{}}},
        {"Type":"container","Action":"kill","Actor":{"ID":"c1","Attributes":{"signal":"15"}}},
        {"Type":"container","Action":"kill","Actor":{"ID":"c1","Attributes":{"signal":"9"}}},
        {"Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{}}}
    ]"#;

    #[test]
    fn a_first_start_is_no_restart() {
        let events: Vec<EventMessage> = serde_json::from_str(EVENTS).unwrap();
        assert_eq!(
            incidents(&events),
            [
                Incident::OutOfMemory,
                Incident::Died(137),
                Incident::Restarted,
                Incident::KilledThroughDocker,
                Incident::Died(-1)
            ]
        );
    }

    #[test]
    fn times_are_seconds_and_nanoseconds() {
        assert_eq!(stamp(1_700_000_000_007), "1700000000.007000000");
    }
}

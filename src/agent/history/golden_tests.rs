//! Every format of an event log that ever shipped: `tests/golden/events`, as for the journal.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::log::{self, EventLog, LOG_VERSION};
use super::tests::{bytes, id, paths, runs};
use crate::agent::tests::{deployed, image, plan};
use crate::host::sim::SimHost;
use crate::protocol::event::{Event, Happening};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::{Plan, Target};
use crate::protocol::wire;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/events"))
}

#[test]
fn logs_of_every_version_are_read_and_tell_the_same() {
    let mut commits = BTreeSet::new();
    for file in folder().read_dir().unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        commits.insert(name.chars().take(10).collect::<String>());
        let log = EventLog::read(&std::fs::read(folder().join(&name)).unwrap());
        assert_eq!(log.unreadable, None, "{name}");
        let (_, end) = log.end.as_ref().unwrap();
        let well = ["deployed", "rollback", "left-running"];
        let wanted = well
            .iter()
            .any(|how| name.ends_with(&format!("-{how}.jsonl")));
        assert_eq!(end.outcome == Outcome::Deployed, wanted, "{name}");
        assert_eq!(log.deployed().is_some(), went(end.outcome), "{name}");
        assert!(log.resolved.is_some() && log.began_ms.is_some(), "{name}");
    }
    assert_eq!(commits.len(), 5, "{commits:?}");
}

fn went(outcome: Outcome) -> bool {
    log::went_live(outcome)
}

/// Like the test of the same name for the journal: while version 2 is not released, `UPDATE=1 cargo test --lib history`
/// writes the file again; afterwards a change wants another `LOG_VERSION`, and the old file stays.
#[test]
fn the_format_of_a_log_does_not_change_without_its_version() {
    let host = SimHost::provisioned();
    deployed(&host, 1);
    let plan = Plan {
        origin: crate::protocol::plan::Origin {
            commit: Some("0123456789abcdef0123456789abcdef01234567".parse().unwrap()),
            by: Some("kim".to_owned()),
            url: Some("https://github.com/o/r/actions/runs/1".to_owned()),
        },
        ..plan(2, Target::Image(image(2)))
    };
    assert_eq!(runs(&host, &plan), Outcome::Deployed);
    let written = bytes(&host, &paths().event_log(&id(2)));
    let path = folder().join(format!("v{LOG_VERSION}-flag-deployed.jsonl"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    let shape = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .map(|line: serde_json::Value| keys(&line))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        shape(&written),
        shape(&golden),
        "see the comment of this test"
    );
}

/// Every key with its path, and the tags: what a reader depends on.
fn keys(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(object) => {
            let inner = object
                .iter()
                .map(|(key, value)| match (key.as_str(), value) {
                    ("kind" | "outcome", serde_json::Value::String(tag)) => format!("{key}={tag}"),
                    (key, value) => format!("{key}{}", keys(value)),
                });
            format!("{{{}}}", inner.collect::<Vec<_>>().join(","))
        }
        serde_json::Value::Array(items) => {
            format!("[{}]", items.first().map_or(String::new(), keys))
        }
        _ => String::new(),
    }
}

#[test]
fn version_1_reads_our_logs_but_for_the_first_line() {
    let written = std::fs::read_to_string(folder().join("v2-flag-deployed.jsonl")).unwrap();
    // As `fold` of version 1 did it.
    let events: Vec<Event> = written
        .lines()
        .filter_map(|line| wire::decode::<Event>(line).ok())
        .collect();
    assert_eq!(events.len(), written.lines().count() - 1);
    assert!(matches!(
        events.last().unwrap().what,
        Happening::Finished(_)
    ));
}

//! Records cut anywhere, damaged and foreign ones, in the order of the host.

use std::path::PathBuf;

use super::*;
use crate::agent::tests::{behaves, deployed, image, plan, swap, swap_plan};
use crate::agent::writer::Writer;
use crate::host::Files as _;
use crate::host::sim::{Behaviour, SimHost};
use crate::protocol::event::{Event, Happening};
use crate::protocol::plan::{Intent, Plan, Target};
use crate::protocol::step::Step;
use crate::protocol::wire;

pub(super) fn paths() -> AppPaths {
    AppPaths::new(&"app".parse().unwrap())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

fn records(host: &SimHost) -> Vec<Record> {
    block_on(read(host, &paths())).unwrap()
}

pub(super) fn id(n: u8) -> DeploymentId {
    plan(n, Target::Previous).deployment
}

fn put(host: &SimHost, path: PathBuf, bytes: &[u8]) {
    let mut world = host.world.borrow_mut();
    world.files.insert(path, bytes.to_vec().into());
}

pub(super) fn bytes(host: &SimHost, path: &std::path::Path) -> Vec<u8> {
    host.world.borrow().files[path].to_vec()
}

pub(super) fn runs(host: &SimHost, plan: &Plan) -> Outcome {
    swap_plan(host, plan, &std::cell::Cell::new(false), |_| {}).outcome
}

#[test]
fn a_log_cut_anywhere_is_interrupted_or_over_and_what_it_says_is_true() {
    let host = SimHost::new();
    deployed(&host, 1);
    let log = paths().event_log(&id(1));
    let whole = bytes(&host, &log);
    let journal = bytes(&host, &paths().archived(&id(1)));
    // Every line is cut, at many places.
    for cut in (0..whole.len()).step_by(13).chain([whole.len() - 1]) {
        for zeros in [0, whole.len() - cut] {
            put(
                &host,
                log.clone(),
                &[&whole[..cut], &vec![0; zeros]].concat(),
            );
            // Its closed journal knows.
            let with = records(&host);
            assert_eq!(with[0].past.outcome, Outcome::Deployed.into(), "{cut}");
            assert_eq!(with[0].deployed.as_ref().unwrap().1, image(1), "{cut}");
            // Without one it was never committed.
            host.world
                .borrow_mut()
                .files
                .remove(&paths().archived(&id(1)));
            let without = records(&host);
            for record in &without {
                let over = cut >= whole.len() - 1;
                let unended = [Unended::Interrupted, Unended::Unreadable].map(Standing::from);
                assert!(
                    over || unended.contains(&record.past.outcome),
                    "{cut}: {record:?}"
                );
                assert!(over || record.deployed.is_none(), "{cut}");
            }
            put(&host, paths().archived(&id(1)), &journal);
        }
    }
}

#[test]
fn runs_are_in_the_order_of_the_host_whatever_the_clocks_say() {
    const HOUR: i64 = 3_600_000;
    for hours in [-5, 5] {
        let host = SimHost::new();
        // The runner of the second deploy is ahead: its id sorts behind all others.
        let ids = [1, 9, 3, 4];
        for (place, n) in (1..).zip(ids) {
            let plan = Plan {
                deployment: id(n),
                ..plan(n, Target::Image(image(place)))
            };
            assert_eq!(runs(&host, &plan), Outcome::Deployed);
            let calls = host.calls();
            host.faults.clock.set(Some((calls, hours * HOUR)));
        }
        let order: Vec<_> = records(&host)
            .into_iter()
            .map(|record| record.past.deployment)
            .collect();
        assert_eq!(order, [4, 3, 9, 1].map(id), "{hours}");
        assert_eq!(swap(&host, 2, Target::Previous).outcome, Outcome::Deployed);
        assert_eq!(host.serves(), Some(image(3)), "{hours}: to the one before");
        let newest = block_on(closed::last_closed(&host, &paths())).unwrap();
        assert_eq!(newest.unwrap().plan.deployment, id(2), "{hours}");
    }
}

#[test]
fn logs_without_a_number_come_by_their_journals_or_by_the_hosts_time() {
    let host = SimHost::new();
    for n in 1..=3 {
        deployed(&host, n);
    }
    // As version 1 left them: no head.
    for n in [1, 2] {
        let log = paths().event_log(&id(n));
        let text = bytes(&host, &log);
        let end = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        put(&host, log, &text[end..]);
    }
    let order = |host: &SimHost| -> Vec<_> {
        let all = records(host).into_iter();
        all.map(|record| record.past.deployment).collect()
    };
    assert_eq!(order(&host), [3, 2, 1].map(id));
    host.world
        .borrow_mut()
        .files
        .remove(&paths().archived(&id(2)));
    assert_eq!(order(&host), [3, 2, 1].map(id));
}

#[test]
fn records_of_kept_releases_stay_and_the_rest_is_trimmed() {
    let host = SimHost::new();
    deployed(&host, 1);
    behaves(&host, 200, Behaviour::Unhealthy);
    for n in 2..54 {
        let ended = swap(&host, n, Target::Image(image(200)));
        assert_eq!(ended.outcome, Outcome::RolledBack, "{ended:?}");
    }
    deployed(&host, 60);
    for n in 61..72 {
        swap(&host, n, Target::Image(image(200)));
    }
    deployed(&host, 80);
    let names = |folder: PathBuf| block_on(host.list(&folder)).unwrap();
    let (logs, journals) = (names(paths().events()), names(paths().archive()));
    assert!(logs.len() <= KEEP_LOGS + 2, "{} logs", logs.len());
    assert!(
        journals.len() <= KEEP_LOGS + 2,
        "{} journals",
        journals.len()
    );
    for n in [1, 60, 80] {
        assert!(logs.contains(&format!("{}.jsonl", id(n))), "{n}");
    }
    let kept = block_on(kept(&host, &paths(), &records(&host))).unwrap();
    let images: Vec<_> = kept.into_iter().map(|kept| kept.image).collect();
    assert_eq!(images, [80, 60, 1].map(image));
    assert_eq!(swap(&host, 90, Target::Previous).outcome, Outcome::Deployed);
    assert_eq!(host.serves(), Some(image(60)));
}

/// Logs whose end nobody can tell.
fn unreadable() -> [(&'static str, Vec<u8>); 4] {
    let writer = Writer {
        version: "9.0.0".to_owned(),
        program: None,
    };
    let newer = log::head(Some(2), writer).replace("\"log\":2", "\"log\":3");
    let end =
        "{\"seq\":1,\"at_ms\":5,\"what\":{\"kind\":\"finished\",\"outcome\":\"half-deployed\"}}\n";
    let other = "{\"seq\":1,\"at_ms\":5,\"what\":\"finished\"}\n";
    [
        ("of a newer version", (newer + end).into_bytes()),
        ("of another version", other.as_bytes().to_vec()),
        ("foreign", b"Nov 26 10:00:01 host sshd[1]: hello\n".to_vec()),
        ("foreign JSON", b"{\"a\":1}\n".to_vec()),
    ]
}

#[test]
fn what_cannot_be_read_is_a_row_and_no_image_and_no_record_is_removed_for_it() {
    for (what, log) in unreadable() {
        let host = SimHost::new();
        for n in 1..=3 {
            deployed(&host, n);
        }
        put(&host, paths().event_log(&id(2)), &log);
        host.world
            .borrow_mut()
            .files
            .remove(&paths().archived(&id(2)));
        let rows = records(&host);
        let row = rows
            .iter()
            .find(|row| row.past.deployment == id(2))
            .unwrap();
        assert!(row.unreadable().is_some(), "{what}: {row:?}");
        assert_eq!(rows.len(), 3, "{what}");
        for n in 4..=7 {
            deployed(&host, n);
        }
        let images = host.world.borrow().images.len();
        assert_eq!(images, 7, "{what}");
        assert_eq!(bytes(&host, &paths().event_log(&id(2))), log, "{what}");
        let back = swap(&host, 8, Target::Previous);
        assert_eq!(back.reason, "no-earlier-release", "{what}");
        assert_eq!(host.serves(), Some(image(7)), "{what}");
        // Once a person has seen to it, all is as ever.
        host.world
            .borrow_mut()
            .files
            .remove(&paths().event_log(&id(2)));
        deployed(&host, 9);
        assert_eq!(host.world.borrow().images.len(), 3, "{what}");
        assert_eq!(swap(&host, 10, Target::Previous).outcome, Outcome::Deployed);
    }
}

#[test]
fn records_that_cannot_be_listed_stop_a_deploy_before_anything_is_removed() {
    let host = SimHost::new();
    for n in 1..=3 {
        deployed(&host, n);
    }
    host.faults.always.set(Some("list"));
    let refused = swap(&host, 4, Target::Image(image(4)));
    assert_eq!(
        (refused.outcome, refused.reason.as_str()),
        (Outcome::Failed, "preflight-failed")
    );
    host.faults.always.set(None);
    assert_eq!(host.serves(), Some(image(3)));
    assert_eq!(host.world.borrow().images.len(), 3);
}

#[test]
fn a_run_at_work_is_running_one_that_waits_is_waiting_and_one_that_died_is_interrupted() {
    let host = SimHost::new();
    deployed(&host, 1);
    let now = host.world.borrow().now_ms;
    let line = |what: Happening| {
        let at_ms = now;
        wire::encode(&Event {
            seq: 1,
            at_ms,
            what,
        })
        .unwrap()
    };
    let begun = |n| {
        let origin = Default::default();
        line(Happening::Begun {
            deployment: id(n),
            origin,
            intent: None,
        })
    };
    let waits = line(Happening::LockWaiting {
        holder: "x".to_owned(),
    });
    put(&host, paths().event_log(&id(2)), begun(2).as_bytes());
    put(&host, paths().event_log(&id(3)), begun(3).as_bytes());
    put(&host, paths().event_log(&id(4)), waits.as_bytes());
    let rows = |holder: Option<&str>, open: Option<&DeploymentId>, now| {
        let mut all = records(&host);
        tell_running(&mut all, holder, open, now);
        let mut rows: Vec<_> = all
            .into_iter()
            .map(|record| (record.past.deployment, record.past.outcome.to_string()))
            .collect();
        rows.sort();
        rows.into_iter().map(|(_, word)| word).collect::<Vec<_>>()
    };
    let note = format!("deployment {} by kim, process 7", id(3));
    assert_eq!(
        rows(Some(&note), None, now),
        ["deployed", "interrupted", "running", "waiting"]
    );
    // The note could not be written, for the disk is full: the open journal tells.
    assert_eq!(
        rows(Some(""), Some(&id(3)), now + WAITS_MS + 1),
        ["deployed", "interrupted", "running", "interrupted"]
    );
    assert_eq!(
        rows(None, None, now),
        ["deployed", "interrupted", "interrupted", "interrupted"]
    );
}

#[test]
fn a_cancel_that_came_too_late_does_not_stay() {
    let host = SimHost::new();
    deployed(&host, 1);
    put(&host, paths().cancel(&id(1)), b"");
    deployed(&host, 2);
    assert!(
        !host
            .world
            .borrow()
            .files
            .contains_key(&paths().cancel(&id(1)))
    );
}

#[test]
fn a_deploy_is_told_from_a_rollback_and_says_why_it_failed() {
    let host = SimHost::new();
    deployed(&host, 1);
    deployed(&host, 2);
    assert_eq!(runs(&host, &plan(3, Target::Previous)), Outcome::Deployed);
    behaves(&host, 4, Behaviour::Crashes(3));
    assert_eq!(
        runs(&host, &plan(4, Target::Image(image(4)))),
        Outcome::RolledBack
    );
    let intents: Vec<_> = records(&host)
        .into_iter()
        .map(|record| record.past.intent.map(Intent::as_str))
        .collect();
    let wanted = ["deploy", "rollback", "deploy", "deploy"];
    assert_eq!(intents, wanted.map(Some));
    let why = block_on(told(&host, &paths(), &id(4))).unwrap().unwrap();
    let (step, failure) = why.failed.unwrap();
    assert_eq!(
        (step, failure.reason.as_str()),
        (Step::AwaitHealthy, "crashed-at-boot")
    );
    assert!(!failure.hints.is_empty());
    let good = block_on(told(&host, &paths(), &id(1))).unwrap().unwrap();
    assert_eq!(good.failed, None);
    assert_eq!(block_on(told(&host, &paths(), &id(9))).unwrap(), None);
    // A log that was cut tells what it has.
    let log = paths().event_log(&id(4));
    let whole = bytes(&host, &log);
    put(&host, log, &whole[..whole.len() - 20]);
    let cut = block_on(told(&host, &paths(), &id(4))).unwrap().unwrap();
    assert_eq!(cut.failed.map(|(step, _)| step), Some(Step::AwaitHealthy));
}

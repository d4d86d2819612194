//! Whole swaps on a simulated host, in milliseconds.

use std::cell::Cell;
use std::path::Path;

use tokio::sync::mpsc::unbounded_channel;

use super::deploy::run;
use super::journal::codec::JournalHeader;
use super::journal::entry::{Begun, Entry, Settings, Switch};
use super::writer::Writer;
use crate::error::{Failure, Reason};
use crate::host::nginx::NginxAt;
use crate::host::sim::{Behaviour, INCLUDE, SimHost};
use crate::protocol::event::Happening;
use crate::protocol::ids::PinnedImage;
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::{Bake, HealthCheck, Origin, Plan, Site, SwitchChoice, Target};
use crate::protocol::slot::{PerSlot, Slot, SlotService};
use crate::protocol::span::Span;
use crate::protocol::wire::Reply;

pub(super) fn image(n: u8) -> PinnedImage {
    format!("user/app@sha256:{}", format!("{n:02x}").repeat(32))
        .parse()
        .unwrap()
}

pub(super) fn plan(n: u8, target: Target) -> Plan {
    let span = |text: &str| text.parse().unwrap();
    Plan {
        deployment: format!("20260101T0000{n:02}Z-000000").parse().unwrap(),
        site: Site {
            app: "app".parse().unwrap(),
            project_directory: ".".into(),
            compose_files: Vec::new(),
            slots: PerSlot {
                one: "web-1".parse().unwrap(),
                two: "web-2".parse().unwrap(),
            },
            slots_by_default: false,
            dependencies: None,
            proxy_include: INCLUDE.into(),
            switch: SwitchChoice::Auto,
            health: HealthCheck {
                path: Some("/health".into()),
                timeout: span("10s"),
                interval: span("250ms"),
                successes: 2,
                port: None,
                host: None,
                by_https: false,
            },
            smoke_paths: Vec::new(),
            bake: Bake {
                time: span("1s"),
                errors_permille: 20,
                client_errors_permille: 250,
                slowdown: 2,
                min_requests: 20,
            },
            platform: "linux/amd64".into(),
            drain_timeout: span("1s"),
            stop_timeout: span("1s"),
            keep_releases: 3,
            lock_wait: span("1s"),
        },
        target,
        origin: Origin::default(),
        fence: None,
        force: false,
    }
}

/// What a watch is set to unless somebody says otherwise.
pub(super) const BAKE: Bake = Bake {
    time: Span::from_millis(5000),
    errors_permille: 20,
    client_errors_permille: 250,
    slowdown: 2,
    min_requests: 20,
};

/// A first journal entry.
pub(super) fn begun() -> Entry {
    let slot = |service: &str, port| SlotService::new(service.parse().unwrap(), port);
    Entry::Begun(Box::new(Begun {
        plan: plan(1, Target::Previous),
        fence: 1,
        folder: "/home/u".into(),
        files: vec!["docker-compose.yml".into()],
        one_shots: Vec::new(),
        slots: PerSlot {
            one: slot("web-1", 8080),
            two: slot("web-2", 8081),
        },
        compose_version: None,
        switch: Switch::Reload(INCLUDE.into()),
        dependencies: vec!["db".parse().unwrap()],
        previous: None,
        image: image(1),
        release: "0123456789ab".parse().unwrap(),
        slot: Slot::One,
        keep: Vec::new(),
        releases: Vec::new(),
        settings: Settings::File,
        nginx: NginxAt::Host,
    }))
}

/// The head of its journal.
pub(super) fn head() -> JournalHeader {
    JournalHeader::ours(
        1,
        Writer {
            version: "0.1.0".to_owned(),
            program: Some("/var/lib/pct-deploy/bin/0123".into()),
        },
    )
}

pub(super) fn failure() -> Failure {
    Failure::new(Reason::NeverHealthy, "it is not healthy")
}

pub(super) fn swap(host: &SimHost, n: u8, target: Target) -> Finished {
    swap_with(host, n, target, &Cell::new(false))
}

fn swap_with(host: &SimHost, n: u8, target: Target, cancel: &Cell<bool>) -> Finished {
    swap_plan(host, &plan(n, target), cancel, |_| {})
}

/// Runs a plan; `meanwhile` is called again and again while it runs.
pub(super) fn swap_plan(
    host: &SimHost,
    plan: &Plan,
    cancel: &Cell<bool>,
    mut meanwhile: impl FnMut(&SimHost),
) -> Finished {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (listener, mut replies) = unbounded_channel();
    runtime.block_on(async {
        let look = async {
            loop {
                meanwhile(host);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = Box::pin(run(host, plan, None, listener, cancel)) => {}
            () = look => {}
        }
    });
    let mut last = Vec::new();
    while let Ok(Reply::Event(event)) = replies.try_recv() {
        if let Happening::Finished(finished) = event.what {
            last.push(*finished);
        }
    }
    assert_eq!(last.len(), 1, "exactly one last word");
    last.remove(0)
}

pub(super) fn deployed(host: &SimHost, n: u8) -> Finished {
    let finished = swap(host, n, Target::Image(image(n)));
    assert_eq!(finished.outcome, Outcome::Deployed, "{finished:?}");
    finished
}

pub(super) fn behaves(host: &SimHost, n: u8, behaviour: Behaviour) {
    host.world
        .borrow_mut()
        .behaviours
        .insert(image(n).digest.to_string(), behaviour);
}

#[test]
fn deploys_alternate_between_the_slots_and_stop_the_old_one() {
    let host = SimHost::new();
    deployed(&host, 1);
    assert_eq!(
        (host.serves(), host.running()),
        (Some(image(1)), vec!["db".into(), "web-1".into()])
    );
    behaves(&host, 2, Behaviour::HealthyAfter(8_000));
    deployed(&host, 2);
    assert_eq!(
        (host.serves(), host.running()),
        (Some(image(2)), vec!["db".into(), "web-2".into()])
    );
    deployed(&host, 3);
    assert_eq!(
        (host.serves(), host.running()),
        (Some(image(3)), vec!["db".into(), "web-1".into()])
    );
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
}

#[test]
fn a_bad_release_leaves_every_byte_as_it_was() {
    for behaviour in [
        Behaviour::Unhealthy,
        Behaviour::Crashes(3),
        Behaviour::OutOfMemory,
    ] {
        let host = SimHost::new();
        deployed(&host, 1);
        deployed(&host, 2);
        let mut before = host.world.borrow().files.clone();
        behaves(&host, 3, behaviour);
        let finished = swap(&host, 3, Target::Image(image(3)));
        assert_eq!(finished.outcome, Outcome::RolledBack, "{behaviour:?}");
        assert_eq!(
            (host.serves(), host.running()),
            (Some(image(2)), vec!["db".into(), "web-2".into()])
        );
        let mut after = host.world.borrow().files.clone();
        after.retain(|path, _| before.contains_key(path));
        // Every run gets a number, also one that fails.
        let numbers = |path: &Path| path.ends_with("fence.json");
        after.retain(|path, _| !numbers(path));
        before.retain(|path, _| !numbers(path));
        assert_eq!(after, before);
        assert!(
            !host
                .world
                .borrow()
                .done
                .iter()
                .rev()
                .take(30)
                .any(|verb| *verb == "nginx_reload")
        );
    }
}

#[test]
fn rollback_goes_back_and_the_same_release_changes_nothing() {
    let host = SimHost::new();
    let first = deployed(&host, 1);
    deployed(&host, 2);
    let back = swap(&host, 3, Target::Previous);
    assert_eq!(
        (back.outcome, host.serves()),
        (Outcome::Deployed, Some(image(1)))
    );
    assert_eq!(
        back.live.unwrap().release,
        first.live.clone().unwrap().release
    );
    let again = swap(&host, 4, Target::Image(image(1)));
    assert_eq!(
        (again.outcome, again.live),
        (Outcome::Unchanged, first.live)
    );
    assert_eq!(swap(&host, 5, Target::Previous).outcome, Outcome::Deployed);
    assert_eq!(host.serves(), Some(image(2)));
}

#[test]
fn as_many_releases_stay_as_the_setting_says_also_after_going_back() {
    let host = SimHost::new();
    for n in 1..=5 {
        deployed(&host, n);
    }
    let images = |host: &SimHost| {
        host.world
            .borrow()
            .images
            .iter()
            .cloned()
            .collect::<Vec<_>>()
    };
    let named = |ns: &[u8]| ns.iter().map(|n| image(*n).to_string()).collect::<Vec<_>>();
    assert_eq!(images(&host), named(&[3, 4, 5]));
    assert_eq!(swap(&host, 6, Target::Previous).outcome, Outcome::Deployed);
    assert_eq!(
        (host.serves(), images(&host)),
        (Some(image(4)), named(&[3, 4, 5]))
    );
}

#[test]
fn wherever_a_verb_fails_someone_serves_and_the_next_deploy_works() {
    let count = {
        let host = SimHost::new();
        deployed(&host, 1);
        let before = host.calls();
        deployed(&host, 2);
        before..host.calls()
    };
    assert!(count.len() > 40, "the swap makes {} calls", count.len());
    for number in count {
        let host = SimHost::new();
        deployed(&host, 1);
        host.faults.call.set(Some(number));
        let finished = swap(&host, 2, Target::Image(image(2)));
        assert_eq!(
            host.world.borrow().broken,
            Vec::<String>::new(),
            "call {number}: {finished:?}"
        );
        let wanted = match finished.outcome {
            Outcome::Deployed => image(2),
            Outcome::RolledBack | Outcome::Failed => image(1),
            other => panic!("call {number} ended {other}: {finished:?}"),
        };
        assert_eq!(host.serves(), Some(wanted), "call {number}: {finished:?}");
        deployed(&host, 3);
        assert_eq!(host.serves(), Some(image(3)), "call {number}");
    }
}

#[test]
fn an_undo_that_keeps_failing_is_stuck_and_the_old_release_still_serves() {
    let host = SimHost::new();
    deployed(&host, 1);
    behaves(&host, 2, Behaviour::Unhealthy);
    host.faults.always.set(Some("compose_remove"));
    let finished = swap(&host, 2, Target::Image(image(2)));
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::Stuck, "undo-failed")
    );
    assert_eq!(host.serves(), Some(image(1)));
}

#[test]
fn a_cancel_before_commit_rolls_back() {
    let host = SimHost::new();
    deployed(&host, 1);
    let cancel = Cell::new(true);
    let finished = swap_with(&host, 2, Target::Image(image(2)), &cancel);
    assert_eq!(
        (finished.outcome, host.serves()),
        (Outcome::Cancelled, Some(image(1)))
    );
}

#[test]
fn an_include_that_names_the_live_port_twice_moves_whole_or_is_refused() {
    let with = |more: &str| {
        let host = SimHost::new();
        let text = format!("set $service_url http://127.0.0.1:8080;\n{more}\n");
        let text = text.into_bytes();
        let include = INCLUDE.into();
        host.world.borrow_mut().files.insert(include, text.into());
        host
    };
    let host = with("set $ws_url http://127.0.0.1:8080;");
    deployed(&host, 1);
    deployed(&host, 2);
    let text = host.world.borrow().files[Path::new(INCLUDE)].to_vec();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches("8081;").count(), 2, "{text}");
    assert!(!text.contains("8080"), "{text}");
    let refused = swap(
        &with("set $ws_url ws://127.0.0.1:8080;"),
        1,
        Target::Image(image(1)),
    );
    let (_, failure) = refused.failed.unwrap();
    assert_eq!(refused.outcome, Outcome::Failed);
    assert!(
        failure.chain[0].contains("set $ws_url ws://127.0.0.1:8080;"),
        "{failure:?}"
    );
}

#[test]
fn an_include_that_nginx_has_not_loaded_is_not_believed() {
    let host = SimHost::new();
    deployed(&host, 1);
    deployed(&host, 2);
    deployed(&host, 3);
    // Somebody edits the include, and forgets the reload.
    let edited = b"set $service_url http://127.0.0.1:8081;\n".to_vec();
    host.world
        .borrow_mut()
        .files
        .insert(INCLUDE.into(), edited.clone().into());
    let before = host.running();
    let finished = swap(&host, 4, Target::Image(image(4)));
    let (_, failure) = finished.failed.unwrap();
    assert_eq!(finished.outcome, Outcome::Failed);
    assert!(failure.chain.concat().contains("web-1"), "{failure:?}");
    assert!(
        failure.hints.concat().contains("nginx -s reload"),
        "{failure:?}"
    );
    assert_eq!((host.serves(), host.running()), (Some(image(3)), before));
}

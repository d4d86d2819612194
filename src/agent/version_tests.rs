//! Journals of other versions on a whole host: what can be read is settled, everything else is refused and left alone.

use super::journal::codec;
use super::journal::entry::PreImage;
use super::journal::golden_tests::of_version_1;
use super::journal::state::{JournalPhase, JournalState};
use super::paths::AppPaths;
use super::recover::{Recovered, recover};
use super::tests::{deployed, image, plan, swap};
use crate::error::Reason;
use crate::host::sim::SimHost;
use crate::host::{Files as _, LockAttempt};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::Target;
use crate::protocol::step::Step;

fn paths() -> AppPaths {
    AppPaths::new(&"app".parse().unwrap())
}

fn recovered(host: &SimHost) -> Result<Recovered, crate::error::Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let lock = host.try_lock(&paths().lock(), "recovery").await;
        assert!(matches!(lock, Ok(LockAttempt::Taken(_))));
        Box::pin(recover(host, &paths())).await
    })
}

fn put(host: &SimHost, path: std::path::PathBuf, bytes: &[u8]) {
    let mut world = host.world.borrow_mut();
    world.files.insert(path, bytes.to_vec().into());
}

fn open(host: &SimHost) -> Option<Vec<u8>> {
    let world = host.world.borrow();
    world
        .files
        .get(&paths().journal())
        .map(|bytes| bytes.to_vec())
}

/// The second release takes traffic, and the first one still runs.
fn switched(make: fn() -> SimHost) -> SimHost {
    let host = make();
    deployed(&host, 1);
    deployed(&host, 2);
    let mut world = host.world.borrow_mut();
    world.containers.get_mut("web-1").unwrap().running = true;
    drop(world);
    host
}

fn not_switched(make: fn() -> SimHost) -> SimHost {
    let host = make();
    deployed(&host, 1);
    host
}

#[test]
fn what_version_1_left_open_is_settled_by_this_one_wherever_it_was_cut_short() {
    for (name, bytes) in of_version_1() {
        let make = if name.contains("-flag-") {
            SimHost::provisioned
        } else {
            SimHost::new
        };
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for count in 1..=lines.len() {
            let left = lines[..count].concat();
            let entries = codec::decode(&left).unwrap().entries;
            let state = JournalState::of(&entries).unwrap().unwrap();
            let committed = matches!(
                state.phase,
                JournalPhase::Committed | JournalPhase::Finished
            );
            let moved = entries.iter().any(|entry| {
                let step = Step::SwitchTraffic;
                matches!(entry, super::journal::entry::Entry::Started { step: at, .. } if *at == step)
            });
            let back = !state.owes(Step::SwitchTraffic);
            let host = if committed || (moved && !back) {
                switched(make)
            } else {
                not_switched(make)
            };
            put(&host, paths().journal(), &left);
            let at = format!("{name}, {count} lines");
            let outcome = match recovered(&host) {
                Ok(Recovered::Settled { outcome, .. }) => outcome,
                other => panic!("{at}: {other:?}"),
            };
            assert_eq!(open(&host), None, "{at}");
            assert_eq!(host.world.borrow().broken, Vec::<String>::new(), "{at}");
            let archived =
                host.world.borrow().files[&paths().archived(&state.begun.plan.deployment)].to_vec();
            assert!(archived.starts_with(&left), "{at}");
            assert!(codec::decode(&archived).is_ok(), "{at}");
            if committed {
                assert_eq!(outcome, Outcome::Deployed, "{at}");
                assert_eq!(host.serves(), Some(image(2)), "{at}");
            } else {
                assert_ne!(outcome, Outcome::Deployed, "{at}");
                assert_eq!(host.serves(), Some(image(1)), "{at}");
                assert_eq!(host.running(), ["db", "web-1"], "{at}");
            }
            // The record of the other version stands in nobody's way.
            assert_eq!(deployed(&host, 8).outcome, Outcome::Deployed, "{at}");
        }
    }
}

/// An open journal whose lines another version wrote, and what may stand in its head.
fn of_another_version() -> Vec<(&'static str, Vec<u8>)> {
    let host = SimHost::new();
    deployed(&host, 1);
    let id = plan(1, Target::Previous).deployment;
    let ours = host.world.borrow().files[&paths().archived(&id)].to_vec();
    let ours = String::from_utf8(ours).unwrap();
    let lines: Vec<&str> = ours.split_inclusive('\n').collect();
    let json = |line: &str| line.trim_end()[17..].to_owned();
    let head = json(lines[0]);
    let newer = head.replacen("\"version\":2", "\"version\":3", 1);
    let moved = newer.replace("/bin/0123", "/bin/4567");
    let anonymous = "{\"version\":9}".to_owned();
    let step = json(lines[2]).replacen("pull_image", "warm_up", 1);
    let field = json(lines[1]).replacen("\"keep\":", "\"color\":1,\"keep\":", 1);
    let sealed = codec::with_sum;
    let rest = lines[1..4].concat();
    [
        ("a newer version", sealed(&newer) + &rest),
        (
            "a newer version whose program is gone",
            sealed(&moved) + &rest,
        ),
        (
            "a version that says nothing else",
            sealed(&anonymous) + "x y z\n",
        ),
        (
            "a step that we do not know, last",
            lines[..2].concat() + &sealed(&step),
        ),
        (
            "a field that we do not know, last",
            lines[0].to_owned() + &sealed(&field),
        ),
    ]
    .map(|(what, text)| (what, text.into_bytes()))
    .into()
}

#[test]
fn a_journal_of_another_version_is_refused_with_both_named_and_never_rewritten() {
    for (what, bytes) in of_another_version() {
        let host = not_switched(SimHost::new);
        put(&host, "/var/lib/pct-deploy/bin/0123".into(), b"a program");
        put(&host, paths().journal(), &bytes);
        let running = host.running();
        let error = recovered(&host).unwrap_err();
        assert_eq!(error.reason, Reason::OtherVersion, "{what}");
        let said = error.chain.join(": ");
        let ours = concat!("pct-deploy ", env!("CARGO_PKG_VERSION"));
        assert!(said.contains(ours) && said.contains("format 2"), "{said}");
        let hint = error.hints.join(" ");
        let command = "`/var/lib/pct-deploy/bin/0123 agent recover`";
        let known = !what.contains("gone") && !what.contains("nothing");
        assert_eq!(hint.contains(command), known, "{what}: {hint}");
        assert!(known || hint.contains("deploy once more with"), "{hint}");
        let next = swap(&host, 3, Target::Image(image(3)));
        assert_eq!(
            (next.outcome, next.reason.as_str()),
            (Outcome::Stuck, "other-version"),
            "{what}"
        );
        assert_eq!(open(&host).as_deref(), Some(&bytes[..]), "{what}");
        assert_eq!((host.serves(), host.running()), (Some(image(1)), running));
    }
}

#[test]
fn a_damaged_or_foreign_journal_is_left_as_it_is_and_so_is_the_live_slot() {
    let whole = not_switched(SimHost::new);
    let id = plan(1, Target::Previous).deployment;
    let journal = whole.world.borrow().files[&paths().archived(&id)].to_vec();
    let second = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut flipped = journal.clone();
    flipped[second + 40] ^= 1;
    let files: [(&str, Vec<u8>); 6] = [
        ("empty", Vec::new()),
        ("foreign", b"root:x:0:0:root:/root:/bin/bash\n".to_vec()),
        ("two foreign lines", b"a b\nc d\n".to_vec()),
        ("zeros", vec![0; 4096]),
        ("without its first lines", journal[second..].to_vec()),
        ("a flipped bit", flipped),
    ];
    for (what, bytes) in files {
        let host = not_switched(SimHost::new);
        put(&host, paths().journal(), &bytes);
        let error = recovered(&host).unwrap_err();
        let expected = [Reason::JournalDamaged, Reason::OtherVersion];
        assert!(expected.contains(&error.reason), "{what}: {error:?}");
        assert_eq!(open(&host), Some(bytes), "{what}");
        assert_eq!(host.serves(), Some(image(1)), "{what}");
        assert_eq!(host.running(), ["db", "web-1"], "{what}");
    }
}

/// Before `switch` was noted, an include was a plain file.
#[test]
fn an_include_that_version_1_noted_without_its_workers_is_put_back_and_loaded() {
    let named = |name: &str| name.contains("976de54") && name.contains("not-switched");
    let (_, bytes) = of_version_1()
        .into_iter()
        .find(|(name, _)| named(name))
        .unwrap();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let last = lines.iter().position(|line| {
        let text = String::from_utf8_lossy(line);
        text.contains("\"started\",\"step\":\"switch_traffic\"")
    });
    let left = lines[..=last.unwrap()].concat();
    let state = JournalState::of(&codec::decode(&left).unwrap().entries)
        .unwrap()
        .unwrap();
    let owed = state.owed().map(|(_, before)| before.clone());
    assert!(
        matches!(owed, Some(PreImage::Include { bytes: Some(_), workers }) if workers.is_empty())
    );
    let host = switched(SimHost::new);
    put(&host, paths().journal(), &left);
    host.world.borrow_mut().done.clear();
    recovered(&host).unwrap();
    assert!(host.world.borrow().done.contains(&"nginx_reload"));
    assert_eq!(host.serves(), Some(image(1)));
}

//! A disk that is full, or takes no writes at all, when a swap begins or on its way back.

use super::paths::AppPaths;
use super::tests::{behaves, deployed, image, swap};
use crate::host::sim::{Behaviour, SimHost};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::Target;

fn paths() -> AppPaths {
    AppPaths::new(&"app".parse().unwrap())
}

fn spares(host: &SimHost) -> usize {
    let world = host.world.borrow();
    let files = world.files.keys();
    files
        .filter(|path| path.starts_with(paths().reserve()))
        .count()
}

#[test]
fn the_room_is_there_before_a_swap_begins_and_again_before_the_next() {
    let host = SimHost::provisioned();
    deployed(&host, 1);
    assert_eq!(spares(&host), 24);
    host.world
        .borrow_mut()
        .files
        .remove(&paths().reserve().join("3"));
    deployed(&host, 2);
    assert_eq!(spares(&host), 24);
}

#[test]
fn without_room_for_the_way_back_nothing_is_begun() {
    for make in [SimHost::new, SimHost::provisioned] {
        let host = make();
        deployed(&host, 1);
        let used = |n: u32| paths().reserve().join(n.to_string());
        host.world.borrow_mut().files.remove(&used(8));
        let before = host.world.borrow().files.clone();
        // Its numbers and the first events are written, its room is not.
        let writes = host.faults.writes();
        host.faults.disk_full.set(Some(writes + 5));
        let refused = swap(&host, 2, Target::Image(image(2)));
        host.faults.disk_full.set(None);
        assert_eq!(
            (refused.outcome, refused.reason.as_str()),
            (Outcome::Failed, "disk-full")
        );
        assert_eq!(
            (host.serves(), host.running()),
            (Some(image(1)), vec!["db".into(), "web-1".into()])
        );
        let mut after = host.world.borrow().files.clone();
        after.retain(|path, _| before.contains_key(path) && !path.ends_with("fence.json"));
        assert!(
            after
                .iter()
                .all(|(path, bytes)| before.get(path) == Some(bytes))
        );
        deployed(&host, 3);
    }
}

#[test]
fn a_release_that_fills_the_disk_and_fails_people_goes_back_from_either_slot() {
    for earlier in [1, 2] {
        let host = SimHost::provisioned();
        for n in 1..=earlier {
            deployed(&host, n);
        }
        let calm = host.after(crate::host::sim::Death::Kill);
        let bad = earlier + 1;
        let fails = |host: &SimHost| {
            behaves(host, bad, Behaviour::FailsPeople(90));
            host.world.borrow_mut().visitors = 400;
        };
        fails(&calm);
        let ended = swap(&calm, bad, Target::Image(image(bad)));
        assert_eq!(ended.outcome, Outcome::RolledBack, "{ended:?}");
        // From any write on, and no room comes back.
        for first in 0..calm.faults.writes() {
            let host = host.after(crate::host::sim::Death::Kill);
            fails(&host);
            host.faults.disk_full.set(Some(first));
            let ended = swap(&host, bad, Target::Image(image(bad)));
            let expected = [Outcome::RolledBack, Outcome::Failed];
            assert!(
                expected.contains(&ended.outcome),
                "write {first}: {ended:?}"
            );
            assert_eq!(host.serves(), Some(image(earlier)), "write {first}");
            assert_eq!(
                host.running().len(),
                2,
                "write {first}: {:?}",
                host.running()
            );
            host.faults.disk_full.set(None);
            host.world.borrow_mut().visitors = 0;
            deployed(&host, 9);
        }
    }
}

#[test]
fn a_disk_that_takes_no_writes_refuses_a_deploy_and_the_live_slot_stays() {
    // A broken disk that takes whole files and no line: what was begun stays open, and nothing was done yet.
    for (verb, outcome) in [("replace", Outcome::Failed), ("append", Outcome::Stuck)] {
        let host = SimHost::provisioned();
        deployed(&host, 1);
        host.faults.always.set(Some(verb));
        let ended = swap(&host, 2, Target::Image(image(2)));
        assert_eq!(ended.outcome, outcome, "{verb}: {ended:?}");
        assert_eq!(host.serves(), Some(image(1)), "{verb}");
        assert_eq!(host.running(), ["db", "web-1"], "{verb}");
    }
}

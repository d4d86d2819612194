//! The new slot is held back while it boots, never once anybody is sent to it, and never for so long that it cannot boot.

use std::cell::{Cell, RefCell};

use super::paths::AppPaths;
use super::tests::{behaves, deployed, image, plan, swap, swap_plan};
use crate::host::sim::{Behaviour, SimHost};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::Target;

fn both() -> [SimHost; 2] {
    [SimHost::new(), SimHost::provisioned()]
}

/// What was done of these verbs, in order.
fn done(host: &SimHost, verbs: &[&str]) -> Vec<&'static str> {
    let world = host.world.borrow();
    let done = world.done.iter().filter(|verb| verbs.contains(verb));
    done.copied().collect()
}

fn lowered(host: &SimHost, service: &str) -> Option<bool> {
    let world = host.world.borrow();
    Some(world.containers.get(service)?.lowered)
}

#[test]
fn a_slot_that_boots_beside_another_is_held_back_until_it_is_healthy() {
    for host in both() {
        let verbs = ["lower_weights", "restore_weights"];
        deployed(&host, 1);
        assert_eq!(done(&host, &verbs), Vec::<&str>::new(), "nobody to spare");
        behaves(&host, 2, Behaviour::HealthyAfter(3_000));
        let seen = RefCell::new(Vec::new());
        let target = plan(2, Target::Image(image(2)));
        swap_plan(&host, &target, &Cell::new(false), |host| {
            let now = (lowered(host, "web-1"), lowered(host, "web-2"));
            if seen.borrow().last() != Some(&now) {
                seen.borrow_mut().push(now);
            }
        });
        assert_eq!(done(&host, &verbs), verbs);
        let seen = seen.into_inner();
        let (no, yes) = (Some(false), Some(true));
        // Made and lowered between two looks, perhaps.
        let seen: Vec<_> = seen.iter().filter(|now| now.1.is_some()).collect();
        assert!(seen.ends_with(&[&(no, yes), &(no, no)]), "{seen:?}");
        assert_eq!(host.serves(), Some(image(2)));
        assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    }
}

#[test]
fn half_of_the_health_timeout_is_left_for_a_boot_with_all_its_weight() {
    for host in both() {
        deployed(&host, 1);
        behaves(&host, 2, Behaviour::HealthyAfter(8_000));
        let (began, back) = (Cell::new(None), Cell::new(None));
        let target = plan(2, Target::Image(image(2)));
        let finished = swap_plan(&host, &target, &Cell::new(false), |host| {
            let now_ms = host.world.borrow().now_ms;
            match (lowered(host, "web-2"), began.get()) {
                (Some(true), None) => began.set(Some(now_ms)),
                (Some(false), Some(_)) if back.get().is_none() => back.set(Some(now_ms)),
                _ => {}
            }
        });
        assert_eq!(finished.outcome, Outcome::Deployed, "{finished:?}");
        let took_ms = back.get().unwrap() - began.get().unwrap();
        assert!((4_800..5_500).contains(&took_ms), "{took_ms} of 10000");
    }
}

#[test]
fn where_weights_cannot_be_lowered_that_is_a_note() {
    for host in both() {
        deployed(&host, 1);
        host.faults.always.set(Some("lower_weights"));
        deployed(&host, 2);
        let log =
            AppPaths::new(&"app".parse().unwrap()).event_log(&plan(2, Target::Previous).deployment);
        let world = host.world.borrow();
        let text = String::from_utf8_lossy(&world.files[&log]).into_owned();
        assert!(
            text.contains("`web-2` boots with its own weight: cannot lower_weights"),
            "{text}"
        );
    }
}

#[test]
fn nobody_is_sent_to_a_slot_that_cannot_have_its_weight_back() {
    for host in both() {
        deployed(&host, 1);
        host.faults.always.set(Some("restore_weights"));
        let finished = swap(&host, 2, Target::Image(image(2)));
        assert_eq!(finished.outcome, Outcome::RolledBack, "{finished:?}");
        assert_eq!(
            (host.serves(), lowered(&host, "web-2")),
            (Some(image(1)), None)
        );
        assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    }
}

//! Before a slot is stopped its requests have ended, and nginx has let go of the connections that it keeps.

use std::cell::Cell;

use super::tests::{behaves, deployed, image, plan, swap_plan};
use crate::host::sim::{Behaviour, SimHost};
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::Target;

fn host() -> SimHost {
    let host = SimHost::provisioned();
    deployed(&host, 1);
    host.world.borrow_mut().visitors = 100;
    host
}

/// A deploy of release 2; what broke the promise is told, too.
fn deploy(host: &SimHost, bake: &str, drain: &str) -> (Finished, Vec<String>) {
    let mut plan = plan(2, Target::Image(image(2)));
    plan.site.bake.time = bake.parse().unwrap();
    plan.site.drain_timeout = drain.parse().unwrap();
    let finished = swap_plan(host, &plan, &Cell::new(false), |_| {});
    let broken = host.world.borrow().broken.clone();
    (finished, broken)
}

#[test]
fn kept_connections_are_waited_for_however_short_the_drain_is() {
    for drain in ["30s", "100ms"] {
        let (finished, broken) = deploy(&host(), "0s", drain);
        assert_eq!(finished.outcome, Outcome::Deployed, "{finished:?}");
        assert_eq!(finished.receipt.cut_connections, Some(0), "{drain}");
        assert_eq!(broken, Vec::<String>::new(), "{drain}");
    }
}

#[test]
fn only_requests_are_cut() {
    let host = host();
    behaves(&host, 1, Behaviour::HangsUsers);
    let (finished, broken) = deploy(&host, "0s", "100ms");
    assert_eq!(finished.outcome, Outcome::Deployed, "{finished:?}");
    assert!(finished.receipt.cut_connections > Some(1), "{finished:?}");
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_way_back_waits_for_them_as_well() {
    let host = host();
    behaves(&host, 2, Behaviour::FailsPeople(50));
    let (finished, broken) = deploy(&host, "5s", "100ms");
    assert_eq!(finished.outcome, Outcome::RolledBack, "{finished:?}");
    assert_eq!(broken, Vec::<String>::new());
}

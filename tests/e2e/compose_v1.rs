//! The old world: engine 20.10, `docker-compose`, nginx 1.22.

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World};

#[test]
fn a_compose_v1_host_deploys_rolls_back_and_refuses_the_same() {
    let world = World::fresh(Host::V1);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    let report = load.stop_blocking();
    eprintln!("{report}");
    assert_eq!(report.non_200.len(), 0, "{report}");
    assert_eq!(world.serves().as_deref(), Some("v2"));
    world
        .deploy(&Release::new("v3").crashes())
        .expect(Outcome::RolledBack, "crashed-at-boot");
    assert_eq!(world.serves().as_deref(), Some("v2"));
    world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v1"));
}

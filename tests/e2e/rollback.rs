//! Going back, without a registry.

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;

use crate::world::{Host, Release, World};

#[test]
fn rollback_goes_to_the_previous_release_and_to_a_named_one_without_the_registry() {
    let world = World::fresh(Host::V2);
    let first = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    world
        .deploy(&Release::new("v3"))
        .expect(Outcome::Deployed, "deployed");
    world.cut_registry();
    let back = world.run(
        &["rollback", "--json"],
        &[("REGISTRY_USERNAME", ""), ("REGISTRY_PASSWORD", "")],
    );
    let wanted = first.release.clone().unwrap().to_string();
    let to = world.run(
        &["rollback", "--json", "--to", &wanted],
        &[("REGISTRY_USERNAME", ""), ("REGISTRY_PASSWORD", "")],
    );
    let unknown = world.run(&["rollback", "--json", "--to", "0123456789ab"], &[]);
    world.restore_registry();
    back.expect(Outcome::Deployed, "deployed");
    let to = to.expect(Outcome::Deployed, "deployed");
    assert_eq!((to.release, to.digest), (first.release, first.digest));
    assert_eq!(world.serves().as_deref(), Some("v1"));
    unknown.expect(Outcome::Failed, "no-earlier-release");
    assert!(
        unknown.stderr.contains(&wanted),
        "it names what there is: {}",
        unknown.stderr
    );
}

#[test]
fn rollback_without_a_past_says_so() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Failed, "no-earlier-release");
    assert_eq!(world.serves().as_deref(), Some("v1"));
}

#[test]
fn images_beyond_keep_releases_are_removed_and_the_kept_ones_can_come_back() {
    let mut world = World::fresh(Host::V2);
    world.set("keep-releases", "2");
    let images = |world: &World| {
        world.ask_host(
            "docker images --digests --format '{{.Digest}}' localhost:5000/pct/hello | grep -c sha256 || true",
        )
    };
    let before: u32 = images(&world).parse().unwrap();
    for version in ["p1", "p2", "p3", "p4"] {
        world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
    }
    let after: u32 = images(&world).parse().unwrap();
    assert!(after <= 2, "{before} images before, {after} after");
    world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("p3"));
}

#[test]
fn by_flag_a_rollback_needs_no_registry_and_loses_nothing() {
    let mut world = World::provisioned(Host::V2);
    world.set("bake", "0s");
    for version in ["v1", "v2"] {
        world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
    }
    let load = world.load();
    world.cut_registry();
    let back = world.run(
        &["rollback", "--json"],
        &[("REGISTRY_USERNAME", ""), ("REGISTRY_PASSWORD", "")],
    );
    world.restore_registry();
    let report = load.stop_blocking();
    let result = back.expect(Outcome::Deployed, "deployed");
    assert_eq!(result.receipt.switch, Some(SwitchKind::Flag));
    assert_eq!(world.serves().as_deref(), Some("v1"));
    assert!(report.is_clean(), "{report}");
    eprintln!(
        "rollback: by flag, without a registry, in {:.1} s; switched {} ms after healthy",
        result.took_seconds,
        result.receipt.healthy_to_switched_ms.unwrap()
    );
}

//! A blue/green pair as people have it: two compose files with one service name, a compose project each, the live container
//! started by hand.

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World};

/// Both files, and the container that serves as the old script started it: not by us, and without a digest.
const BY_HAND: &str = "cd ~ec2-user && rm docker-compose.yml && for slot in blue:8080 green:8081; do printf 'services:\\n  app:\\n    image: localhost:5000/pct/hello-dep\\n    environment: [PROFILE=prod, DEP_HOST=cache]\\n    depends_on: [cache]\\n    ports: [\"%s:8080\"]\\n  cache:\\n    image: localhost:5000/pct/hello-dep\\n    environment: [HELLO_PORT=9000]\\n' ${slot#*:} >docker-compose.${slot%:*}.yml; done && chown ec2-user docker-compose.*.yml && su ec2-user -c 'docker compose -p app-blue -f docker-compose.blue.yml up -d' && sleep 2";

#[test]
fn a_pair_of_files_and_projects_is_taken_over_with_nothing_lost() {
    let mut world = World::fresh(Host::V2);
    world.ask_host(BY_HAND);
    world.set(
        "slots",
        "docker-compose.blue.yml:app@app-blue, docker-compose.green.yml:app@app-green",
    );
    let done = world.run(&["provision", "--json"], &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);

    let load = world.load();
    let slots = |result: &pct_deploy::protocol::result::RunResult| {
        [result.previous_slot.clone(), result.slot.clone()].map(Option::unwrap)
    };
    let first = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(slots(&first), ["app-blue", "app-green"]);
    assert_eq!(world.serves().as_deref(), Some("v1"));
    assert_eq!(
        running(&world),
        "app-blue-cache-1 app-green-app-1 app-green-cache-1",
        "what the slot needs runs in its own project"
    );
    let second = world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(slots(&second), ["app-green", "app-blue"]);
    assert_eq!(world.serves().as_deref(), Some("v2"));
    let back = world.run(&["rollback", "--json"], &[]);
    let back = back.expect(Outcome::Deployed, "deployed");
    assert_eq!(
        (slots(&back), back.release),
        (["app-blue", "app-green"].map(str::to_owned), first.release)
    );
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let report = load.stop_blocking();
    assert!(report.is_clean() && report.lost == 0, "{report}");
    eprintln!("two projects: 0 of {} lost in three swaps", report.sent);

    // As after a boot: the live one is started again, in its own project.
    world.ask_host("docker stop app-green-app-1 && /var/lib/pct-deploy/bin/current agent recover");
    assert_eq!(world.serves().as_deref(), Some("v1"));
    assert_eq!(
        running(&world),
        "app-blue-cache-1 app-green-app-1 app-green-cache-1"
    );
}

fn running(world: &World) -> String {
    world.ask_host("docker ps --format '{{.Names}}' | sort | tr '\\n' ' '")
}

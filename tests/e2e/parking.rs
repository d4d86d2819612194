//! The seed's own stack: Spring Boot, MySQL and Redis under compose on a host of 1 GiB.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::result::RunResult;
use sandbox::load::Load;

use crate::world::{Host, World, root};

const NAME: &str = "시청 🎅🏼";

#[test]
fn the_seeds_stack_is_deployed_twice_and_keeps_its_data() {
    let world = parking();
    let first = deploy(&world, "v1");
    assert_eq!(first.slot.as_deref(), Some("pct-backend-1"));
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let body = format!(r#"{{"name":"{NAME}","longitude":126.978,"latitude":37.5665}}"#);
    let stored = world.ask_host(&format!(
        "curl -sf http://127.0.0.1/parkings -H 'Content-Type: application/json' -d '{body}'"
    ));
    assert!(stored.contains(NAME), "{stored}");

    let load = Load::new(world.http())
        .connections(5)
        .post_share(30)
        .think(Duration::ZERO..=Duration::from_millis(100))
        .paths("/", "/visits")
        .start()
        .unwrap();
    let second = deploy(&world, "v2");
    std::thread::sleep(Duration::from_secs(2));
    let report = load.stop_blocking();
    eprintln!("{report}");
    assert_eq!(second.slot.as_deref(), Some("pct-backend-2"));
    assert_eq!(report.non_200.len(), 0, "{report}");
    assert_eq!(
        (report.connect_errors, report.broken, report.timeouts),
        (0, 0, 0),
        "{report}"
    );
    assert!(
        report.by_version.contains_key("v1") && report.by_version.contains_key("v2"),
        "{report}"
    );
    // What a reload may cut of keep-alive connections: counted and printed.
    assert!(report.lost <= 50, "{report}");
    assert_eq!(world.serves().as_deref(), Some("v2"));
    let stored = world.ask_host("curl -sf http://127.0.0.1/parkings");
    assert!(stored.contains(NAME), "{stored}");
}

/// A host as the seed's user has it, with nothing deployed.
fn parking() -> World {
    let example = root().join("examples/parking");
    let context = root().join("target/parking/context");
    assert!(
        context.is_dir(),
        "there is no jar to deploy: run `scripts/parking`"
    );
    let mut world = World::fresh(Host::V2);
    world.give("docker-compose.yml", &example.join("docker-compose.yml"));
    for file in ["default.conf", "service-url.inc"] {
        world.give(file, &example.join("nginx").join(file));
        world.ask_host(&format!("mv ~ec2-user/{file} /etc/nginx/conf.d/"));
    }
    world.ask_host("chown root: /etc/nginx/conf.d/* && nginx -t && systemctl reload nginx");
    for (key, value) in [
        ("image", "localhost:5000/pct/pct-backend"),
        ("context", &context.display().to_string()),
        ("slots", "pct-backend-1,pct-backend-2"),
        ("health-path", "/actuator/health/readiness"),
        ("health-timeout", "120s"),
        ("stop-timeout", "30s"),
    ] {
        world.set(key, value);
    }
    world
}

fn deploy(world: &World, version: &str) -> RunResult {
    let build_args = format!("APP_VERSION={version}");
    world
        .run(&["deploy", "--json"], &[("BUILD_ARGS", &build_args)])
        .expect(Outcome::Deployed, "deployed")
}

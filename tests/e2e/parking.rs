//! The seed's own stack: Spring Boot, MySQL and Redis under compose on a host of 1 GiB.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::result::RunResult;
use sandbox::load::{EndedBy, Load, MAX_DURATION};

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

/// How often the same code is deployed; `PARKING_DEPLOYS=10` to be surer.
const DEPLOYS: u32 = 3;

/// A JVM that has just booted, on half a processor, at 20 requests/s: slow at first, and not for that taken back.
#[test]
fn cold_releases_of_the_same_code_stay_and_one_that_is_three_times_slower_goes_back() {
    let mut world = parking();
    // As MySQL and Redis have them: a limit for each slot.
    world.ask_host("sed -i \"s|memory: 512M|memory: 512M\\n          cpus: '0.5'|\" ~ec2-user/docker-compose.yml");
    world.set("bake", "5s");
    // Half a processor of a machine that does other things, too.
    world.set("health-timeout", "240s");
    let provisioned = world.run(&["provision", "--json"], &[]);
    assert_eq!(provisioned.code, Some(0), "{}", provisioned.stderr);
    deploy(&world, "v0");
    world.ask_host(
        "docker inspect -f '{{.HostConfig.NanoCpus}}' ec2-user-pct-backend-1-1 | grep -qx 500000000",
    );
    let load = Load::new(world.http())
        .connections(11)
        .think(Duration::from_millis(400)..=Duration::from_millis(600))
        // Ten deploys take longer than a load does by itself.
        .max_duration(MAX_DURATION)
        .paths(
            "/parkings/nearest?longitude=126.97&latitude=37.56",
            "/visits",
        )
        .start()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let asked = std::env::var("PARKING_DEPLOYS").ok();
    let deploys = asked.map_or(DEPLOYS, |number| number.parse().unwrap());
    let mut taken_back = Vec::new();
    for number in 1..=deploys {
        let build_args = format!("APP_VERSION=v{number}");
        let run = world.run(&["deploy", "--json"], &[("BUILD_ARGS", &build_args)]);
        let result = run.result();
        tell(&format!("same code, deploy {number}"), &result);
        if result.outcome != Outcome::Deployed {
            taken_back.push((number, result.failure));
        }
    }
    let before = world.serves();
    let slow = world
        .run(
            &["deploy", "--json"],
            &[("BUILD_ARGS", "APP_VERSION=slow\nAPP_QUERY_MS=120")],
        )
        .result();
    tell("three times slower", &slow);
    let report = load.stop_blocking();
    eprintln!("{report}");
    assert_eq!(report.ended_by, EndedBy::Stop, "users until the end");
    assert!(taken_back.is_empty(), "the same code: {taken_back:#?}");
    assert_eq!(
        (slow.outcome, slow.reason_code.as_str()),
        (Outcome::RolledBack, "bake-failed"),
        "{:?}",
        slow.receipt.bake
    );
    assert_eq!(world.serves(), before);
    assert!(report.is_clean(), "{report}");
}

/// A line for the closing lines of `make test`.
fn tell(what: &str, result: &RunResult) {
    let bake = result.receipt.bake.as_ref();
    eprintln!(
        "cold JVM: {what:<22} {:<12} watched {:>5} ms: {}",
        result.outcome.as_str(),
        bake.map_or(0, |bake| bake.watched_ms),
        bake.map_or("", |bake| &bake.why)
    );
}

/// A host as the seed's user has it, with nothing deployed.
pub(crate) fn parking() -> World {
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

pub(crate) fn deploy(world: &World, version: &str) -> RunResult {
    let build_args = format!("APP_VERSION={version}");
    world
        .run(&["deploy", "--json"], &[("BUILD_ARGS", &build_args)])
        .expect(Outcome::Deployed, "deployed")
}

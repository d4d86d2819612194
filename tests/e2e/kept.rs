//! The connections that nginx keeps to the slots: many requests share one, an app may close them whenever it likes, and
//! what an earlier `provision` wrote works until it is rewritten.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::BakeVerdict;
use sandbox::load::Load;

use crate::world::{Host, Release, World, root};

/// How an app closes idle connections, and how long people pause, so that their requests meet it.
const CLOSING: [(&str, u32, [u64; 2]); 3] = [
    ("at once", 0, [0, 5]),
    ("after 1 s", 1_000, [985, 1_015]),
    ("after 5 s", 5_000, [4_985, 5_015]),
];

#[test]
fn apps_that_close_idle_connections_give_no_bad_answer() {
    let world = World::provisioned(Host::V2);
    for (name, idle_ms, [least, most]) in CLOSING {
        let deploy = |version: &str| {
            let release = Release::new(version).closes_idle_after_ms(idle_ms);
            world.deploy(&release).expect(Outcome::Deployed, "deployed")
        };
        deploy(&format!("{idle_ms}-a"));
        let load = Load::new(world.http())
            .connections(100)
            .post_share(50)
            .think(Duration::from_millis(least)..=Duration::from_millis(most))
            .paths("/", "/echo")
            .start()
            .unwrap();
        std::thread::sleep(Duration::from_secs(3));
        let result = deploy(&format!("{idle_ms}-b"));
        std::thread::sleep(Duration::from_secs(2));
        let report = load.stop_blocking();
        let bad = report.sent - report.ok;
        eprintln!(
            "idle: {name:<12} {:>9} {:>9} {bad:>9}",
            report.sent, report.lost
        );
        assert!(report.is_clean(), "closes {name}: {report}");
        assert_eq!(result.requests_failed, Some(0), "{:?}", result.receipt);
        let verdict = result.receipt.bake.unwrap().verdict;
        assert_ne!(verdict, BakeVerdict::Worse, "closes {name}");
    }
}

/// How many connections the host's programs have opened since it booted.
fn opened(world: &World) -> u32 {
    let count = world.ask_host("awk '/^Tcp: [0-9]/ { print $6 }' /proc/net/snmp");
    count.parse().unwrap()
}

/// How many more it takes to ask fifty times: `curl` opens one.
fn ask_fifty_times(world: &World, how: &str) -> u32 {
    let before = opened(world);
    world.ask_host(&format!(
        "curl -sf {how} -o /dev/null -H 'Host: localhost' 'http://127.0.0.1/?[1-50]'"
    ));
    opened(world) - before
}

#[test]
fn get_requests_share_connections_and_a_post_has_one_of_its_own() {
    let world = World::provisioned(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world.ask_host("curl -sf -H 'Host: localhost' http://127.0.0.1/headers | grep -ci '^connection' | grep -qx 0");
    // nginx to docker-proxy, and docker-proxy to the app.
    let posts = ask_fifty_times(&world, "-d x");
    assert!(posts >= 100, "{posts} connections for 50 POST");
    let gets = ask_fifty_times(&world, "");
    assert!(gets < 50, "{gets} connections for 50 GET");
}

#[test]
fn what_an_earlier_provision_wrote_works_until_it_is_rewritten() {
    let world = World::provisioned(Host::V2);
    for (file, name) in [
        ("2-upstreams.conf", "00-pct-deploy-hello.conf"),
        ("2-include.inc", "service-url.inc"),
    ] {
        world.give(name, &root().join("tests/golden/nginx").join(file));
        world.ask_host(&format!(
            "install -m 644 /home/ec2-user/{name} /etc/nginx/conf.d/{name}"
        ));
    }
    world.ask_host("nginx -t -q && systemctl reload nginx");
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    let run = world.deploy(&Release::new("v2"));
    let report = load.stop_blocking();
    run.expect(Outcome::Deployed, "deployed");
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.serves().as_deref(), Some("v2"));
    assert!(
        run.stderr.contains("of an earlier version"),
        "{}",
        run.stderr
    );
    let command = run
        .stderr
        .split('`')
        .find(|text| text.contains(" provision --host local "))
        .unwrap_or_else(|| panic!("no command: {}", run.stderr));
    world.ask_host(&format!("su - ec2-user -c \"{command}\""));
    let run = world.deploy(&Release::new("v3"));
    run.expect(Outcome::Deployed, "deployed");
    assert!(
        !run.stderr.contains("of an earlier version"),
        "{}",
        run.stderr
    );
    assert_eq!(world.serves().as_deref(), Some("v3"));
}

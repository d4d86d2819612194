//! Two apps on one host, and what a request through each one's include costs.

use std::process::Command;

use pct_deploy::protocol::outcome::Outcome;

use super::{BOTH, RUNS, median, run};
use crate::world::{Host, Release, World, docker, root};

/// The settings of the second app.
pub(super) const SEED: [(&str, &str); 4] = [
    ("APP", "seed"),
    ("PROJECT_DIRECTORY", "seed"),
    ("PROXY_INCLUDE", "/etc/nginx/conf.d/seed-url.inc"),
    ("SWITCH", "reload"),
];

const SITE: &str = "server {
    listen 80;
    listen 8083;
    server_name seed.example;
    include /etc/nginx/conf.d/seed-url.inc;
    location / { proxy_pass $service_url; }
}";

/// What leads to an app, and its port: in the order in which they are asked.
const WAYS: [(&str, u16); 3] = [
    ("the seed's include", 8083),
    ("ours, a connection for each request", 8084),
    ("ours, kept connections", 80),
];

/// Beside the include of now, one of version 2 that leads to the same slots.
fn write_earlier_include(world: &World) {
    for (file, name) in [
        ("2-upstreams.conf", "00-earlier.conf"),
        ("2-include.inc", "earlier.inc"),
    ] {
        world.give(name, &root().join("tests/golden/nginx").join(file));
        world.ask_host(&format!(
            "sed -E 's/pct-hello-/pct-earlier-/g; s/(pct_[a-z]+)_hello/\\1_earlier/g; s/pct-deploy-hello/pct-deploy-earlier/g' \
             ~ec2-user/{name} > /etc/nginx/conf.d/{name}"
        ));
    }
    let site = SITE
        .replace("    listen 80;\n", "")
        .replace("8083", "8084")
        .replace("seed-url.inc", "earlier.inc");
    world.ask_host(&format!(
        "cat > /etc/nginx/conf.d/earlier.conf <<'END'\n{site}\nEND\nnginx -t -q && systemctl reload nginx"
    ));
}

/// A host with both, and nothing deployed.
pub(super) fn beside_each_other() -> World {
    let mut world = World::fresh(Host::V2);
    world.ask_host(&format!(
        "cat > /etc/nginx/conf.d/seed.conf <<'END'\n{SITE}\nEND\n\
         echo 'set $service_url http://127.0.0.1:8090;' > /etc/nginx/conf.d/seed-url.inc\n\
         cd ~ec2-user && mkdir seed && \
         sed 's/808\\([01]\\):/809\\1:/' docker-compose.yml > seed/docker-compose.yml && \
         chown -R ec2-user: seed && nginx -t -q && systemctl reload nginx"
    ));
    let done = world.run(&["provision", "--json"], &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    world.set("bake", "0s");
    world
}

#[test]
#[ignore = "measures; run it by `make bench`"]
fn requests_through_each_include() {
    let world = beside_each_other();
    write_earlier_include(&world);
    let args = Release::new("v1").build_args();
    for app in BOTH {
        run(&world, app, &["deploy", "--json"], &[("BUILD_ARGS", &args)])
            .expect(Outcome::Deployed, "deployed");
    }
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = docker(&["inspect", "-f", format, &world.env.container]).stdout;
    let address = String::from_utf8(address).unwrap();
    let mut figures: [[Vec<f64>; 3]; 3] = Default::default();
    let log = world.context.path().join("requests.log");
    for _ in 0..RUNS {
        for ((_, port), [rates, halves, nearly_all]) in WAYS.iter().zip(&mut figures) {
            drop(std::fs::remove_file(&log));
            // A number of requests: told to stop after a time (`-D`), h2load 1.52 now and then goes on for ever.
            let output = Command::new("h2load")
                .args(["--h1", "-c", "50", "-t", "1", "-n", "15000", "--log-file"])
                .arg(&log)
                .arg(format!("http://{}:{port}/", address.trim()))
                .output()
                .unwrap_or_else(|error| panic!("h2load ({error}): run `scripts/setup`"));
            let text = String::from_utf8(output.stdout).unwrap();
            let rate = text
                .split(", ")
                .find_map(|part| part.strip_suffix(" req/s"));
            rates.push(rate.unwrap_or_else(|| panic!("{text}")).parse().unwrap());
            // When it began, its status, and how long it took, in microseconds.
            let lines = std::fs::read_to_string(&log).unwrap();
            let mut took: Vec<f64> = lines
                .lines()
                .filter_map(|line| line.split('\t').nth(2)?.parse().ok())
                .collect();
            took.sort_by(f64::total_cmp);
            nearly_all.push(took[took.len() * 99 / 100] / 1e3);
            halves.push(median(took.into_iter()) / 1e3);
        }
    }
    for ((name, _), figures) in WAYS.iter().zip(&figures) {
        let [rate, half, nearly_all] = figures.each_ref().map(|runs| median(runs.iter().copied()));
        eprintln!("include: {name:<40} {rate:>10.0} {half:>9.2} {nearly_all:>9.2}");
    }
}

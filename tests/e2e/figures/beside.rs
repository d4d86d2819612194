//! Two apps on one host, and what a request through each one's include costs.

use std::process::Command;

use pct_deploy::protocol::outcome::Outcome;

use super::{App, BOTH, RUNS, median, row, run};
use crate::world::{Host, Release, World, docker};

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
    let args = Release::new("v1").build_args();
    for app in BOTH {
        run(&world, app, &["deploy", "--json"], &[("BUILD_ARGS", &args)])
            .expect(Outcome::Deployed, "deployed");
    }
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = docker(&["inspect", "-f", format, &world.env.container]).stdout;
    let address = String::from_utf8(address).unwrap();
    let mut rates: [Vec<f64>; 2] = Default::default();
    let mut halves: [Vec<f64>; 2] = Default::default();
    let log = world.context.path().join("requests.log");
    for _ in 0..RUNS {
        for (n, app) in BOTH.into_iter().enumerate() {
            let port = match app {
                App::Flag => 80,
                App::Reload => 8083,
            };
            drop(std::fs::remove_file(&log));
            // A number of requests: told to stop after a time (`-D`), h2load 1.52 now and then goes on for ever.
            let output = Command::new("h2load")
                .args(["--h1", "-c", "8", "-t", "1", "-n", "15000", "--log-file"])
                .arg(&log)
                .arg(format!("http://{}:{port}/", address.trim()))
                .output()
                .unwrap_or_else(|error| panic!("h2load ({error}): run `scripts/setup`"));
            let text = String::from_utf8(output.stdout).unwrap();
            let rate = text
                .split(", ")
                .find_map(|part| part.strip_suffix(" req/s"));
            rates[n].push(rate.unwrap_or_else(|| panic!("{text}")).parse().unwrap());
            // When it began, its status, and how long it took, in microseconds.
            let lines = std::fs::read_to_string(&log).unwrap();
            let took = lines
                .lines()
                .filter_map(|line| line.split('\t').nth(2)?.parse().ok());
            halves[n].push(median(took));
        }
    }
    row(
        "nginx",
        "requests a second through the include",
        &rates,
        |runs| median(runs.iter().copied()),
    );
    row("nginx", "half of them took at most, us", &halves, |runs| {
        median(runs.iter().copied())
    });
}

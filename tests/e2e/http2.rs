//! HTTP/2 through the switch, by a client that is not ours: nghttp2's `h2load`.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World, docker};

const SECONDS: u64 = 40;
const BLOCK: &str = "server {
    listen 80;
    listen 8082;
    http2 on;
    # One connection for the whole test.
    keepalive_requests 1000000;
    server_name localhost;
    include /etc/nginx/conf.d/service-url.inc;
    location / { proxy_pass $service_url; }
}";

/// 20 connections with two streams each, 20 requests a second on each.
fn h2load(more: &[&str]) -> Child {
    let mut command = Command::new("h2load");
    command.args(["-c", "20", "-m", "2", "-t", "1", "--rps", "20"]);
    command.args(["-D", &SECONDS.to_string()]).args(more);
    let started = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    started.unwrap_or_else(|error| panic!("h2load ({error}): run `scripts/setup`"))
}

/// The number before `word` in a line such as `requests: 9 total, 9 done, 0 failed`.
fn number(text: &str, line: &str, word: &str) -> u64 {
    let line = text.lines().find(|found| found.starts_with(line)).unwrap();
    let part = line
        .split([':', ','])
        .find_map(|part| part.trim().strip_suffix(word));
    part.unwrap_or_else(|| panic!("no `{word}` in {line}"))
        .trim()
        .parse()
        .unwrap()
}

#[test]
fn two_deploys_by_flag_fail_no_http2_request() {
    let mut world = World::fresh(Host::V2);
    world.ask_host(&format!(
        "cat > /etc/nginx/conf.d/default.conf <<'END'\n{BLOCK}\nEND\nnginx -t -q && systemctl reload nginx"
    ));
    let done = world.run(&["provision", "--json"], &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    world.set("bake", "0s");
    let images = ["v1", "v2"].map(|version| {
        let result = world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
        format!("{}", result.image.unwrap())
    });
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = docker(&["inspect", "-f", format, &world.env.container]).stdout;
    let address = String::from_utf8(address).unwrap();
    let url = |path: &str| format!("http://{}:8082{path}", address.trim());
    let body = world
        .context
        .path()
        .join("Dockerfile")
        .display()
        .to_string();
    let mut running = [h2load(&[&url("/")]), h2load(&["-d", &body, &url("/echo")])];
    std::thread::sleep(Duration::from_secs(1));
    for image in &images {
        world
            .deploy_image(image)
            .expect(Outcome::Deployed, "deployed");
    }
    for child in &mut running {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before the deploys"
        );
    }
    for (child, what) in running.into_iter().zip(["GET", "POST"]) {
        let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let count = |word| number(&text, "requests:", word);
        let (good, bad) = (number(&text, "status codes:", "2xx"), ["3xx", "4xx", "5xx"]);
        let bad: u64 = bad
            .iter()
            .map(|class| number(&text, "status codes:", class))
            .sum();
        eprintln!(
            "http2: {what} {} done, {} failed, {bad} not 2xx",
            count("done"),
            count("failed")
        );
        assert!(text.contains("Application protocol: h2c"), "{text}");
        assert_eq!(
            (count("failed"), count("errored"), count("timeout"), bad),
            (0, 0, 0, 0),
            "{text}"
        );
        assert!(good > 5_000, "{text}");
    }
}

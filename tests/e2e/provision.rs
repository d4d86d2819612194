//! `provision` on real nginx: it takes over what is there, keeps what is not ours, and puts every byte back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;
use serde_json::Value;

use crate::world::{Host, Release, Run, World};

const INCLUDE: &str = "/etc/nginx/conf.d/service-url.inc";
const DEFAULT: &str = "/etc/nginx/conf.d/default.conf";

fn provision(world: &World) -> Run {
    world.run(&["provision", "--json"], &[])
}

/// What it changed, by name.
fn changes(run: &Run) -> Vec<String> {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let object: Value = serde_json::from_str(&run.stdout).unwrap();
    let changes = object.get("changes").and_then(Value::as_array).unwrap();
    let name = |change: &Value| change.get("what").unwrap().as_str().unwrap().to_owned();
    changes.iter().map(name).collect()
}

/// Everything that it may change, as one text.
fn disk(world: &World) -> String {
    world.ask_host(
        "find /etc/nginx /etc/systemd/system -type f -exec sha256sum {} + | sort -k 2; \
         stat -c '%n %a %U' /etc/nginx/conf.d/*; ls /var/lib/pct-deploy/hello/live-2 2>&1 || true",
    )
}

fn live_slot(world: &World) -> String {
    world.ask_host("curl -s -H 'Host: localhost' http://127.0.0.1/.pct-deploy/slot/hello")
}

/// Writes one of nginx's files and loads it.
fn nginx_file(world: &World, path: &str, text: &str) {
    world.ask_host(&format!("cat > {path} <<'END'\n{text}\nEND"));
    world.ask_host("nginx -t -q && systemctl reload nginx && sleep 0.3");
}

/// The status line's code, asked through the published port: from an address that is not the host's own.
fn from_outside(world: &World, path: &str) -> String {
    let mut stream = TcpStream::connect(world.http()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn takes_over(host: Host) {
    let world = World::fresh(host);
    for version in ["v1", "v2"] {
        world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
    }
    let (load, before) = (world.load(), disk(&world));
    let done = changes(&provision(&world));
    std::thread::sleep(Duration::from_millis(500));
    let report = load.stop_blocking();
    eprintln!(
        "provision: {host:?}, {} of {} lost by its one reload: {done:?}",
        report.lost, report.sent
    );
    for path in [
        INCLUDE,
        "/etc/nginx/conf.d/00-pct-deploy-hello.conf",
        "nginx",
    ] {
        assert!(done.iter().any(|what| what == path), "{path}: {done:?}");
    }
    let bad = (report.non_200.len(), report.broken, report.connect_errors);
    assert_eq!(bad, (0, 0, 0), "{report}");
    assert!(report.lost <= 20, "one each connection at most: {report}");
    assert_eq!(
        (world.serves().as_deref(), live_slot(&world).as_str()),
        (Some("v2"), "2")
    );
    assert_ne!(disk(&world), before);
    let log = "wc -l < /var/log/nginx/access.log";
    let lines: u64 = world.ask_host(log).parse().unwrap();
    assert_eq!(from_outside(&world, "/"), "200");
    let more: u64 = world.ask_host(log).parse().unwrap();
    assert!(more > lines, "the access log of the `http` block goes on");

    let after = disk(&world);
    let again = provision(&world);
    assert_eq!((changes(&again), disk(&world)), (vec![], after));

    let load = world.load();
    let result = world
        .deploy(&Release::new("v3"))
        .expect(Outcome::Deployed, "deployed");
    let report = load.stop_blocking();
    assert_eq!(result.receipt.switch, Some(SwitchKind::Flag));
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        (world.serves().as_deref(), live_slot(&world).as_str()),
        (Some("v3"), "1")
    );
}

#[test]
fn it_takes_over_the_seeds_files_under_load_and_has_nothing_to_do_again() {
    takes_over(Host::V2);
}

#[test]
fn it_does_so_on_the_older_generation_too() {
    takes_over(Host::V1);
}

#[test]
fn a_dry_run_tells_the_same_and_changes_nothing() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let before = disk(&world);
    let told = changes(&world.run(&["provision", "--json", "--dry-run"], &[]));
    assert_eq!(disk(&world), before);
    assert_eq!(told, changes(&provision(&world)));
    let backup = "cat /var/lib/pct-deploy/hello/backup*/*service-url.inc";
    let kept = world.ask_host(backup);
    assert!(
        kept.starts_with("set $service_url http://127.0.0.1:80"),
        "{kept}"
    );
}

#[test]
fn the_users_own_blocks_and_headers_stay_and_the_app_sees_the_client() {
    let world = World::fresh(Host::V2);
    let own = format!(
        "server {{\n    listen 80;\n    server_name localhost;\n    include {INCLUDE};\n    \
         access_log /var/log/nginx/own.log;\n    location / {{ proxy_pass $service_url; }}\n    \
         location = /own {{ rewrite ^ /headers break; proxy_set_header X-Own \"a b\"; proxy_pass $service_url; }}\n    \
         location = /static {{ return 200 static; }}\n}}"
    );
    nginx_file(&world, DEFAULT, &own);
    changes(&provision(&world));
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.ask_host(&format!("cat {DEFAULT}")), own, "every byte");
    let ask = |path: &str| {
        world.ask_host(&format!(
            "curl -s -H 'Host: shop.example' -H 'X-Forwarded-For: 192.0.2.9' http://127.0.0.1{path}"
        ))
    };
    let seen = ask("/headers");
    for line in [
        "Host: shop.example",
        "X-Forwarded-For: 192.0.2.9, 127.0.0.1",
        "X-Forwarded-Host: shop.example",
        "X-Forwarded-Proto: http",
        "X-Real-IP: 127.0.0.1",
    ] {
        assert!(seen.lines().any(|found| found == line), "{line}: {seen}");
    }
    assert!(!seen.contains("Connection:"), "it is kept: {seen}");
    assert!(ask("/own").contains("X-Own: a b"), "{}", ask("/own"));
    assert_eq!(ask("/static"), "static");
    let logged = world.ask_host("grep -c /static /var/log/nginx/own.log");
    assert_eq!(logged, "1");
}

/// Two deploys by the flag, under load.
fn deploys_by_flag(world: &World) {
    for version in ["v1", "v2", "v3"] {
        let load = (version != "v1").then(|| world.load());
        let run = world.deploy(&Release::new(version));
        let result = run.expect(Outcome::Deployed, "deployed");
        assert_eq!(result.receipt.switch, Some(SwitchKind::Flag));
        assert_eq!(world.serves().as_deref(), Some(version));
        if let Some(load) = load {
            let report = load.stop_blocking();
            assert!(report.is_clean(), "{report}");
        }
    }
}

#[test]
fn an_include_in_a_location_is_taken_over_with_what_stands_beside_it() {
    let world = World::fresh(Host::V2);
    let own = format!(
        "server {{\n    listen 80;\n    server_name localhost;\n    proxy_set_header X-Lost 1;\n    location / {{\n        \
         include {INCLUDE};\n        proxy_set_header Host $host;\n        proxy_set_header X-Real-IP 192.0.2.7;\n        \
         proxy_pass $service_url;\n    }}\n}}"
    );
    nginx_file(&world, DEFAULT, &own);
    changes(&provision(&world));
    assert_eq!(changes(&provision(&world)), Vec::<String>::new());
    assert_eq!(world.ask_host(&format!("cat {DEFAULT}")), own, "every byte");
    deploys_by_flag(&world);
    let seen = world.ask_host("curl -s -H 'Host: shop.example' http://127.0.0.1/headers");
    let count = |name: &str| seen.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!((count("Host: "), count("X-Real-IP: ")), (1, 1), "{seen}");
    assert!(seen.contains("X-Real-IP: 192.0.2.7"), "{seen}");
    assert_eq!(live_slot(&world), "1");
    assert_ne!(from_outside(&world, "/.pct-deploy/slot/hello"), "200");
    let silent = own.replace("include", "open_file_cache max=100;\n        include");
    nginx_file(&world, DEFAULT, &silent);
    world
        .deploy(&Release::new("v4"))
        .refuses(5, &["open_file_cache max=100"]);
    let files = own.replace("include", "try_files /none @app;\n        include");
    nginx_file(
        &world,
        DEFAULT,
        &(files.replace(
            "proxy_pass $service_url;\n    }",
            "proxy_pass $service_url;\n    }\n    location @app { return 404; }",
        )),
    );
    provision(&world).refuses(
        5,
        &["`location /` has `try_files`", "into the `server` block"],
    );
}

#[test]
fn with_the_include_in_a_home_folder_the_upstreams_lie_where_nginx_reads_them() {
    let mut world = World::fresh(Host::V2);
    let home = "/home/ec2-user/url.inc";
    world.ask_host(&format!(
        "mv {INCLUDE} {home} && sed -i 's|{INCLUDE}|{home}|' {DEFAULT}"
    ));
    world.set("proxy-include", home);
    let done = changes(&provision(&world));
    let upstreams = "/etc/nginx/conf.d/00-pct-deploy-hello.conf";
    for path in [home, upstreams] {
        assert!(done.iter().any(|what| what == path), "{path}: {done:?}");
    }
    assert_eq!(changes(&provision(&world)), Vec::<String>::new());
    deploys_by_flag(&world);
}

#[test]
fn a_host_without_a_site_gets_one_by_its_name() {
    let world = World::fresh(Host::V2);
    world.ask_host(&format!("rm {DEFAULT} {INCLUDE} && systemctl reload nginx"));
    provision(&world).refuses(5, &["--server-name"]);
    let named = ["provision", "--json", "--server-name", "www.example.com"];
    let done = changes(&world.run(&named, &[]));
    let site = "/etc/nginx/conf.d/pct-deploy-hello.conf";
    assert!(done.iter().any(|what| what == site), "{done:?}");
    assert_eq!(changes(&world.run(&named, &[])), Vec::<String>::new());
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let body = world.ask_host("curl -s -H 'Host: www.example.com' http://127.0.0.1/");
    assert_eq!(body, "hello v1");
    let other = ["provision", "--json", "--server-name", "other.example"];
    let run = world.run(&other, &[]);
    run.refuses(5, &["other.example", "www.example.com", "server_name"]);
}

#[test]
fn when_nginx_refuses_the_result_every_byte_is_put_back() {
    let world = World::fresh(Host::V2);
    for version in ["v1", "v2"] {
        world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
    }
    let load = world.load();
    // Fine today; with ours beside it, nginx finds the same name twice.
    nginx_file(
        &world,
        "/etc/nginx/conf.d/10-other.conf",
        "upstream pct-hello-1 { server 127.0.0.1:9; }",
    );
    std::thread::sleep(Duration::from_millis(500));
    drop(load.stop_blocking());
    let (load, before) = (world.load(), disk(&world));
    provision(&world).refuses(5, &["pct-hello-1"]);
    assert_eq!(disk(&world), before);
    // Broken before anything was written.
    world.ask_host("echo 'nonsense on;' > /etc/nginx/conf.d/20-broken.conf");
    let before = disk(&world);
    provision(&world).refuses(5, &["nonsense"]);
    assert_eq!(disk(&world), before);
    let report = load.stop_blocking();
    assert!(report.is_clean(), "nothing was loaded: {report}");
    assert_eq!(world.serves().as_deref(), Some("v2"));
}

#[test]
fn a_file_cache_over_the_flag_is_refused_before_and_after() {
    let cache = "/etc/nginx/conf.d/00-cache.conf";
    let world = World::fresh(Host::V2);
    nginx_file(&world, cache, "open_file_cache max=100 inactive=60s;");
    let before = disk(&world);
    let words = ["open_file_cache max=100", "open_file_cache off"];
    provision(&world).refuses(5, &words);
    assert_eq!(disk(&world), before);
    world.ask_host(&format!("rm {cache} && systemctl reload nginx"));
    changes(&provision(&world));
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    nginx_file(&world, cache, "open_file_cache max=100 inactive=60s;");
    let refused = world.deploy(&Release::new("v2"));
    refused.refuses(5, &["open_file_cache"]);
    assert_eq!(world.serves().as_deref(), Some("v1"));
}

#[test]
fn an_include_changed_by_hand_is_refused_until_provision_has_mended_it() {
    let world = World::provisioned(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world.ask_host(&format!("echo '# mine' >> {INCLUDE}"));
    let refused = world.deploy(&Release::new("v2"));
    refused.refuses(5, &["changed by hand", "pct-deploy provision"]);
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let done = changes(&provision(&world));
    assert_eq!(done, [INCLUDE, "nginx"]);
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
}

#[test]
fn a_maintenance_page_for_everyone_and_a_slot_for_this_machine_alone() {
    let world = World::provisioned(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let slot = "/.pct-deploy/slot/hello";
    assert_eq!(
        (
            live_slot(&world).as_str(),
            from_outside(&world, slot).as_str()
        ),
        ("1", "404")
    );
    assert_eq!(from_outside(&world, "/"), "200");
    world.ask_host("touch /var/lib/pct-deploy/hello/maintenance");
    assert_eq!(
        (
            live_slot(&world).as_str(),
            from_outside(&world, slot).as_str()
        ),
        ("1", "404")
    );
    assert_eq!(from_outside(&world, "/"), "503");
    world.ask_host("rm /var/lib/pct-deploy/hello/maintenance");
    assert_eq!(from_outside(&world, "/"), "200");
}

//! `provision` where the user's own lines stand in the way of the lossless switch: shown, changed when told to, put back.

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;
use serde_json::Value;

use crate::world::{Host, Release, Run, World};

const SITE: &str = "/etc/nginx/conf.d/default.conf";
const UPSTREAM: &str = "/etc/nginx/conf.d/api.conf";
const UPSTREAM_TEXT: &str = "# the live slot; deploy.sh writes it\nupstream api {\n    server 127.0.0.1:8080 max_fails=3;\n    keepalive 4;\n}\nupstream other { server 127.0.0.1:9; }\n";
const SITE_TEXT: &str = "server {\n    listen 80; # public\n    server_name localhost;\n\n    location / {\n        proxy_pass http://api;\n    }\n    \
                         location /v1/ {\n        proxy_pass http://api/;\n    }\n    location /other { proxy_pass http://other; }\n}\n";
const SHOW: [&str; 2] = ["provision", "--json"];
const EDIT: [&str; 3] = ["provision", "--json", "--edit"];

fn write(world: &World, path: &str, text: &str) {
    world.ask_host(&format!("printf '%s' '{text}' >{path}"));
}

fn load(world: &World) {
    world.ask_host("nginx -t -q && systemctl reload nginx && sleep 0.3");
}

fn disk(world: &World) -> String {
    world.ask_host("find /etc/nginx /etc/systemd/system -type f -exec sha256sum {} + | sort -k 2")
}

fn changes(run: &Run) -> Vec<Value> {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let object: Value = serde_json::from_str(&run.stdout).unwrap();
    object
        .get("changes")
        .and_then(Value::as_array)
        .unwrap()
        .clone()
}

/// A host whose switch file is an upstream.
fn with_upstream() -> World {
    let mut world = World::fresh(Host::V2);
    write(&world, UPSTREAM, UPSTREAM_TEXT);
    write(&world, SITE, SITE_TEXT);
    load(&world);
    world.set("proxy-include", UPSTREAM);
    world
}

/// Two more deploys, by the flag alone.
fn deploys_by_flag(world: &World, versions: [&str; 2]) {
    for version in versions {
        let load = world.load();
        let run = world.deploy(&Release::new(version));
        let report = load.stop_blocking();
        let result = run.expect(Outcome::Deployed, "deployed");
        assert_eq!(result.receipt.switch, Some(SwitchKind::Flag));
        assert!(report.is_clean(), "{report}");
        assert_eq!(world.serves().as_deref(), Some(version));
    }
}

#[test]
fn an_upstream_is_edited_when_told_to_under_load_and_deploys_lose_nothing() {
    let world = with_upstream();
    for version in ["v1", "v2"] {
        world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
    }
    let before = disk(&world);
    let shown = [
        "provision --edit",
        "-        proxy_pass http://api;",
        "+        proxy_pass $pct_to_hello;",
        "+        rewrite ^/v1/(.*)$ /$1 break; proxy_pass $pct_to_hello;",
        "-    server 127.0.0.1:8081 max_fails=3;",
    ];
    world.run(&SHOW, &[]).refuses(5, &shown);
    assert_eq!(disk(&world), before);

    let load = world.load();
    let done = changes(&world.run(&EDIT, &[]));
    let report = load.stop_blocking();
    let bad = (report.non_200.len(), report.broken, report.connect_errors);
    assert_eq!(bad, (0, 0, 0), "{report}");
    assert!(report.lost <= 20, "one each connection at most: {report}");
    for path in [SITE, UPSTREAM] {
        let change = done.iter().find(|change| change["what"] == path).unwrap();
        let copy = change["backup"].as_str().unwrap();
        let kept = world.ask_host(&format!("cat {copy}"));
        assert!(kept.contains("api"), "{kept}");
        assert!(!change["diff"].as_array().unwrap().is_empty());
    }
    assert_eq!(world.serves().as_deref(), Some("v2"));
    let v1 = world.ask_host("curl -s -H 'Host: localhost' http://127.0.0.1/v1/");
    assert_eq!(v1, "hello v2", "the prefix is taken off as before");
    let left = world.ask_host(&format!("cat {UPSTREAM}"));
    assert_eq!(
        left,
        "# pct-deploy include /etc/nginx/pct-deploy-hello.inc\n# the live slot; deploy.sh writes it\nupstream other { server 127.0.0.1:9; }"
    );
    let after = disk(&world);
    assert_eq!(changes(&world.run(&SHOW, &[])), Vec::<Value>::new());
    assert_eq!(changes(&world.run(&EDIT, &[])), Vec::<Value>::new());
    assert_eq!(disk(&world), after);
    deploys_by_flag(&world, ["v3", "v4"]);
}

#[test]
fn a_colour_is_edited_when_told_to() {
    let world = World::fresh(Host::V2);
    let slots =
        "upstream blue { server 127.0.0.1:8080; }\nupstream green { server 127.0.0.1:8081; }\n";
    write(&world, "/etc/nginx/conf.d/slots.conf", slots);
    write(
        &world,
        "/etc/nginx/conf.d/service-url.inc",
        "set $active blue;\n",
    );
    world.ask_host(&format!(
        "sed -i 's|proxy_pass .*;|proxy_pass http://$active;|' {SITE}"
    ));
    load(&world);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world
        .run(&SHOW, &[])
        .refuses(5, &["-set $active blue;", "$pct_to_hello;"]);
    changes(&world.run(&EDIT, &[]));
    assert_eq!(changes(&world.run(&SHOW, &[])), Vec::<Value>::new());
    deploys_by_flag(&world, ["v2", "v3"]);
}

#[test]
fn an_edit_that_nginx_refuses_is_put_back_whole() {
    let world = with_upstream();
    // Allowed as long as `proxy_pass` has no variable.
    world.ask_host(&format!(
        "sed -i 's|proxy_pass http://api;|& proxy_redirect default;|' {SITE}"
    ));
    load(&world);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let (before, load) = (disk(&world), world.load());
    world
        .run(&EDIT, &[])
        .refuses(5, &["proxy_redirect default", "sudo nginx -t"]);
    assert_eq!(disk(&world), before);
    let report = load.stop_blocking();
    assert!(report.is_clean(), "nothing was loaded: {report}");
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v2"));
}

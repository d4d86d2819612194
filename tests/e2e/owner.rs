//! Two apps of one image on one host.

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World};

const SECOND: &str = "version: '3.8'\nservices:\n  other-1: {image: localhost:5000/pct/hello, ports: ['9080:8080']}\n  \
                      other-2: {image: localhost:5000/pct/hello, ports: ['9081:8080']}\n";
const INCLUDE: &str = "/etc/nginx/conf.d/second.inc";
const BLOCK: &str = "server {\n    listen 80;\n    server_name localhost;\n    include /etc/nginx/conf.d/service-url.inc;\n    include /etc/nginx/conf.d/second.inc;\n    \
                     location / { proxy_pass $service_url; }\n    location /second { rewrite ^ / break; proxy_pass $second_url; }\n}\n";

/// A second project beside the first one, with an include of its own in the same block.
fn second(world: &World) {
    let give = |path: &str, text: &str| {
        world.ask_host(&format!(
            "mkdir -p /home/ec2-user/second && cat > {path} <<'END'\n{text}END"
        ));
    };
    give("/home/ec2-user/second/docker-compose.yml", SECOND);
    world.ask_host("chown -R ec2-user: /home/ec2-user/second");
    give(INCLUDE, "set $second_url http://127.0.0.1:9080;\n");
    give("/etc/nginx/conf.d/default.conf", BLOCK);
    world.ask_host("nginx -t -q && systemctl reload nginx");
}

/// The second project comes with this app.
fn as_app<'a>(app: &'a str, args: &str) -> [(&'a str, String); 6] {
    [
        ("APP", app.to_owned()),
        ("PROJECT_DIRECTORY", "second".to_owned()),
        ("SLOTS", "other-1,other-2".to_owned()),
        ("PROXY_INCLUDE", INCLUDE.to_owned()),
        ("KEEP_RELEASES", "2".to_owned()),
        ("BUILD_ARGS", args.to_owned()),
    ]
}

fn run(world: &World, command: &str, settings: &[(&str, String)]) -> crate::world::Run {
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    world.run(&[command, "--json"], &settings)
}

#[test]
fn another_project_with_the_same_app_is_refused_and_with_its_own_both_share_one_server_block() {
    let world = World::fresh(Host::V2);
    second(&world);
    let provisioned = run(&world, "provision", &[]);
    assert_eq!(provisioned.code, Some(0), "{}", provisioned.stderr);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let tree = "find /var/lib/pct-deploy /etc/nginx -type f -not -name 'traffic.log' | sort | xargs sha256sum";
    let v9 = Release::new("v9").build_args();
    let before = world.ask_host(tree);
    for command in ["provision", "deploy"] {
        let refused = run(&world, command, &as_app("hello", &v9));
        refused.refuses(
            5,
            &[
                "belongs to",
                "/home/ec2-user/second",
                "hello-1",
                "set `app`",
            ],
        );
    }
    assert_eq!(world.ask_host(tree), before, "nothing was changed");
    let mut typo = as_app("typo", &v9).to_vec();
    typo.push(("SLOTS", "other-1,other-9".to_owned()));
    run(&world, "deploy", &typo).refuses(5, &["other-9"]);
    assert_eq!(world.ask_host(tree), before, "nothing was left behind");
    let mistyped = world.run(&["deploy", "--json"], &[("APP", "helo")]);
    mistyped.refuses(5, &["belong", "`hello`"]);
    assert_eq!(world.ask_host(tree), before, "nothing was left behind");

    for app in [&as_app("second", &v9)[..], &[]] {
        let done = run(&world, "provision", app);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
    }
    for version in ["w1", "w2", "w3"] {
        let args = Release::new(version).build_args();
        let result =
            run(&world, "deploy", &as_app("second", &args)).expect(Outcome::Deployed, "deployed");
        assert!(result.receipt.switch.is_some(), "{result:?}");
    }
    let asks = |path: &str| {
        world.ask_host(&format!(
            "curl -s -H 'Host: localhost' http://127.0.0.1{path}"
        ))
    };
    assert_eq!(
        (asks("/"), asks("/second")),
        ("hello v1".to_owned(), "hello w3".to_owned())
    );
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(
        (asks("/"), asks("/second")),
        ("hello v2".to_owned(), "hello w3".to_owned())
    );
    let slot = |app: &str| asks(&format!("/.pct-deploy/slot/{app}"));
    assert_eq!(
        (slot("hello"), slot("second")),
        ("2".to_owned(), "1".to_owned())
    );
    // The other app's deploys left this one's earlier image alone.
    world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    run(&world, "rollback", &as_app("second", "")).expect(Outcome::Deployed, "deployed");
    assert_eq!(
        (asks("/"), asks("/second")),
        ("hello v1".to_owned(), "hello w2".to_owned())
    );
}

//! Two projects with one image name on one host: one app has one owner, and a name of its own makes two.

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, Run, World};

const SITE: &str = "server {\n    listen 80;\n    server_name localhost;\n    \
    include /etc/nginx/conf.d/service-url.inc;\n    include /etc/nginx/conf.d/shop-url.inc;\n    \
    location / { proxy_pass $service_url; }\n    \
    location /shop/ { proxy_pass $shop_url; rewrite ^/shop(/.*)$ $1 break; }\n}";

/// The second project: another folder, other ports, another include in the same `server` block.
fn second_project(world: &World) {
    world.ask_host(
        "install -d -o ec2-user -g ec2-user ~ec2-user/shop && cd ~ec2-user/shop && \
         sed -e 's|8080:8080|8090:8080|' -e 's|8081:8080|8091:8080|' ../docker-compose.yml >docker-compose.yml && \
         chown ec2-user: docker-compose.yml && \
         echo 'set $shop_url http://127.0.0.1:8090;' >/etc/nginx/conf.d/shop-url.inc",
    );
    world.ask_host(&format!(
        "cat >/etc/nginx/conf.d/default.conf <<'END'\n{SITE}\nEND\nnginx -t -q && systemctl reload nginx && sleep 0.3"
    ));
}

/// A command for the second project.
fn of_shop(world: &World, args: &[&str], app: &str, release: &Release) -> Run {
    let build_args = release.build_args();
    world.run(
        args,
        &[
            ("APP", app),
            ("PROJECT_DIRECTORY", "shop"),
            ("PROXY_INCLUDE", "/etc/nginx/conf.d/shop-url.inc"),
            ("BUILD_ARGS", &build_args),
        ],
    )
}

fn shop_serves(world: &World) -> String {
    world.ask_host("curl -s -H 'Host: localhost' http://127.0.0.1/shop/")
}

#[test]
fn a_second_project_of_the_same_name_is_refused_and_with_a_name_of_its_own_both_work() {
    let mut world = World::fresh(Host::V2);
    world.set("bake", "0s");
    second_project(&world);
    let provisioned = world.run(&["provision", "--json"], &[]);
    assert_eq!(provisioned.code, Some(0), "{}", provisioned.stderr);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");

    // `app` is the last part of the image's name, and that is taken.
    let both = ["/home/ec2-user/shop", "/home/ec2-user", "`app`"];
    let files = "sha256sum /etc/nginx/conf.d/* /var/lib/pct-deploy/hello/*.json | sort";
    let before = world.ask_host(files);
    of_shop(&world, &["provision", "--json"], "", &Release::new("s0")).refuses(5, &both);
    of_shop(&world, &["deploy", "--json"], "", &Release::new("s0")).refuses(5, &both);
    assert_eq!(world.ask_host(files), before);
    assert_eq!(world.serves().as_deref(), Some("v1"));

    let own = of_shop(
        &world,
        &["provision", "--json"],
        "shop",
        &Release::new("s0"),
    );
    assert_eq!(own.code, Some(0), "{}", own.stderr);
    for (version, switch) in [("s1", "hello-1"), ("s2", "hello-2")] {
        let run = of_shop(
            &world,
            &["deploy", "--json"],
            "shop",
            &Release::new(version),
        );
        let result = run.expect(Outcome::Deployed, "deployed");
        assert_eq!(result.slot.as_deref(), Some(switch));
        assert_eq!(shop_serves(&world), format!("hello {version}"));
        assert_eq!(world.serves().as_deref(), Some("v1"), "the first stays");
    }
    let load = world.load();
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    let report = load.stop_blocking();
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.serves().as_deref(), Some("v2"));
    assert_eq!(shop_serves(&world), "hello s2");
    let back = of_shop(&world, &["rollback", "--json"], "shop", &Release::new("s0"));
    back.expect(Outcome::Deployed, "deployed");
    assert_eq!(
        (shop_serves(&world).as_str(), world.serves().as_deref()),
        ("hello s1", Some("v2"))
    );
}

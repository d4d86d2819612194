//! nginx as a compose service: found, tested and reloaded through Docker. The loss of its reloads is the one that was said.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;
use sandbox::load::LoadReport;
use sandbox::relay::Relay;

use crate::sudoers::{Restricted, printed};
use crate::world::{self, Host, Release, World};

const ONE_WAY: Duration = Duration::from_millis(20);
/// No registry has one, so it is put together from the host's own nginx and the libraries that it needs.
const IMAGE: &str = "set -e; systemctl stop nginx; docker image inspect nginx:local >/dev/null 2>&1 || \
    { libraries=$(ldd /usr/sbin/nginx | grep -o '/[^ ]*'); cd /; \
    tar -ch --no-recursion usr/sbin/nginx $libraries etc/passwd etc/group etc/nginx etc/nginx/nginx.conf etc/nginx/mime.types \
    run var/log/nginx var/lib/nginx 2>/dev/null | docker import -c 'CMD [\"nginx\", \"-g\", \"daemon off;\"]' - nginx:local >/dev/null; }";
const SERVICE: &str = "printf '\\n  nginx:\\n    image: nginx:local\\n    ports: [\"80:80\"]\\n    extra_hosts: [\"host.docker.internal:host-gateway\"]\\n    volumes: [\"./nginx:/etc/nginx/conf.d\"]\\n' >>docker-compose.yml";
const UP: &str = "chown -R ec2-user: nginx docker-compose.yml && docker compose up -d nginx 2>&1";

/// A host whose nginx is a compose service with these files in `conf.d`, and nothing deployed.
fn host(compose: &str, files: &[(&str, &str)]) -> World {
    let world = World::fresh(Host::V2);
    world.ask_host(IMAGE);
    let mut script = format!("set -e; cd ~ec2-user; mkdir -p nginx; {compose} {SERVICE}\n");
    for (name, text) in files {
        script.push_str(&format!("cat >nginx/{name} <<'END'\n{text}\nEND\n"));
    }
    world.ask_host(&format!("{script}{UP}"));
    world
}

/// Deploys again and again under load; what was lost, and what the reloads were said to lose.
fn deploys(world: &World, name: &str, times: usize) -> (LoadReport, f64) {
    let images = world.two_releases();
    let relay = Relay::start(world.http(), ONE_WAY).unwrap();
    let load = world::hundred(relay.addr());
    std::thread::sleep(Duration::from_secs(1));
    let mut expected = 0.0;
    // `v2` is live, so it begins with `v1`.
    for (n, image) in (0..times).zip(images.iter().cycle()) {
        let run = world.deploy_image(image);
        let result = run.expect(Outcome::Deployed, "deployed");
        assert_eq!(result.receipt.switch, Some(SwitchKind::Reload));
        assert_eq!(result.receipt.cut_connections, Some(0), "{}", run.stderr);
        let loss = result.receipt.predicted_loss.unwrap();
        // The relay hides the clients' round trip from the kernel.
        let round_trip = loss.round_trip_ms.max(2e3 * ONE_WAY.as_secs_f64());
        expected += loss.requests_per_second * round_trip / 1000.0;
        let slots = world.ask_host("docker ps --format '{{.Names}}' | grep -c 'hello-[12]'");
        assert_eq!(slots, "1", "the old slot is stopped");
        let version = if n % 2 == 0 { "v1" } else { "v2" };
        assert_eq!(world.serves().as_deref(), Some(version));
    }
    let report = load.stop_blocking();
    eprintln!(
        "real host: 16 {name:<44} {times} deploys, {} of {} lost, {expected:.0} predicted",
        report.lost, report.sent
    );
    let bad = (
        report.non_200.len(),
        report.connect_errors,
        report.broken,
        report.timeouts,
    );
    assert_eq!(bad, (0, 0, 0, 0), "{report}");
    (report, expected)
}

#[test]
fn slots_by_name_lose_no_more_than_predicted_and_what_cannot_be_is_said() {
    const SITE: &str = "server {\n    listen 80;\n    server_name localhost;\n    resolver 127.0.0.11 valid=1s;\n    include /etc/nginx/conf.d/service-url.inc;\n    location / { proxy_pass $service_url; }\n}";
    let no_ports = "sed -i -e '/^    ports:/d' -e '/\"808[01]:8080\"/d' docker-compose.yml;";
    let mut world = host(
        no_ports,
        &[
            ("default.conf", SITE),
            ("service-url.inc", "set $service_url http://hello-1:8080;"),
        ],
    );
    world.set("bake", "0s");
    let (report, expected) = deploys(&world, "nginx in a container, slots by name", 6);
    assert!(expected > 10.0, "the load is seen: {expected}");
    let lost = report.lost as f64;
    assert!(
        lost > 0.0 && lost / expected < 5.0,
        "{lost} lost, {expected:.0} expected"
    );
    let named = world.ask_host("cat ~ec2-user/nginx/service-url.inc");
    assert_eq!(named, "set $service_url http://hello-2:8080;");
    // A release that is not good enough: nothing of it stays.
    let run = world.deploy(&Release::new("v3").unhealthy());
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert_eq!(world.ask_host("cat ~ec2-user/nginx/service-url.inc"), named);
    assert_eq!(world.serves().as_deref(), Some("v2"));

    world
        .run(&["provision", "--json"], &[])
        .refuses(5, &["ec2-user-nginx-1", "on the host itself"]);
    for hint in ["nginx -t", "nginx -s reload"] {
        world.ask_host(&format!(
            "su ec2-user -c 'docker exec ec2-user-nginx-1 {hint}'"
        ));
    }
    let single = "cd ~ec2-user && sed -i 's|./nginx:/etc/nginx/conf.d|./nginx/default.conf:/etc/nginx/conf.d/default.conf\", \"./nginx/service-url.inc:/etc/nginx/conf.d/service-url.inc|' docker-compose.yml && docker compose up -d nginx 2>&1";
    world.ask_host(single);
    world
        .deploy(&Release::new("v4"))
        .refuses(5, &["as a single file", "./nginx:/etc/nginx/conf.d"]);
    assert_eq!(world.serves().as_deref(), Some("v2"));
}

#[test]
fn slots_by_published_port_in_an_upstream_file_are_switched_too() {
    const SITE: &str = "server {\n    listen 80;\n    server_name localhost;\n    location / { proxy_pass http://hello; }\n}";
    let mut world = host(
        "",
        &[
            ("default.conf", SITE),
            (
                "hello.conf",
                "upstream hello { server host.docker.internal:8080; }",
            ),
        ],
    );
    world.set("bake", "0s");
    world.set("proxy-include", "/home/ec2-user/nginx/hello.conf");
    let (report, expected) = deploys(&world, "nginx in a container, slots by port", 2);
    assert!(
        report.lost as f64 <= expected * 5.0,
        "{report}, {expected:.0} expected"
    );
    let named = world.ask_host("cat ~ec2-user/nginx/hello.conf");
    assert_eq!(
        named,
        "upstream hello { server host.docker.internal:8081; }"
    );

    // Docker reads and reloads it, and the file is the user's own: root has nothing to do.
    {
        let _nothing = Restricted::to(&world, None);
        world
            .deploy(&Release::new("v3"))
            .expect(Outcome::Deployed, "deployed");
    }
    assert_eq!(world.serves().as_deref(), Some("v3"));
    // In a folder of root's the file is all that it writes.
    world.ask_host("chown -R root: ~ec2-user/nginx");
    let refused = {
        let _nothing = Restricted::to(&world, None);
        world.deploy(&Release::new("v4"))
    };
    refused.refuses(5, &["sudo refuses", "ec2-user ALL=(root) NOPASSWD: "]);
    let lines = printed(&refused.stderr);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines.first().unwrap();
    assert!(!line.contains("nginx -"), "{line}");
    let _rules = Restricted::to(&world, Some(line));
    world
        .deploy(&Release::new("v4"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v4"));
}

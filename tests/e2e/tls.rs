//! A site that listens with TLS alone, as certbot leaves it: our own requests speak TLS, too.

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::BakeVerdict;

use crate::world::{Host, Release, World};

const SITE: &str = "server {\n    listen 80;\n    server_name site.example;\n    return 301 https://$host$request_uri;\n}\n\
    server {\n    listen 443 ssl;\n    server_name site.example;\n    ssl_certificate /etc/nginx/site.crt;\n    \
    ssl_certificate_key /etc/nginx/site.key;\n    include /etc/nginx/conf.d/service-url.inc;\n    \
    location / { proxy_pass $service_url; }\n}\n";

#[test]
fn the_route_is_verified_and_the_stream_measured_over_tls() {
    let world = World::fresh(Host::V2);
    world.ask_host(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=site.example \
         -keyout /etc/nginx/site.key -out /etc/nginx/site.crt 2>/dev/null",
    );
    world.ask_host(&format!(
        "cat >/etc/nginx/conf.d/default.conf <<'END'\n{SITE}END\nnginx -t -q && systemctl reload nginx && sleep 0.3"
    ));
    let done = world.run(&["provision", "--json"], &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let run = world.deploy(&Release::new("v2"));
    let receipt = run.expect(Outcome::Deployed, "deployed").receipt;
    let probes = receipt.probes.unwrap();
    assert!(
        probes.sent > 15 && probes.lost == 0 && probes.failed == 0,
        "{probes:?}"
    );
    assert_eq!(receipt.bake.unwrap().verdict, BakeVerdict::Inconclusive);
    let answer = world.ask_host(
        "curl -sk --resolve site.example:443:127.0.0.1 https://site.example/.pct-deploy/slot/hello https://site.example/",
    );
    assert!(
        answer.starts_with('2') && answer.contains("hello v2"),
        "{answer}"
    );
}

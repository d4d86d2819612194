//! The files that people have: one row a shape, each deployed from its own files on the real host, or refused in words.
//!
//! The numbers are those of the project's list of shapes, found in public repositories and bug reports.

mod nginx_files;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::NotMeasured;

use crate::world::{Host, Release, World};

/// What must come of a deploy.
enum Expected {
    /// It is live, and this prints something on the host.
    Deployed(&'static str),
    /// The host is as it was, and these words say why.
    Refused(&'static [&'static str]),
    /// It was begun and undone.
    RolledBack(&'static [&'static str]),
}

struct Shape {
    number: u8,
    name: &'static str,
    /// What a shell on the host does to its files, as root, before the deploy.
    files: &'static str,
    by_reload: bool,
    /// Settings that differ.
    settings: &'static [(&'static str, &'static str)],
    expected: Expected,
}

use Expected::{Deployed, Refused, RolledBack};

const REDIRECT: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout /etc/nginx/site.key -out /etc/nginx/site.crt 2>/dev/null && sed -i 's|listen 80;|listen 80;\\n    listen 443 ssl;\\n    ssl_certificate /etc/nginx/site.crt;\\n    ssl_certificate_key /etc/nginx/site.key;\\n    if ($scheme = http) { return 301 https://$host$request_uri; }|' /etc/nginx/conf.d/default.conf";
const HTTPS_ONLY: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout /etc/nginx/site.key -out /etc/nginx/site.crt 2>/dev/null && sed -i -e 's|listen 80;|listen 80;\\n    listen 443 ssl;\\n    ssl_certificate /etc/nginx/site.crt;\\n    ssl_certificate_key /etc/nginx/site.key;|' -e 's|proxy_pass|proxy_set_header X-Forwarded-Proto https; proxy_pass|' /etc/nginx/conf.d/default.conf && sed -i 's|- PROFILE=prod|&\\n    - HELLO_HTTPS_ONLY=1|' ~ec2-user/docker-compose.yml";
// The slot that runs already stays as it is; compose has both on the host's network from now on.
const ON_THE_HOSTS_NETWORK: &str = "sed -i -e 's|^    ports:|    network_mode: host\\n    expose:|' -e 's|\"8080:8080\"|\"8080\"|' -e 's|\"8081:8080\"|\"8081\"|' -e '/^  hello-2:/,$ s|<< : .common_environment|environment: [PROFILE=prod, HELLO_PORT=8081]|' ~ec2-user/docker-compose.yml && docker compose -f ~ec2-user/docker-compose.yml config -q";
const IS_REDIRECTED: &str =
    "curl -s -o /dev/null -w '%{http_code}' -H 'Host: localhost' http://127.0.0.1/ | grep 301";

/// v1 is live as an old script left it: two compose files with one service, the container in a project of its own.
macro_rules! two_files {
    ($then:literal) => {
        concat!(
            "cd ~ec2-user && docker tag $(docker inspect -f '{{.Image}}' ec2-user-hello-1-1) localhost:5000/pct/hello && docker rm -f ec2-user-hello-1-1 && rm docker-compose.yml /var/lib/pct-deploy/hello/app.json && for slot in blue:8080 green:8081; do printf 'services:\n  app:\n    image: localhost:5000/pct/hello\n    environment: [PROFILE=prod]\n    ports: [\"%s:8080\"]\n' ${slot#*:} >docker-compose.${slot%:*}.yml; done && su ec2-user -c 'docker compose -p app-blue -f docker-compose.blue.yml up -d' && sleep 1",
            $then
        )
    };
}
const BLUE_GREEN: &str =
    "docker-compose.blue.yml:app@app-blue,docker-compose.green.yml:app@app-green";

const SHAPES: [Shape; 27] = [
    Shape {
        number: 17,
        name: "two compose files with one service",
        files: two_files!(""),
        by_reload: false,
        settings: &[("slots", BLUE_GREEN)],
        expected: Deployed("docker ps | grep app-green-app-1"),
    },
    Shape {
        number: 17,
        name: "the same without the projects' names",
        files: two_files!(""),
        by_reload: false,
        settings: &[(
            "slots",
            "docker-compose.blue.yml:app,docker-compose.green.yml:app",
        )],
        expected: Refused(&[
            "are one container",
            "write `slots: docker-compose.blue.yml:app@app-blue, docker-compose.green.yml:app@app-green`",
        ]),
    },
    Shape {
        number: 17,
        name: "a network that is gone",
        files: two_files!(
            " && printf '    networks: [shop]\nnetworks: {shop: {name: shop_net, external: true}}\n' >>docker-compose.green.yml"
        ),
        by_reload: false,
        settings: &[("slots", BLUE_GREEN)],
        expected: Refused(&[
            "`docker-compose.green.yml:app@app-green` joins the network `shop_net`",
            "docker network create shop_net",
        ]),
    },
    Shape {
        number: 18,
        name: "COMPOSE_PROJECT_NAME in the old script",
        files: "docker rm -f ec2-user-hello-1-1 && cd ~ec2-user && docker tag $(docker images -q localhost:5000/pct/hello | head -1) localhost:5000/pct/hello && su ec2-user -c 'COMPOSE_PROJECT_NAME=shop docker compose up -d hello-1' && sleep 1",
        by_reload: false,
        settings: &[],
        expected: Deployed("docker inspect shop-hello-2-1 | grep '\"shop_default\"'"),
    },
    Shape {
        number: 18,
        name: "a project that the live container is not in",
        files: "true",
        by_reload: false,
        settings: &[("slots", "hello-1@shop,hello-2@shop")],
        expected: Refused(&[
            "`ec2-user-hello-1-1`: service `hello-1` of the compose project `ec2-user`",
            "write it into `slots` as `hello-1@ec2-user`",
        ]),
    },
    Shape {
        number: 2,
        name: "plain HTTP is sent to TLS in one block, by reload",
        files: REDIRECT,
        by_reload: true,
        settings: &[],
        expected: Deployed(IS_REDIRECTED),
    },
    Shape {
        number: 2,
        name: "plain HTTP is sent to TLS in one block, by flag",
        files: REDIRECT,
        by_reload: false,
        settings: &[],
        expected: Deployed(IS_REDIRECTED),
    },
    Shape {
        number: 4,
        name: "a rate limit of 5 requests/s",
        files: "echo 'limit_req_zone $binary_remote_addr zone=a:1m rate=5r/s;' >/etc/nginx/conf.d/00-limit.conf && sed -i 's|location / {|limit_req zone=a burst=5 nodelay;\\n    location / {|' /etc/nginx/conf.d/default.conf",
        by_reload: true,
        settings: &[],
        expected: Deployed("nginx -T 2>/dev/null | grep 'limit_req zone=a'"),
    },
    Shape {
        number: 11,
        name: "the include in a home folder",
        files: "mv /etc/nginx/conf.d/service-url.inc /home/ec2-user/url.inc && sed -i 's|/etc/nginx/conf.d/service-url.inc|/home/ec2-user/url.inc|' /etc/nginx/conf.d/default.conf && rm /var/lib/pct-deploy/hello/app.json",
        by_reload: true,
        settings: &[("proxy-include", "/home/ec2-user/url.inc")],
        expected: Deployed("grep 8081 /home/ec2-user/url.inc"),
    },
    Shape {
        number: 1,
        name: "health path closed to the public, by reload",
        files: "sed -i 's|location / {|location /health { deny all; }\\n    location / {|' /etc/nginx/conf.d/default.conf",
        by_reload: true,
        settings: &[],
        expected: Deployed(
            "curl -s -o /dev/null -w '%{http_code}' -H 'Host: localhost' http://127.0.0.1/health | grep 403",
        ),
    },
    Shape {
        number: 1,
        name: "health path closed to the public, by flag",
        files: "sed -i 's|location / {|location /health { deny all; }\\n    location / {|' /etc/nginx/conf.d/default.conf",
        by_reload: false,
        settings: &[],
        expected: Deployed(
            "curl -s -o /dev/null -w '%{http_code}' -H 'Host: localhost' http://127.0.0.1/health | grep 403",
        ),
    },
    Shape {
        number: 7,
        name: "a port on one address",
        files: "sed -i 's|\"8081:8080\"|\"192.0.2.10:8081:8080\"|' ~ec2-user/docker-compose.yml",
        by_reload: true,
        settings: &[],
        expected: Refused(&["hello-2", "8081 on 192.0.2.10 alone"]),
    },
    Shape {
        number: 9,
        name: "two variables with the port",
        files: "echo 'set $ws_url http://127.0.0.1:8080;' >>/etc/nginx/conf.d/service-url.inc",
        by_reload: true,
        settings: &[],
        expected: Deployed("grep -c 8081 /etc/nginx/conf.d/service-url.inc | grep 2"),
    },
    Shape {
        number: 20,
        name: "a management port beside the serving one",
        files: "sed -i -e 's|- \"8080:8080\"|- \"9091:9091\"\\n      - \"8080:8080\"|' -e 's|- \"8081:8080\"|- \"9092:9091\"\\n      - \"8081:8080\"|' ~ec2-user/docker-compose.yml",
        by_reload: false,
        settings: &[],
        expected: Deployed("docker port ec2-user-hello-2-1 | grep 9092"),
    },
    Shape {
        number: 21,
        name: "slots behind profiles",
        files: "sed -i -e 's|^  hello-1:|&\\n    profiles: [blue]|' -e 's|^  hello-2:|&\\n    profiles: [green]|' ~ec2-user/docker-compose.yml",
        by_reload: false,
        settings: &[],
        expected: Deployed("docker ps | grep hello-2"),
    },
    Shape {
        number: 22,
        name: "docker-compose.override.yml",
        files: "printf 'services:\\n  hello-2:\\n    environment:\\n      - FROM=override\\n' >~ec2-user/docker-compose.override.yml",
        by_reload: false,
        settings: &[],
        expected: Deployed("docker inspect ec2-user-hello-2-1 | grep FROM=override"),
    },
    Shape {
        number: 22,
        name: "COMPOSE_FILE in .env",
        files: "cd ~ec2-user && mv docker-compose.yml base.yml && printf 'services:\\n  hello-2:\\n    environment:\\n      - FROM=second\\n' >more.yml && echo 'COMPOSE_FILE=base.yml:more.yml' >>.env",
        by_reload: false,
        settings: &[],
        expected: Deployed("docker inspect ec2-user-hello-2-1 | grep FROM=second"),
    },
    Shape {
        number: 23,
        name: "a migration that the slots depend on",
        files: "sed -i -e 's|^      - hello-dep|      hello-dep: {condition: service_started}\\n      migrate: {condition: service_completed_successfully}|' -e 's|^  hello-1:|  migrate:\\n    image: localhost:5000/pct/hello\\n    command: [migrate]\\n\\n  hello-1:|' ~ec2-user/docker-compose.yml",
        by_reload: false,
        settings: &[],
        expected: Deployed("docker logs ec2-user-migrate-1 | grep 'hello v2 has migrated'"),
    },
    Shape {
        number: 23,
        name: "a migration that fails",
        files: "sed -i -e 's|^      - hello-dep|      hello-dep: {condition: service_started}\\n      migrate: {condition: service_completed_successfully}|' -e 's|^  hello-1:|  migrate:\\n    image: localhost:5000/pct/hello\\n    environment: [HELLO_CRASH_AT_BOOT=1]\\n\\n  hello-1:|' ~ec2-user/docker-compose.yml",
        by_reload: false,
        settings: &[],
        expected: RolledBack(&["`migrate` ended with exit code 3"]),
    },
    Shape {
        number: 25,
        name: "a variable that the old script exported",
        files: "sed -i 's|- PROFILE=prod|&\\n    - DB_PASSWORD=${DB_PASSWORD}|' ~ec2-user/docker-compose.yml",
        by_reload: false,
        settings: &[],
        expected: Refused(&["`DB_PASSWORD`", "/home/ec2-user/.env"]),
    },
    Shape {
        number: 26,
        name: "stop_grace_period",
        files: "sed -i 's|^  hello-2:|&\\n    stop_grace_period: 45s|' ~ec2-user/docker-compose.yml",
        by_reload: false,
        settings: &[],
        expected: Deployed(
            "docker inspect -f '{{.Config.StopTimeout}}' ec2-user-hello-2-1 | grep 45",
        ),
    },
    Shape {
        number: 27,
        name: "restart: always",
        files: "sed -i 's|restart: on-failure|restart: always|' ~ec2-user/docker-compose.yml && su ec2-user -c 'cd && docker compose up -d --no-deps hello-1' && sleep 1",
        by_reload: true,
        settings: &[],
        // A stopped slot does not come back with the daemon.
        expected: Deployed(
            "docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' ec2-user-hello-1-1 | grep unless-stopped && docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' ec2-user-hello-2-1 | grep always",
        ),
    },
    Shape {
        number: 31,
        name: "a range of ports",
        files: "sed -i 's|\"8081:8080\"|\"8081-8082:8080\"|' ~ec2-user/docker-compose.yml",
        by_reload: false,
        settings: &[],
        expected: Refused(&["hello-2", "the range 8081-8082", "`8081:8080`"]),
    },
    Shape {
        number: 7,
        name: "slots on the host's own network",
        files: ON_THE_HOSTS_NETWORK,
        by_reload: true,
        settings: &[],
        expected: Deployed("docker inspect ec2-user-hello-2-1 | grep '\"NetworkMode\": \"host\"'"),
    },
    Shape {
        number: 35,
        name: "an app with a list of hosts",
        files: "sed -i 's|- PROFILE=prod|&\\n    - HELLO_ONLY_HOST=localhost|' ~ec2-user/docker-compose.yml && sed -i 's|proxy_pass|proxy_set_header Host localhost; proxy_pass|' /etc/nginx/conf.d/default.conf",
        by_reload: true,
        settings: &[],
        expected: Deployed("docker inspect ec2-user-hello-2-1 | grep HELLO_ONLY_HOST"),
    },
    Shape {
        number: 35,
        name: "a list of hosts that lacks the site's name",
        files: "sed -i 's|- PROFILE=prod|&\\n    - HELLO_ONLY_HOST=app.internal|' ~ec2-user/docker-compose.yml && sed -i 's|proxy_pass|proxy_set_header Host app.internal; proxy_pass|' /etc/nginx/conf.d/default.conf",
        by_reload: true,
        settings: &[("health-host", "app.internal")],
        expected: Deployed("docker inspect ec2-user-hello-2-1 | grep HELLO_ONLY_HOST=app.internal"),
    },
    Shape {
        number: 35,
        name: "an app that sends plain HTTP to HTTPS",
        files: HTTPS_ONLY,
        by_reload: true,
        settings: &[],
        expected: Deployed("docker inspect ec2-user-hello-2-1 | grep HELLO_HTTPS_ONLY"),
    },
];

impl Shape {
    /// Deploys under load on a host where v1 is live; what came of it.
    fn play(&self, world: &mut World) -> String {
        world
            .deploy(&Release::new("v1"))
            .expect(Outcome::Deployed, "deployed");
        world.ask_host(self.files);
        world.ask_host("nginx -t -q && systemctl reload nginx && sleep 0.3");
        for (key, value) in self.settings {
            world.set(key, value);
        }
        let load = world.load();
        let run = world.deploy(&Release::new("v2"));
        let report = load.stop_blocking();
        // Where the site itself answers with something else, nobody can tell by the status.
        let tells = !matches!(self.number, 2..=4);
        if tells {
            let bad = (report.non_200.len(), report.broken, report.connect_errors);
            assert_eq!(bad, (0, 0, 0), "{report}");
        }
        match self.expected {
            Deployed(shows) => {
                let result = run.expect(Outcome::Deployed, "deployed");
                let one =
                    world.ask_host("docker ps --format '{{.Names}}' | grep -cE 'hello-[12]|-app-'");
                assert_eq!(one, "1", "the old slot is stopped");
                world.ask_host(shows);
                // Answers that a file may have given prove nothing.
                let is_proven = !result
                    .receipt
                    .not_measured
                    .contains(&NotMeasured::NotProven);
                assert_eq!(is_proven, self.number != 3, "{:?}", result.receipt);
                if tells {
                    assert_eq!(world.serves().as_deref(), Some("v2"));
                }
                // Of a reload what was predicted, within five times, as in the series of deploys.
                let allowed = match result.receipt.predicted_loss {
                    Some(loss) if self.by_reload => 20.0 + 5.0 * loss.requests,
                    _ => 0.0,
                };
                assert!((report.lost as f64) <= allowed, "{report}");
                format!("deployed, {} of {} lost", report.lost, report.sent)
            }
            RolledBack(words) => {
                run.refuses(3, words);
                assert_eq!(world.serves().as_deref(), Some("v1"));
                assert!(report.is_clean(), "{report}");
                format!("rolled back: {}", words.join(" … "))
            }
            Refused(words) => {
                run.refuses(5, words);
                assert_eq!(world.serves().as_deref(), Some("v1"));
                assert!(report.is_clean(), "{report}");
                format!("refused: {}", words.join(" … "))
            }
        }
    }
}

#[test]
fn every_shape_is_deployed_or_refused_in_words() {
    let asked = std::env::var("PCT_SHAPE").unwrap_or_default();
    let (mut table, mut failed) = (String::new(), Vec::new());
    let shapes = SHAPES.iter().chain(&nginx_files::SHAPES);
    for shape in shapes.filter(|shape| shape.name.contains(&asked)) {
        let began = std::time::Instant::now();
        let played = catch_unwind(AssertUnwindSafe(|| {
            let mut world = if shape.by_reload {
                World::fresh(Host::V2)
            } else {
                World::provisioned(Host::V2)
            };
            shape.play(&mut world)
        }));
        let came = played.unwrap_or_else(|_| {
            failed.push(shape.name);
            "WRONG".to_owned()
        });
        let took = began.elapsed().as_secs();
        writeln!(
            table,
            "real host: {:>2} {:<44} {came} ({took} s)",
            shape.number, shape.name
        )
        .unwrap();
    }
    eprint!("{table}");
    assert!(failed.is_empty(), "{failed:?}");
}

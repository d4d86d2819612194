//! Bad input: one clear error each, naming the setting and the cure; the live slot is untouched.

use crate::world::{Host, Release, Run, World};

/// A live v1, and a check that it still serves after each bad run.
struct Tried {
    world: World,
}

impl Tried {
    fn new() -> Self {
        let world = World::fresh(Host::V2);
        world.deploy(&Release::new("v1"));
        assert_eq!(world.serves().as_deref(), Some("v1"));
        Self { world }
    }

    #[track_caller]
    fn refuses(&self, more: &[(&str, &str)], code: i32, words: &[&str]) -> Run {
        let build = ("BUILD_ARGS", "HELLO_VERSION=v2");
        let run = self
            .world
            .run(&["deploy", "--json"], &[&[build], more].concat());
        run.refuses(code, words);
        assert_eq!(
            self.world.serves().as_deref(),
            Some("v1"),
            "the live slot is untouched"
        );
        run
    }
}

#[test]
fn wrong_credentials_and_unreachable_places() {
    let tried = Tried::new();
    tried.refuses(
        &[("REGISTRY_PASSWORD", "wrong")],
        5,
        &["registry-password", "localhost:5000"],
    );
    tried.refuses(&[("SSH_PORT", "9")], 5, &["ssh-host", "127.0.0.1"]);
    tried.refuses(&[("SSH_USER", "nobody-here")], 5, &["ssh-user", "ssh-key"]);
    tried.refuses(
        &[("PLATFORM", "linux/arm64")],
        5,
        &["linux/arm64", "linux/amd64", "platform"],
    );
}

#[test]
fn a_host_key_that_is_not_listed_shows_the_line_to_paste() {
    let tried = Tried::new();
    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let run = tried.refuses(
        &[("SSH_KNOWN_HOSTS", ""), ("SSH_FINGERPRINT", other)],
        5,
        &["ssh-ed25519 AAAA"],
    );
    let line = format!("[127.0.0.1]:{} ssh-ed25519 AAAA", tried.world.env.ssh_port);
    assert!(
        run.stderr.contains(&line),
        "the line to paste is shown: {}",
        run.stderr
    );
    let offered = tried
        .world
        .env
        .fingerprints
        .iter()
        .filter(|print| run.stderr.contains(*print));
    assert!(
        offered.count() >= 1,
        "the offered fingerprint is shown: {}",
        run.stderr
    );
    for print in tried.world.env.fingerprints.clone() {
        let good = tried.world.run(
            &["deploy", "--json"],
            &[
                ("SSH_KNOWN_HOSTS", ""),
                ("SSH_FINGERPRINT", &print),
                ("BUILD_ARGS", "HELLO_VERSION=v1"),
            ],
        );
        assert_eq!(good.code, Some(0), "{print}: {}", good.stderr);
    }
}

#[test]
fn compose_files_without_two_proper_slots() {
    let tried = Tried::new();
    tried.refuses(
        &[("SLOTS", "hello-1,web")],
        5,
        &["slots", "`web`", "hello-2"],
    );
    tried.refuses(
        &[("COMPOSE_FILE", "nowhere.yml")],
        5,
        &["compose-file", "nowhere.yml"],
    );
    tried.refuses(
        &[("PROJECT_DIRECTORY", "/nowhere")],
        5,
        &["project-directory", "/nowhere"],
    );
    tried.refuses(
        &[("PROXY_INCLUDE", "/etc/nginx/nowhere.inc")],
        5,
        &["proxy-include", "nowhere.inc"],
    );
    tried
        .world
        .ask_host("sed 's/8081:8080/8080:8080/' ~ec2-user/docker-compose.yml > ~ec2-user/same.yml");
    tried.refuses(
        &[("COMPOSE_FILE", "same.yml")],
        5,
        &["8080", "hello-1", "hello-2"],
    );
    tried
        .world
        .ask_host("printf 'services: [' > ~ec2-user/broken.yml");
    tried.refuses(
        &[("COMPOSE_FILE", "broken.yml")],
        5,
        &["compose-file", "broken.yml"],
    );
}

#[test]
fn a_full_disk_is_said_before_anything_is_touched() {
    let tried = Tried::new();
    // A state folder on a tiny full disk, with the agents where they were.
    tried.world.ask_host(
        "cp -a /var/lib/pct-deploy /tmp/state && mount -t tmpfs -o size=$(($(du -sm /tmp/state | cut -f1) + 4))m tmpfs /var/lib/pct-deploy && \
         cp -a /tmp/state/. /var/lib/pct-deploy/ && chown ec2-user /var/lib/pct-deploy && \
         { dd if=/dev/zero of=/var/lib/pct-deploy/fill bs=1M 2>/dev/null || true; }",
    );
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        tried.refuses(&[], 5, &["/var/lib/pct-deploy", "df -h"]);
    }));
    tried
        .world
        .ask_host("umount /var/lib/pct-deploy && rm -rf /tmp/state");
    refused.unwrap();
}

#[test]
fn a_build_that_fails_and_a_dockerfile_that_is_missing() {
    let tried = Tried::new();
    tried.refuses(&[("DOCKERFILE", "Nowhere")], 2, &["dockerfile", "Nowhere"]);
    std::fs::write(
        tried.world.context.path().join("Broken"),
        "FROM debian:bookworm-slim\nRUN echo some-last-words && exit 7\n",
    )
    .unwrap();
    tried.refuses(&[("DOCKERFILE", "Broken")], 5, &["some-last-words"]);
}

//! The universe in which a test runs: one host, one registry, one Slack, and an app to deploy.

pub(crate) mod held;
mod release;
mod run;
mod sandbox_env;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pct_deploy::protocol::outcome::Outcome;
use sandbox::engine::Engine;
use sandbox::load::{Load, Running};
use sandbox::slack::Slack;

pub(crate) use release::Release;
pub(crate) use run::{Run, Started};
pub(crate) use sandbox_env::SandboxEnv;

/// Which generation the host is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// Trixie with `docker compose`.
    V2,
    /// Bookworm with `docker-compose`.
    V1,
    /// Forky with the containerd image store, and no systemd that runs.
    V3,
}

/// One test's turn on a host that was never deployed to.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) env: SandboxEnv,
    pub(crate) slack: Slack,
    pub(crate) context: tempfile::TempDir,
    settings: Vec<(String, String)>,
    _turn: MutexGuard<'static, ()>,
}

/// What makes the registry of the runner the host's own.
const REGISTRY: &str = "pct-sandbox-registry";

static TURN: Mutex<()> = Mutex::new(());

impl World {
    /// A host with `examples/hello`'s compose file and the seed's nginx files, and nothing deployed.
    pub(crate) fn fresh(host: Host) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let env = SandboxEnv::read(host);
        let context = tempfile::tempdir().unwrap();
        for file in ["hello", "Dockerfile"] {
            std::fs::copy(
                root().join("target/hello/context").join(file),
                context.path().join(file),
            )
            .unwrap_or_else(|error| panic!("no {file} to deploy ({error}): run `scripts/hello`"));
        }
        let mut world = Self {
            slack: Slack::start().unwrap(),
            context,
            settings: Vec::new(),
            _turn: turn,
            env,
        };
        world.settings = world.default_settings();
        script("sandbox", &["wipe-app", &world.env.container]);
        world.give(
            "docker-compose.yml",
            &root().join("examples/hello/docker-compose.yml"),
        );
        world.restore_registry();
        world.provide_dependency();
        world
    }

    /// The same after `pct-deploy provision`.
    pub(crate) fn provisioned(host: Host) -> Self {
        let world = Self::fresh(host);
        let done = world.run(&["provision", "--json"], &[]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        world
    }

    /// The settings of a deploy of `examples/hello`; later ones win.
    fn default_settings(&self) -> Vec<(String, String)> {
        let env = &self.env;
        let slack = self.slack.url();
        [
            ("IMAGE", "localhost:5000/pct/hello"),
            ("CONTEXT", &self.context.path().display().to_string()),
            ("REGISTRY_USERNAME", &env.registry_user),
            ("REGISTRY_PASSWORD", &env.registry_password),
            ("SSH_HOST", "127.0.0.1"),
            ("SSH_PORT", &env.ssh_port.to_string()),
            ("SSH_USER", "ec2-user"),
            ("SSH_KEY", &env.key.display().to_string()),
            (
                "SSH_KNOWN_HOSTS",
                &std::fs::read_to_string(&env.known_hosts).unwrap(),
            ),
            ("SLOTS", "hello-1,hello-2"),
            ("HEALTH_PATH", "/health"),
            ("HEALTH_TIMEOUT", "60s"),
            ("STOP_TIMEOUT", "10s"),
            // Long enough for a verdict, and there are many deploys.
            ("BAKE", "1s"),
            ("SLACK_WEBHOOK_URL", &slack),
            ("SLACK_HOST", &self.slack.addr().to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Changes a setting for every run from here on; empty means unset.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let key = key.to_uppercase().replace('-', "_");
        self.settings.retain(|(other, _)| *other != key);
        self.settings.push((key, value.to_owned()));
    }

    /// Deploys a release of `examples/hello` with the real binary.
    pub(crate) fn deploy(&self, release: &Release) -> Run {
        self.run(
            &["deploy", "--json"],
            &[("BUILD_ARGS", &release.build_args())],
        )
    }

    /// Deploys `v1` and then `v2`; their images.
    pub(crate) fn two_releases(&self) -> [String; 2] {
        ["v1", "v2"].map(|version| {
            let run = self.deploy(&Release::new(version));
            let image = run.expect(Outcome::Deployed, "deployed").image.unwrap();
            format!("{image}")
        })
    }

    /// Deploys an image that is in the registry already, by its digest; nothing is built.
    pub(crate) fn deploy_image(&self, image: &str) -> Run {
        self.run(&["deploy", "--json"], &[("IMAGE", image)])
    }

    /// Runs the real binary with this world's settings and some more.
    pub(crate) fn run(&self, args: &[&str], more: &[(&str, &str)]) -> Run {
        self.spawn(args, more).wait()
    }

    /// The same without waiting.
    pub(crate) fn spawn(&self, args: &[&str], more: &[(&str, &str)]) -> Started {
        let mut command = Command::new(binary());
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap());
        command
            .env("HOME", self.context.path())
            .current_dir(self.context.path());
        for (key, value) in &self.settings {
            command.env(format!("PCT_DEPLOY_{key}"), value);
        }
        for (key, value) in more {
            // These are not settings.
            match *key {
                "GITHUB_API_URL" | "DOCKER_HOST" => command.env(key, value),
                _ => command.env(format!("PCT_DEPLOY_{key}"), value),
            };
        }
        Started::spawn(command)
    }

    /// The host's own engine, for a runner that builds there.
    pub(crate) fn engine(&self) -> Engine {
        let env = &self.env;
        Engine::over_ssh("ec2-user", env.ssh_port, &env.key, &env.known_hosts).unwrap()
    }

    /// Keep-alive load through the host's nginx: 20 connections, half of the requests POST.
    pub(crate) fn load(&self) -> Running {
        Load::new(self.http())
            .connections(20)
            .post_share(50)
            .think(Duration::ZERO..=Duration::from_millis(10))
            .paths("/", "/echo")
            .start()
            .unwrap()
    }

    /// The host's public listener.
    pub(crate) fn http(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.env.http_port))
    }

    /// The version that answers through nginx now.
    pub(crate) fn serves(&self) -> Option<String> {
        let answer = self.on_host(&format!(
            "curl -s -o /dev/null -D - --max-time 5 -H 'Host: localhost' http://127.0.0.1:{}/",
            80
        ));
        let headers = String::from_utf8_lossy(&answer.stdout).into_owned();
        headers
            .lines()
            .find_map(|line| Some(line.strip_prefix("X-Version: ")?.trim().to_owned()))
    }

    /// Waits until `check` holds; panics with `what` after 20 s.
    pub(crate) fn wait_until(&self, what: &str, mut check: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !check(self) {
            assert!(Instant::now() < deadline, "still waiting until {what}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The host does not reach the registry any more; everybody else does.
    pub(crate) fn cut_registry(&self) {
        self.ask_host(&format!(
            "systemctl stop {REGISTRY}.socket {REGISTRY}.service"
        ));
    }

    pub(crate) fn restore_registry(&self) {
        self.ask_host(&format!("systemctl start {REGISTRY}.socket"));
    }

    /// Runs a shell command on the host as root.
    pub(crate) fn on_host(&self, command: &str) -> Output {
        docker(&["exec", &self.env.container, "sh", "-c", command])
    }

    /// The same, its output as text; panics when it fails.
    pub(crate) fn ask_host(&self, command: &str) -> String {
        let output = self.on_host(command);
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Copies a file into the SSH user's home.
    pub(crate) fn give(&self, name: &str, file: &Path) {
        let path = format!("{}:/home/ec2-user/{name}", self.env.container);
        let copied = docker(&["cp", &file.display().to_string(), &path]);
        assert!(
            copied.status.success(),
            "{}",
            String::from_utf8_lossy(&copied.stderr)
        );
        self.ask_host(&format!("chown ec2-user:ec2-user /home/ec2-user/{name}"));
    }

    /// `hello-dep`, handed over once: images outlive a wipe.
    fn provide_dependency(&self) {
        const IMAGE: &str = "localhost:5000/pct/hello-dep";
        let there = self
            .on_host(&format!("docker image inspect {IMAGE}"))
            .status
            .success();
        if there {
            return;
        }
        let built = docker(&[
            "build",
            "-q",
            "-t",
            IMAGE,
            &self.context.path().display().to_string(),
        ]);
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        let pipe = format!(
            "docker save {IMAGE} | docker exec -i {} docker load",
            self.env.container
        );
        let handed = Command::new("sh").args(["-c", &pipe]).output().unwrap();
        assert!(
            handed.status.success(),
            "{}",
            String::from_utf8_lossy(&handed.stderr)
        );
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary under test; `make bench` names the release build.
pub(crate) fn binary() -> PathBuf {
    let named = std::env::var_os("PCT_BENCH_BINARY").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_pct-deploy")))
}

pub(crate) fn docker(args: &[&str]) -> Output {
    Command::new("docker")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

pub(crate) fn script(name: &str, args: &[&str]) {
    let output = Command::new(root().join("scripts").join(name))
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "scripts/{name} {args:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A hundred kept-alive connections with pauses, half of their requests POST.
pub(crate) fn hundred(at: SocketAddr) -> Running {
    Load::new(at)
        .connections(100)
        .post_share(50)
        .think(Duration::ZERO..=Duration::from_millis(200))
        .paths("/", "/echo")
        .host_header("localhost")
        .start()
        .unwrap()
}

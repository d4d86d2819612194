//! The sandbox's engine and registry.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use base64::Engine as _;
use pct_deploy::config::types::{Bounds, BuildConfig, Logins};
use pct_deploy::error::Error;
use pct_deploy::protocol::ids::Repository;
use pct_deploy::protocol::wire::RegistryLogin;
use pct_deploy::report::{ConsoleMode, Reporter};
use pct_deploy::runner::image::{BuiltImage, Docker, build, connect};
use pct_deploy::secret::Redactor;
use pct_deploy::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub(crate) fn reporter() -> Reporter {
    Reporter::new(ConsoleMode::Terminal, Redactor::default())
}

pub(crate) struct Sandbox {
    pub(crate) docker: Docker,
    /// As `DOCKER_HOST` names it.
    engine: Option<String>,
    pub(crate) registry: String,
    pub(crate) login: RegistryLogin,
    made: Mutex<Vec<String>>,
}

impl Sandbox {
    pub(crate) async fn open() -> Self {
        Self::at(std::env::var("DOCKER_HOST").ok()).await
    }

    /// With another engine.
    pub(crate) async fn at(engine: Option<String>) -> Self {
        let values = values();
        Self {
            docker: connect(engine.as_deref()).await.unwrap(),
            engine,
            registry: values["SANDBOX_REGISTRY"].clone(),
            login: RegistryLogin {
                username: values["SANDBOX_REGISTRY_USER"].clone(),
                password: Secret::new(values["SANDBOX_REGISTRY_PASSWORD"].as_str()),
            },
            made: Mutex::default(),
        }
    }

    pub(crate) fn login_with(&self, password: &str) -> RegistryLogin {
        RegistryLogin {
            username: self.login.username.clone(),
            password: Secret::new(password),
        }
    }

    pub(crate) fn config(&self, name: &str, context: &Path) -> BuildConfig {
        let repository = format!(
            "{}/pct/image-test-{name}-{}",
            self.registry,
            std::process::id()
        );
        self.made.lock().unwrap().push(repository.clone());
        BuildConfig {
            repository: repository.parse().unwrap(),
            tags: Vec::new(),
            context: context.to_owned(),
            dockerfile: "Dockerfile".into(),
            target: None,
            args: Vec::new(),
            bounds: Bounds::Anywhere,
            settings_file: None,
        }
    }

    pub(crate) async fn build(&self, config: &BuildConfig) -> Result<BuiltImage, Error> {
        let tags = ["latest".parse().unwrap()];
        build(
            &self.docker,
            config,
            "linux/amd64",
            &tags,
            &[],
            &self.logins(),
            &reporter(),
        )
        .await
    }

    pub(crate) fn logins(&self) -> Logins {
        Logins {
            image: Some(self.login.clone()),
            others: Vec::new(),
        }
    }

    /// Runs a line in a container of the image.
    pub(crate) fn run_in(&self, built: &BuiltImage, line: &str) -> String {
        self.docker_says(&["run", "--rm", "--entrypoint", "sh", &built.id, "-c", line])
    }

    pub(crate) fn inspect(&self, id: &str, format: &str) -> String {
        self.docker_says(&["image", "inspect", "-f", format, id])
    }

    pub(crate) fn remove(&self, built: &BuiltImage) {
        self.docker_says(&["rmi", "-f", &built.id]);
    }

    fn docker_says(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(
            output.status.success(),
            "docker {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(args);
        if let Some(engine) = &self.engine {
            command.env("DOCKER_HOST", engine);
        }
        command
    }

    /// The digest and the type of what the registry has under a tag.
    pub(crate) async fn manifest(&self, repository: &Repository, tag: &str) -> (String, String) {
        let name = repository
            .as_str()
            .strip_prefix(&format!("{}/", self.registry))
            .unwrap();
        let pair = format!("{}:{}", self.login.username, self.login.password.expose());
        let basic = base64::engine::general_purpose::STANDARD.encode(pair);
        let accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";
        let request = format!(
            "HEAD /v2/{name}/manifests/{tag} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {basic}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n",
            self.registry
        );
        let mut stream = tokio::net::TcpStream::connect(&self.registry)
            .await
            .unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let header = |name: &str| {
            let found = answer.lines().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            });
            found.unwrap_or_else(|| panic!("no {name} in {answer}"))
        };
        (header("Docker-Content-Digest"), header("Content-Type"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for repository in self.made.lock().unwrap().iter() {
            let list = self.command(&["images", "-q", repository]).output();
            let ids = list.map(|list| String::from_utf8_lossy(&list.stdout).into_owned());
            for id in ids.unwrap_or_default().lines() {
                drop(self.command(&["rmi", "-f", id]).output());
            }
        }
    }
}

/// What `scripts/sandbox` says about where things are.
pub(crate) fn values() -> HashMap<String, String> {
    let path = std::env::var_os("PCT_SANDBOX_ENV")
        .map_or_else(|| root().join("target/sandbox/env"), PathBuf::from);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}\nthe sandbox is needed: scripts/sandbox up",
            path.display()
        )
    });
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The most memory that this process ever had, in kB.
pub(crate) fn resident_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

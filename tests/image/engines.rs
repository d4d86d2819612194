//! Build and push with the engines that people have: three generations, and one whose BuildKit loses what it is sent.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use pct_deploy::report::{ConsoleMode, Reporter};
use pct_deploy::runner::image::build::{Builder, build_with};
use pct_deploy::runner::image::{BuiltImage, build, push};
use pct_deploy::secret::Redactor;
use sandbox::engine::Engine;

use crate::sandbox::{Sandbox, reporter, root, values};

/// Needs no base image, which these engines could not pull.
fn project(folder: &Path) {
    fs::write(folder.join("Dockerfile"), "FROM scratch\nCOPY app /\n").unwrap();
    fs::write(folder.join("app"), "the app").unwrap();
}

async fn pushed(sandbox: &Sandbox, built: &BuiltImage) {
    let pinned = push(&sandbox.docker, built, Some(&sandbox.login), &reporter())
        .await
        .unwrap();
    let tag = built.tags.first().unwrap();
    let (digest, _) = sandbox.manifest(&built.repository, tag.as_str()).await;
    assert_eq!(digest, pinned.digest.as_str());
}

#[tokio::test]
async fn each_generation_builds_and_pushes_with_both_builders() {
    let values = values();
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    for generation in ["_V1", "", "_V3"] {
        let port = &values[&format!("SANDBOX_SSH_PORT{generation}")];
        let key = root().join(&values["SANDBOX_SSH_KEY"]);
        let known_hosts = root().join(&values["SANDBOX_KNOWN_HOSTS"]);
        let engine = Engine::over_ssh("ec2-user", port.parse().unwrap(), &key, &known_hosts);
        let engine = engine.unwrap();
        let sandbox = Sandbox::at(Some(engine.address())).await;
        for (builder, tag) in [(Builder::BuildKit, "kit"), (Builder::Classic, "classic")] {
            let config = sandbox.config("generation", folder.path());
            let tags = [tag.parse().unwrap()];
            let docker = &sandbox.docker;
            let built = build_with(builder, docker, &config, "linux/amd64", &tags, &reporter())
                .await
                .unwrap_or_else(|error| panic!("{generation} {builder:?}: {error:?}"));
            pushed(&sandbox, &built).await;
            let version = sandbox.docker.version().await.unwrap().version.unwrap();
            eprintln!("Docker {version}: {builder:?} builds and pushes");
        }
    }
}

/// Trixie's Docker 26.1 with the containerd image store, in a container of its own.
struct LosesContext(tempfile::TempDir);

impl LosesContext {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new("bash")
            .args([
                "-c",
                ". scripts/lib.sh; . scripts/host.sh; start_engine \"$1\"",
                "-",
            ])
            .arg(folder.path())
            .current_dir(root())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "no engine: {said}");
        Self(folder)
    }

    fn address(&self) -> String {
        format!("unix://{}/docker.sock", self.0.path().display())
    }
}

impl Drop for LosesContext {
    fn drop(&mut self) {
        let args = ["rm", "-f", "-v", "pct-engine"];
        drop(Command::new("docker").args(args).output());
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_engine_that_loses_the_context_builds_in_the_older_way_and_says_why() {
    let engine = LosesContext::start();
    let sandbox = Sandbox::at(Some(engine.address())).await;
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let config = sandbox.config("lost", folder.path());
    let tags = ["latest".parse().unwrap()];
    let (docker, logins) = (&sandbox.docker, sandbox.logins());
    let (kit, here) = (Builder::BuildKit, "linux/amd64");
    let lost = build_with(kit, docker, &config, here, &tags, &reporter()).await;
    let lost = lost.unwrap_err().chain().join(": ");
    assert!(lost.contains("http://build-context-"), "{lost}");

    let log = Log::default();
    let to = Box::new(log.clone());
    let said = Reporter::with_writer(ConsoleMode::Terminal, Redactor::default(), to);
    let built = build(docker, &config, here, &tags, &[], &logins, &said).await;
    pushed(&sandbox, &built.unwrap()).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for word in ["Docker 26.1", "moby#47717", "classic builder", "27.5"] {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }

    let needs_buildkit = "FROM scratch\nRUN --mount=type=cache,target=/c [\"/app\"]\n";
    fs::write(folder.path().join("Dockerfile"), needs_buildkit).unwrap();
    let error = build(docker, &config, here, &tags, &[], &logins, &reporter()).await;
    let hints = error.unwrap_err().hints().join(" ");
    assert!(hints.contains("27.5 or newer"), "{hints}");
}

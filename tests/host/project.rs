//! A compose project in the home of the user, and the app that its containers run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pct_deploy::host::facts::{ComposeProject, RunState};
use pct_deploy::host::linux::LinuxHost;
use pct_deploy::host::{Access, Clock as _, Containers as _, Files as _, Owner, RecreatePolicy};
use pct_deploy::protocol::ids::ServiceName;

use super::sandbox::{run, try_run};

/// Every service is this program, in the role that its variable names.
pub(crate) const COMPOSE: &str = r#"
version: '2.4'
services:
  web:
    image: pct-host-test
    environment: {PCT_TEST_ROLE: web}
    expose: ["8080"]
    ports: ["127.0.0.1:18099:8080"]
    mem_limit: 64m
    labels: {pct-deploy.release: 0123456789ab}
    stop_grace_period: 1s
  crash:
    image: pct-host-test
    environment: {PCT_TEST_ROLE: crash}
  loop:
    image: pct-host-test
    environment: {PCT_TEST_ROLE: loop}
    restart: on-failure
  oom:
    image: pct-host-test
    environment: {PCT_TEST_ROLE: oom}
    mem_limit: 32m
    memswap_limit: 32m
"#;
const DOCKERFILE: &str = r#"FROM scratch
COPY program /program
ENTRYPOINT ["/program", "--ignored", "--exact", "--nocapture", "--test-threads=1", "project::play_a_role"]
"#;

/// Not a test: what the containers of the tests run.
#[test]
#[ignore = "runs in a container"]
fn play_a_role() {
    match std::env::var("PCT_TEST_ROLE").as_deref() {
        Ok("web") => {
            let listener = std::net::TcpListener::bind("0.0.0.0:8080").unwrap();
            let open: Vec<_> = listener.incoming().collect();
            drop(open);
        }
        Ok("crash") => {
            println!("first\nsecond\noh no");
            std::process::exit(3);
        }
        Ok("loop") => {
            std::thread::sleep(Duration::from_millis(200));
            std::process::exit(4);
        }
        Ok("oom") => {
            let full = vec![1_u8; 256 * 1024 * 1024];
            println!("{}", full.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        }
        Ok(_) | Err(_) => {}
    }
}

pub(crate) struct World {
    pub(crate) host: LinuxHost,
    pub(crate) project: ComposeProject,
    pub(crate) folder: PathBuf,
}

impl World {
    pub(crate) async fn new(compose: &str) -> Self {
        let host = LinuxHost::new().unwrap();
        let folder = host.resolve("pct-host-test").await.unwrap();
        host.make_folder(&folder).await.unwrap();
        let file = folder.join("docker-compose.yml");
        host.replace(&file, compose.as_bytes(), Owner::Us, Access::Public)
            .await
            .unwrap();
        std::fs::copy(std::env::current_exe().unwrap(), folder.join("program")).unwrap();
        std::fs::write(folder.join("Dockerfile"), DOCKERFILE).unwrap();
        run(
            "docker",
            &[
                "build",
                "-q",
                "-t",
                "pct-host-test",
                folder.to_str().unwrap(),
            ],
        );
        let project = ComposeProject {
            folder: folder.clone(),
            files: vec!["docker-compose.yml".into()],
            instead: Vec::new(),
            name: None,
            tool: host.compose().await.unwrap(),
        };
        Self {
            host,
            project,
            folder,
        }
    }

    pub(crate) async fn up(&self, service: &str, start: RecreatePolicy) -> String {
        let mut lines = Vec::new();
        let services = [name(service)];
        let mut on_line = |line: &str| lines.push(line.to_owned());
        let up = self
            .host
            .compose_up(&self.project, &services, start, &mut on_line);
        up.await
            .unwrap_or_else(|error| panic!("{error}: {:?}", error.output_lines()));
        assert!(
            start == RecreatePolicy::Keep || !lines.is_empty(),
            "compose said nothing"
        );
        self.host
            .container(&self.project, &name(service))
            .await
            .unwrap()
            .unwrap()
            .id
    }

    pub(crate) async fn wait_for(&self, service: &str, run: RunState) {
        let ended = self.wait_until(service, |now| *now == run).await;
        assert_eq!(ended, run);
    }

    pub(crate) async fn wait_until(
        &self,
        service: &str,
        is_it: impl Fn(&RunState) -> bool,
    ) -> RunState {
        let started = Instant::now();
        loop {
            let facts = self
                .host
                .container(&self.project, &name(service))
                .await
                .unwrap()
                .unwrap();
            if is_it(&facts.run) {
                return facts.run;
            }
            assert!(started.elapsed() < Duration::from_secs(15), "{facts:?}");
            self.host.sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn end(self) {
        for service in ["web", "crash", "loop", "oom"] {
            let removed = self
                .host
                .compose_remove(&self.project, &name(service))
                .await;
            removed.unwrap_or_else(|error| panic!("{error}: {:?}", error.output_lines()));
            let left = self
                .host
                .container(&self.project, &name(service))
                .await
                .unwrap();
            assert_eq!(left, None);
        }
        try_run("docker", &["network", "rm", "pct-host-test_default"]);
        run("docker", &["image", "rm", "pct-host-test"]);
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

pub(crate) fn name(service: &str) -> ServiceName {
    service.parse().unwrap()
}

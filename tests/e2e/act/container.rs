//! The real runner's `docker run` line (actions/runner, `DockerCommandManager` and
//! `ContainerActionHandler`), reproduced with the docker CLI.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sandbox::github::GitHub;
use serde::Deserialize;

use super::project::{self, Project, TOKEN};
use crate::world::{World, docker};

/// What `scripts/dist` builds from `target/action`.
pub(super) const IMAGE: &str = "pct-deploy-action";
/// The containers' network: from here the host is `pct-host`, looked up by name.
const NETWORK: &str = "pct-sandbox";

/// A runner with a GitHub that a container can reach. Slack is left to act's test: beyond loopback the
/// webhook must be `https`.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) github: GitHub,
    inputs: BTreeMap<String, String>,
}

/// A step at work.
#[derive(Debug)]
pub(super) struct Running {
    name: String,
    child: Child,
    files: tempfile::TempDir,
}

/// What a step left behind.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) code: Option<i32>,
    pub(super) log: String,
    outputs: BTreeMap<String, String>,
    pub(super) summary: String,
}

impl Container {
    pub(super) fn new(world: &World, project: &Project) -> Self {
        let gateway = docker(&[
            "network",
            "inspect",
            "-f",
            "{{(index .IPAM.Config 0).Gateway}}",
            NETWORK,
        ]);
        let gateway = String::from_utf8_lossy(&gateway.stdout);
        let bind = SocketAddr::new(gateway.trim().parse().unwrap(), 0);
        let github = GitHub::start_on(bind, super::pull(project), None).unwrap();
        github.require_token(TOKEN);
        let given = [
            ("image", "localhost:5000/pct/hello".to_owned()),
            ("registry-username", world.env.registry_user.clone()),
            ("registry-password", world.env.registry_password.clone()),
            ("build-args", format!("HELLO_VERSION={}", project.head)),
            ("slots", "hello-1,hello-2".to_owned()),
            ("health-path", "/health".to_owned()),
            ("ssh-host", world.env.container.clone()),
            ("ssh-user", "ec2-user".to_owned()),
            ("ssh-key", fs::read_to_string(&world.env.key).unwrap()),
            (
                "ssh-known-hosts",
                fs::read_to_string(&world.env.known_hosts).unwrap(),
            ),
        ];
        let mut inputs = declared();
        inputs.extend(given.map(|(name, value)| (name.to_owned(), value)));
        Self { github, inputs }
    }

    /// Changes an input.
    pub(super) fn input(mut self, name: &str, value: &str) -> Self {
        self.inputs.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts the step: the image's entry point as PID 1, without `--init`, terminal or input.
    pub(super) fn start(&self, project: &Project) -> Running {
        drop(project::staged());
        let files = tempfile::tempdir().unwrap();
        let name = format!("{IMAGE}_{:06x}", std::process::id());
        let mut command = Command::new("docker");
        command.args(["run", "--name", &name, "--label", "pct-sandbox", "--rm"]);
        command.args(["--workdir", "/github/workspace", "--network", NETWORK]);
        for (key, value) in self.environment(project) {
            // The value comes from the client's own environment, so hyphens and line ends survive.
            command.args(["-e", &key]).env(&key, value);
        }
        for (folder, path) in prepare(&files, project) {
            command
                .arg("-v")
                .arg(format!("{}:{path}", folder.display()));
        }
        command.args([IMAGE, "action"]);
        let log = fs::File::create(files.path().join("log")).unwrap();
        command
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log);
        Running {
            name,
            child: command.spawn().unwrap(),
            files,
        }
    }

    fn environment(&self, project: &Project) -> Vec<(String, String)> {
        let inputs = self.inputs.iter().map(|(name, value)| {
            (
                format!("INPUT_{}", name.to_uppercase().replace(' ', "_")),
                value.clone(),
            )
        });
        let rest = [
            ("HOME", "/github/home"),
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTION", "__org_pct-deploy-action"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_API_URL", &self.github.url()),
            ("GITHUB_BASE_REF", "main"),
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_EVENT_PATH", "/github/workflow/event.json"),
            ("GITHUB_HEAD_REF", "feature"),
            ("GITHUB_JOB", "deploy"),
            ("GITHUB_OUTPUT", "/github/file_commands/set_output_1"),
            ("GITHUB_REF", "refs/pull/7/merge"),
            ("GITHUB_REPOSITORY", project::REPOSITORY),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_RUN_ID", "4242"),
            ("GITHUB_RUN_NUMBER", "42"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_SHA", &project.head),
            ("GITHUB_STATE", "/github/file_commands/save_state_1"),
            (
                "GITHUB_STEP_SUMMARY",
                "/github/file_commands/step_summary_1",
            ),
            ("GITHUB_WORKFLOW", "Deploy"),
            ("GITHUB_WORKSPACE", "/github/workspace"),
            ("RUNNER_ARCH", "X64"),
            ("RUNNER_OS", "Linux"),
            ("RUNNER_TEMP", "/github/runner_temp"),
        ];
        inputs
            .chain(rest.map(|(key, value)| (key.to_owned(), value.to_owned())))
            .collect()
    }
}

impl Running {
    /// Sends a signal to PID 1, as the docker CLI does when the runner signals it.
    pub(super) fn signal(&self, signal: &str) {
        let sent = docker(&["kill", "--signal", signal, &self.name]);
        assert!(
            sent.status.success(),
            "{}",
            String::from_utf8_lossy(&sent.stderr)
        );
    }

    /// Waits for its end and reads the files that the runner reads.
    pub(super) fn wait(mut self) -> Finished {
        let status = self.child.wait().unwrap();
        let read = |name: &str| fs::read_to_string(self.files.path().join(name)).unwrap();
        let finished = Finished {
            code: status.code(),
            log: read("log"),
            outputs: pairs(&read("file_commands/set_output_1")),
            summary: read("file_commands/step_summary_1"),
        };
        let code = finished.code.unwrap_or(-1);
        eprintln!("--- docker run: exit {code}\n{}", finished.log);
        finished
    }
}

impl Finished {
    /// One output, or nothing.
    pub(super) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }
}

/// The folders that the runner mounts, with its files in them.
fn prepare(files: &tempfile::TempDir, project: &Project) -> Vec<(PathBuf, &'static str)> {
    let folder = |name: &str| {
        let path = files.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let commands = folder("file_commands");
    for file in ["set_output_1", "save_state_1", "step_summary_1"] {
        fs::write(commands.join(file), "").unwrap();
    }
    let workflow = folder("workflow");
    fs::copy(project.event(), workflow.join("event.json")).unwrap();
    vec![
        (
            Path::new("/var/run/docker.sock").to_owned(),
            "/var/run/docker.sock",
        ),
        (folder("runner_temp"), "/github/runner_temp"),
        (folder("home"), "/github/home"),
        (workflow, "/github/workflow"),
        (commands, "/github/file_commands"),
        (project.app(), "/github/workspace"),
    ]
}

/// Every declared input with its default; the runner sets them all, absent ones to nothing.
fn declared() -> BTreeMap<String, String> {
    #[derive(Deserialize)]
    struct Action {
        inputs: BTreeMap<String, Input>,
    }
    #[derive(Deserialize)]
    struct Input {
        #[serde(default)]
        default: String,
    }
    let text = fs::read_to_string(project::staged().join("action.yml")).unwrap();
    let action: Action = yaml_serde::from_str(&text).unwrap();
    let value = |default: String| default.replace("${{ github.token }}", TOKEN);
    action
        .inputs
        .into_iter()
        .map(|(name, input)| (name, value(input.default)))
        .collect()
}

/// The runner's own reading of an outputs file: `key=value`, or a heredoc.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((key, value)) = line.split_once('=').filter(|(key, _)| !key.contains("<<")) {
            pairs.insert(key.to_owned(), value.to_owned());
        } else {
            let (key, end) = line
                .split_once("<<")
                .unwrap_or_else(|| panic!("no pair: {line}"));
            let value: Vec<_> = lines.by_ref().take_while(|line| *line != end).collect();
            pairs.insert(key.to_owned(), value.join("\n"));
        }
    }
    pairs
}

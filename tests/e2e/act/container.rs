//! The real runner's `docker run` line (actions/runner, `DockerCommandManager` and
//! `ContainerActionHandler`), reproduced with the docker CLI, and the signals of its `ProcessInvoker`.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::github::GitHub;

use super::files::{contents, declared, pairs, prepare};
use super::project::{self, Project};
use crate::world::World;

/// What `scripts/dist` builds, and `target/action` names.
pub(crate) const IMAGE: &str = "pct-deploy-action";
/// As `action.yml` names it; `tests/tidy` sees to it that it is in the image.
pub(crate) const POST: &str = "/usr/local/bin/pct-deploy-post";
/// After SIGINT the runner waits this long for the end of the docker client, then sends SIGTERM …
const UNTIL_TERM: Duration = Duration::from_millis(7500);
/// … and after this long kills it.
const UNTIL_KILL: Duration = Duration::from_millis(2500);

/// A runner. Its containers have the machine's network, where GitHub and Slack are stand-ins on loopback: to
/// any other place a webhook must be `https`. Everything else is as on GitHub.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) github: GitHub,
    inputs: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    network: &'static str,
    workflow: &'static str,
}

/// A step at work.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) name: String,
    child: Child,
    files: tempfile::TempDir,
}

/// What a step left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
    pub(crate) outputs: BTreeMap<String, String>,
    /// What the runner hands to the post step, as `STATE_*`.
    pub(crate) state: BTreeMap<String, String>,
    pub(crate) summary: String,
    /// Names and texts of what lies in the home and the temporary folder that outlive the container.
    pub(crate) left_behind: String,
}

impl Container {
    pub(crate) fn new(world: &World, project: &Project) -> Self {
        let github = super::github(project);
        let given = [
            ("image", "localhost:5000/pct/hello".to_owned()),
            ("registry-username", world.env.registry_user.clone()),
            ("registry-password", world.env.registry_password.clone()),
            ("build-args", format!("HELLO_VERSION={}", project.head)),
            ("slots", "hello-1,hello-2".to_owned()),
            ("health-path", "/health".to_owned()),
            ("ssh-host", "127.0.0.1".to_owned()),
            ("ssh-port", world.env.ssh_port.to_string()),
            ("ssh-user", "ec2-user".to_owned()),
            ("ssh-key", fs::read_to_string(&world.env.key).unwrap()),
            (
                "ssh-known-hosts",
                fs::read_to_string(&world.env.known_hosts).unwrap(),
            ),
            ("slack-webhook-url", world.slack.url()),
            ("slack-host", world.slack.addr().to_string()),
        ];
        let mut inputs = declared();
        inputs.extend(given.map(|(name, value)| (name.to_owned(), value)));
        Self {
            github,
            inputs,
            env: BTreeMap::new(),
            network: "host",
            workflow: "/github/workflow",
        }
    }

    /// Changes an input.
    pub(crate) fn input(mut self, name: &str, value: &str) -> Self {
        self.inputs.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Changes a variable, or adds one.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Says every step as it begins, and what builds print as they print it: for tests that wait for such a line.
    pub(crate) fn verbose(self) -> Self {
        self.env("RUNNER_DEBUG", "1")
    }

    /// Another network, such as `none`.
    pub(crate) fn network(mut self, name: &'static str) -> Self {
        self.network = name;
        self
    }

    /// Another place for the folder with the event, as under act.
    pub(crate) fn workflow_at(mut self, path: &'static str) -> Self {
        self.workflow = path;
        self
    }

    /// Starts the main step.
    pub(crate) fn start(&self, project: &Project) -> Running {
        self.run(project, &[], &BTreeMap::new())
    }

    /// Runs the post step to its end: another container of the same image, with the state of the main one.
    pub(crate) fn post(&self, project: &Project, state: &BTreeMap<String, String>) -> Finished {
        self.run(project, &["--entrypoint", POST], state).wait()
    }

    /// The image's entry point as PID 1, without `--init`, terminal or input.
    fn run(&self, project: &Project, more: &[&str], state: &BTreeMap<String, String>) -> Running {
        drop(project::staged());
        let files = tempfile::tempdir().unwrap();
        let unique = files.path().file_name().unwrap().to_string_lossy();
        let name = format!("{IMAGE}_{}", unique.trim_matches('.'));
        let mut command = Command::new("docker");
        command.args(["run", "--name", &name, "--label", "pct-sandbox", "--rm"]);
        command.args(["--workdir", "/github/workspace", "--network", self.network]);
        let state = state
            .iter()
            .map(|(key, value)| (format!("STATE_{key}"), value.clone()));
        for (key, value) in self.environment().into_iter().chain(state) {
            // The value comes from the client's own environment, so hyphens and line ends survive.
            match key.as_str() {
                // This one would send the client to another daemon.
                "DOCKER_HOST" => command.args(["-e", &format!("{key}={value}")]),
                _ => command.args(["-e", &key]).env(&key, value),
            };
        }
        command.args(more);
        for (folder, path) in prepare(&files, project, self.workflow) {
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

    fn environment(&self) -> BTreeMap<String, String> {
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
            // A merge commit that nobody has: the head comes from the event.
            ("GITHUB_SHA", &"f".repeat(40)),
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
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        inputs
            .chain(rest.map(own))
            .chain(self.env.clone())
            .collect()
    }
}

impl Running {
    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).unwrap()
    }

    /// Waits until it has printed `text`.
    pub(crate) fn until(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while !self.log().contains(text) {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "it never said `{text}` ({ended:?}):\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signal to the docker client, as the runner does; the client passes it on to PID 1.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", signal, &pid])
            .status()
            .unwrap();
        assert!(sent.success(), "kill -s {signal} {pid}: {sent}");
    }

    /// Cancels as the runner does: SIGINT, SIGTERM, SIGKILL. Says how long the end took.
    pub(crate) fn cancel(mut self) -> (Finished, Duration) {
        let asked = Instant::now();
        self.signal("INT");
        if !self.ends_within(UNTIL_TERM) {
            self.signal("TERM");
            if !self.ends_within(UNTIL_KILL) {
                self.signal("KILL");
            }
        }
        let took = asked.elapsed();
        (self.wait(), took)
    }

    fn ends_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Waits for its end and reads the files that the runner reads.
    pub(crate) fn wait(mut self) -> Finished {
        let status = self.child.wait().unwrap();
        let read = |name: &str| fs::read_to_string(self.files.path().join(name)).unwrap();
        let finished = Finished {
            code: status.code(),
            log: read("log"),
            outputs: pairs(&read("file_commands/set_output_1")),
            state: pairs(&read("file_commands/save_state_1")),
            summary: read("file_commands/step_summary_1"),
            left_behind: ["home", "runner_temp"]
                .map(|folder| contents(&self.files.path().join(folder)))
                .concat(),
        };
        let code = finished.code.unwrap_or(-1);
        eprintln!("--- docker run: exit {code}\n{}", finished.log);
        finished
    }
}

impl Finished {
    /// One output, or nothing.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }
}

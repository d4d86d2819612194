//! What every fact is tested on: one host, one repository, and one good deploy that many look at.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sandbox::event::Event;
use sandbox::github::Recorded;
use serde_json::Value;

use crate::act::container::{Container, Finished};
use crate::act::project::{LABEL, Project};
use crate::world::{Host, World, binary};

pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) project: Project,
    good: OnceCell<Good>,
    refused: OnceCell<Finished>,
}

/// Two deploys in a row, the second one looked at, and what GitHub and Slack heard of both.
pub(crate) struct Good {
    pub(crate) finished: Finished,
    pub(crate) requests: Vec<Recorded>,
    pub(crate) states: Vec<Vec<String>>,
    pub(crate) slack: Vec<Value>,
}

/// Where links of the good deploy go.
pub(crate) const SERVER: &str = "https://ghe.example";

impl Bench {
    pub(crate) fn new() -> Self {
        let world = World::fresh(Host::V2);
        let project = Project::new(&world, "contract");
        Self {
            world,
            project,
            good: OnceCell::new(),
            refused: OnceCell::new(),
        }
    }

    /// A runner whose event asks for a deploy.
    pub(crate) fn runner(&self) -> Container {
        self.put(LABEL);
        Container::new(&self.world, &self.project)
    }

    /// A runner whose event does not.
    pub(crate) fn idle(&self) -> Container {
        self.put("documentation");
        Container::new(&self.world, &self.project)
    }

    fn put(&self, label: &str) {
        let pull = crate::act::pull(&self.project);
        self.project.write_event(pull, label);
    }

    pub(crate) fn good(&self) -> &Good {
        self.good.get_or_init(|| {
            let runner = self.runner().env("GITHUB_SERVER_URL", SERVER);
            let first = runner.start(&self.project).wait();
            assert_eq!(first.code, Some(0), "{}", first.log);
            let runner = runner.input("build-args", "HELLO_VERSION=second");
            // Its runner takes the label off; somebody puts it on again.
            runner.github.change_pull(|pull| pull.label(LABEL));
            let finished = runner.start(&self.project).wait();
            assert_eq!(finished.output("outcome"), "deployed", "{}", finished.log);
            let deployments = runner.github.deployments();
            let ids = deployments.iter().filter_map(|one| one["id"].as_u64());
            Good {
                finished,
                requests: runner.github.requests(),
                states: ids.map(|id| runner.github.states(id).unwrap()).collect(),
                slack: self.world.slack.shown(),
            }
        })
    }

    /// A build that fails and prints what could command a runner.
    pub(crate) fn refused(&self) -> &Finished {
        self.refused.get_or_init(|| {
            let dockerfile = "FROM debian:bookworm-slim\n\
                RUN echo '::set-output name=outcome::forged'; echo '##[error]forged'; \
                echo '::stop-commands::forged'; echo '::add-mask::a'; echo '::group::forged' >&2; exit 9\n";
            std::fs::write(self.project.app().join("Forge"), dockerfile).unwrap();
            self.runner()
                .input("dockerfile", "Forge")
                .start(&self.project)
                .wait()
        })
    }
}

/// The binary itself, with nothing in its environment but what is said here.
pub(crate) struct Step {
    pub(crate) folder: tempfile::TempDir,
    args: Vec<String>,
    env: BTreeMap<String, String>,
}

/// How it ended: code, everything it printed.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

impl Step {
    pub(crate) fn new(args: &[&str]) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: BTreeMap::new(),
        }
    }

    /// The action with an event and the files that a runner gives it.
    pub(crate) fn action(bench: &Bench, event_name: &str, event: &Event) -> Self {
        let step = Self::new(&["action"]);
        event.write(&step.path("event.json")).unwrap();
        for file in ["output", "state", "summary"] {
            step.write(file, "");
        }
        let path = |file: &str| step.path(file).display().to_string();
        let given = [
            ("GITHUB_EVENT_PATH", path("event.json")),
            ("GITHUB_OUTPUT", path("output")),
            ("GITHUB_STATE", path("state")),
            ("GITHUB_STEP_SUMMARY", path("summary")),
            (
                "GITHUB_WORKSPACE",
                bench.project.app().display().to_string(),
            ),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_EVENT_NAME", event_name.to_owned()),
            (
                "GITHUB_REPOSITORY",
                crate::act::project::REPOSITORY.to_owned(),
            ),
        ];
        given
            .into_iter()
            .fold(step, |step, (name, value)| step.env(name, &value))
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    pub(crate) fn run(&self) -> Ended {
        let output = Command::new(binary())
            .args(&self.args)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .envs(&self.env)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let code = output.status.code();
        eprintln!("--- {:?}: exit {code:?}\n{said}", self.args);
        Ended { code, said }
    }
}

/// One output as a runner reads it.
pub(crate) fn output(text: &str, key: &str) -> String {
    let (_, rest) = text.split_once(&format!("{key}<<")).unwrap_or_default();
    let (end, rest) = rest.split_once('\n').unwrap_or_default();
    rest.split(&format!("\n{end}\n"))
        .next()
        .unwrap_or_default()
        .to_owned()
}

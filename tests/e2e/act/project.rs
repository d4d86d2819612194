//! A user's repository: `examples/hello`, built, with a workflow that uses the action.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use sandbox::event::Event;
use sandbox::github::GitHub;
use sandbox::pull::Pull;

use super::job::Job;
use crate::world::{World, root};

pub(crate) const LABEL: &str = "🎅🏼deploy";
pub(crate) const REPOSITORY: &str = "octo-org/pct-backend";
/// Long enough that masking it spoils no other word.
pub(crate) const TOKEN: &str = "made-up-github-token";

/// A git repository with one commit.
#[derive(Debug)]
pub(crate) struct Project {
    folder: tempfile::TempDir,
    act: PathBuf,
    /// The commit that is deployed, and the version that the app then names.
    pub(crate) head: String,
}

impl Project {
    /// The name tells act's containers of one workflow from another's.
    pub(crate) fn new(world: &World, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("app");
        std::fs::create_dir_all(app.join(".github/workflows")).unwrap();
        for file in ["hello", "Dockerfile"] {
            std::fs::copy(world.context.path().join(file), app.join(file)).unwrap();
        }
        std::fs::write(
            app.join(".github/workflows/deploy.yml"),
            workflow(world, name),
        )
        .unwrap();
        git(&app, &["init", "--quiet", "--initial-branch", "feature"]);
        git(
            &app,
            &[
                "remote",
                "add",
                "origin",
                &format!("https://github.com/{REPOSITORY}.git"),
            ],
        );
        git(&app, &["add", "--all"]);
        git(&app, &["commit", "--quiet", "--message", "feat: greet"]);
        let head = git(&app, &["rev-parse", "HEAD"]);
        let secrets = [
            format!("GITHUB_TOKEN={TOKEN}"),
            format!("REGISTRY_PASSWORD={}", world.env.registry_password),
            format!(
                "SSH_KEY='{}'",
                std::fs::read_to_string(&world.env.key).unwrap()
            ),
            format!("SLACK_WEBHOOK_URL={}", world.slack.url()),
        ];
        std::fs::write(folder.path().join("secrets"), secrets.join("\n")).unwrap();
        Self {
            folder,
            act: world.env.act.clone(),
            head,
        }
    }

    /// Where the repository is.
    pub(crate) fn app(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    /// Where the event is.
    pub(crate) fn event(&self) -> PathBuf {
        self.folder.path().join("event.json")
    }

    /// Somebody puts a label on the pull request.
    pub(crate) fn write_event(&self, pull: Pull, put: &str) {
        Event::labeled(pull, put).write(&self.event()).unwrap();
    }

    /// Runs the workflow with the real act.
    pub(crate) fn act(&self, github: &GitHub, more: &[&str]) -> Job {
        let action = format!("org/pct-deploy-action@v1={}", staged().display());
        let output = Command::new("timeout")
            .args(["--kill-after", "10", "240"])
            .arg(&self.act)
            .args(["pull_request", "--json", "--rm", "--pull=false"])
            .args(["--platform", "ubuntu-latest=debian:bookworm-slim"])
            .args(["--env", &format!("GITHUB_API_URL={}", github.url())])
            .args(["--local-repository", &action])
            .arg("--eventpath")
            .arg(self.event())
            .arg("--secret-file")
            .arg(self.folder.path().join("secrets"))
            .args(more)
            .current_dir(self.app())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Job::new(&output)
    }
}

/// The action's folder, which must be as new as the program.
pub(crate) fn staged() -> PathBuf {
    let staged = root().join("target/action");
    let binary = changed(&staged.join("pct-deploy"));
    assert!(
        binary.is_some_and(|built| changed_below(&root().join("src")) <= built),
        "target/action is not there or older than src: run `scripts/dist --dev`"
    );
    staged
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

fn changed_below(folder: &Path) -> SystemTime {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let times = entries.map(|entry| {
        if entry.file_type().unwrap().is_dir() {
            changed_below(&entry.path())
        } else {
            changed(&entry.path()).unwrap()
        }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The gate is left to the action alone: no `if:`.
fn workflow(world: &World, name: &str) -> String {
    let known_hosts = std::fs::read_to_string(&world.env.known_hosts).unwrap();
    let known_hosts: String = known_hosts
        .lines()
        .map(|line| format!("            {line}\n"))
        .collect();
    format!(
        "name: {name}
on:
  pull_request:
    types: [labeled]
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: org/pct-deploy-action@v1
        with:
          image: localhost:5000/pct/hello
          registry-username: {user}
          registry-password: ${{{{ secrets.REGISTRY_PASSWORD }}}}
          build-args: HELLO_VERSION=${{{{ github.event.pull_request.head.sha }}}}
          slots: hello-1,hello-2
          health-path: /health
          ssh-host: 127.0.0.1
          ssh-port: {port}
          ssh-user: ec2-user
          ssh-key: ${{{{ secrets.SSH_KEY }}}}
          ssh-known-hosts: |
{known_hosts}          slack-webhook-url: ${{{{ secrets.SLACK_WEBHOOK_URL }}}}
          slack-host: {slack}
",
        user = world.env.registry_user,
        port = world.env.ssh_port,
        slack = world.slack.addr(),
    )
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Octo Cat",
            "-c",
            "user.email=octocat@users.noreply.github.com",
        ])
        .args(["-c", "commit.gpgsign=false", "-c", "safe.directory=*"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

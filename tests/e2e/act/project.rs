//! A user's repository with a workflow that uses the action: `examples/hello`, built; or a clone of our own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use sandbox::event::Event;
use sandbox::github::GitHub;
use sandbox::pull::Pull;

use super::container::IMAGE;
use super::job::Job;
use crate::world::{World, docker, root};

pub(crate) const LABEL: &str = "🎅🏼deploy";
const WORKFLOW: &str = ".github/workflows/deploy.yml";
pub(crate) const REPOSITORY: &str = "octo-org/pct-backend";
/// Long enough that masking it spoils no other word.
pub(crate) const TOKEN: &str = "made-up-github-token";

/// What `uses:` names in a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uses {
    /// What `scripts/dist` staged, as a release is used.
    Staged,
    /// The repository itself, `./`.
    Itself,
}

/// A git repository on the branch `feature`.
#[derive(Debug)]
pub(crate) struct Project {
    folder: tempfile::TempDir,
    act: PathBuf,
    uses: Uses,
    /// The commit that is deployed, and the version that the app then names.
    pub(crate) head: String,
}

impl Project {
    /// The name tells act's containers of one workflow from another's.
    pub(crate) fn new(world: &World, name: &str) -> Self {
        let mut project = Self::empty(world, Uses::Staged);
        let app = project.app();
        git(&app, &["init", "--quiet", "--initial-branch", "feature"]);
        let origin = format!("https://github.com/{REPOSITORY}.git");
        git(&app, &["remote", "add", "origin", &origin]);
        project.commit(world, name, "");
        project
    }

    /// A clone of this repository as it is committed; it has nothing to deploy yet.
    pub(crate) fn clone_of_ours(world: &World) -> Self {
        let mut project = Self::empty(world, Uses::Itself);
        let app = project.app();
        let from = root().display().to_string();
        git(&app, &["clone", "--quiet", "--no-local", &from, "."]);
        git(&app, &["checkout", "--quiet", "-B", "feature"]);
        let origin = format!("https://github.com/{REPOSITORY}.git");
        git(&app, &["remote", "set-url", "origin", &origin]);
        project.head = git(&app, &["rev-parse", "HEAD"]);
        project
    }

    fn empty(world: &World, uses: Uses) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("app")).unwrap();
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
            uses,
            head: String::new(),
        }
    }

    /// Commits the app, built, in the folder `context`, and a workflow that deploys it.
    pub(crate) fn commit(&mut self, world: &World, name: &str, context: &str) {
        let app = self.app();
        for file in ["hello", "Dockerfile"] {
            std::fs::copy(
                world.context.path().join(file),
                app.join(context).join(file),
            )
            .unwrap();
        }
        let workflow = workflow(world, name, context, self.uses);
        std::fs::create_dir_all(app.join(".github/workflows")).unwrap();
        std::fs::write(app.join(WORKFLOW), workflow).unwrap();
        git(&app, &["add", "--all", "--force"]);
        git(&app, &["commit", "--quiet", "--message", "feat: greet"]);
        self.head = git(&app, &["rev-parse", "HEAD"]);
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
        let action = match self.uses {
            Uses::Staged => {
                let staged = format!("org/pct-deploy-action@v1={}", staged().display());
                vec!["--local-repository".to_owned(), staged]
            }
            Uses::Itself => Vec::new(),
        };
        let output = Command::new("timeout")
            .args(["--kill-after", "10", "900"])
            .arg(&self.act)
            .args(["pull_request", "--json", "--rm", "--pull=false"])
            .args(["--platform", "ubuntu-latest=debian:bookworm-slim"])
            .args(["--env", &format!("GITHUB_API_URL={}", github.url())])
            .args(["--workflows", WORKFLOW])
            .args(action)
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

/// The action's folder, which must be as new as the program, and its image the one that was made with it.
pub(crate) fn staged() -> PathBuf {
    let staged = root().join("target/action");
    let made = changed(&staged.join("action.yml"));
    assert!(
        made.is_some_and(|made| changed_below(&root().join("src")) <= made),
        "target/action is not there or older than src: run `scripts/dist --dev`"
    );
    let image = docker(&["image", "inspect", "-f", "{{.Id}}", IMAGE]).stdout;
    assert_eq!(
        String::from_utf8_lossy(&image),
        std::fs::read_to_string(staged.join("image-id")).unwrap(),
        "the image is another one: run `scripts/dist --dev`"
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
fn workflow(world: &World, name: &str, context: &str, uses: Uses) -> String {
    let uses = match uses {
        Uses::Staged => "org/pct-deploy-action@v1",
        Uses::Itself => "./",
    };
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
      - uses: {uses}
        with:
          context: ./{context}
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

pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
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

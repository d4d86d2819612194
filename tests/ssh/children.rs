//! The real binary, and what it hands down to every `ssh` that it starts.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pct_deploy::config::types::SshKey;

use crate::host::Host;

/// Stands in every variable that a runner fills with a secret.
const PLANTED: &str = "planted-secret-0f3a";

/// Variables with secrets, as a runner and its workflows spell them.
const SECRETS: [&str; 6] = [
    "INPUT_REGISTRY-PASSWORD",
    "INPUT_GITHUB-TOKEN",
    "PCT_DEPLOY_REGISTRY_PASSWORD",
    "PCT_DEPLOY_SLACK_WEBHOOK_URL",
    "GITHUB_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
];

/// A folder in front of `PATH`, whose `ssh` notes what it was given and becomes the real one.
/// Nothing else here has this `PATH`, so it also tells our processes from those of other tests.
struct Watch {
    folder: tempfile::TempDir,
}

impl Watch {
    fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let real = output(Command::new("sh").args(["-c", "command -v ssh"]));
        let script = format!(
            "#!/bin/sh\ncat /proc/$$/environ /proc/$$/cmdline >{at}/seen.$$\nexec {} \"$@\"\n",
            real.trim()
        );
        let path = folder.path().join("ssh");
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// `pct-deploy status` with nothing else in its environment.
    fn status(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pct-deploy"));
        let at = self.folder.path().display();
        command
            .args(["status", "--image", "user/app", "--ssh-user", "ec2-user"])
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{at}:/usr/bin:/bin"))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// What the `ssh` processes that run now were given: their environment and arguments.
    fn running(&self) -> Vec<String> {
        let at = format!("PATH={}", self.folder.path().display());
        let processes = std::fs::read_dir("/proc").unwrap();
        processes
            .filter_map(|process| given_to(&process.unwrap().path()))
            .filter(|given| given.contains(&at))
            .collect()
    }

    /// The same of every `ssh` that has been started, however short it lived.
    fn started(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files
            .map(|file| file.unwrap())
            .filter(|file| file.file_name().to_string_lossy().starts_with("seen."))
            .map(|file| lossy(&file.path()).unwrap())
            .collect()
    }
}

fn given_to(process: &Path) -> Option<String> {
    let name = lossy(&process.join("comm"))?;
    let environment = lossy(&process.join("environ"))?;
    let arguments = lossy(&process.join("cmdline"))?;
    (name.trim() == "ssh").then(|| format!("{environment}{arguments}"))
}

fn lossy(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', "\n"))
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Holds every login at the gate until it is opened.
fn build_gate(host: &Host) {
    host.exec("echo 'touch /tmp/waiting; while [ ! -e /tmp/open ]; do sleep 0.1; done' >/home/ec2-user/.bashrc; chown ec2-user /home/ec2-user/.bashrc");
}

/// Waits until the binary is logged in and held there.
async fn at_the_gate(host: &Host, run: &mut Child) {
    for _ in 0..300 {
        if host.exec("ls /tmp").contains("waiting") {
            return;
        }
        if run.try_wait().unwrap().is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never logged in: {}", end(run));
}

/// What the binary said, once it ended.
fn end(run: &mut Child) -> String {
    use std::io::Read as _;
    let mut said = String::new();
    let mut stderr = run.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    run.wait().unwrap();
    said
}

/// A line that only this key has.
fn middle_of(key: &SshKey) -> String {
    key.0.expose().lines().nth(2).unwrap().to_owned()
}

#[tokio::test]
async fn no_ssh_is_given_a_secret() {
    let jump = Host::start("children-jump").await;
    let target = Host::start("children").await;
    build_gate(&target);
    let key = jump.shared_key(&target);
    let known = format!(
        "{}\n{}",
        jump.known_hosts("ed25519"),
        target.known_hosts("ed25519")
    );
    let watch = Watch::create();
    let mut command = watch.status(&["--ssh-host", target.address()]);
    command
        .args(["--ssh-jump-host", jump.address()])
        .args(["--ssh-known-hosts", &known])
        .env("INPUT_SSH-KEY", key.0.expose())
        .env("PCT_DEPLOY_SSH_KEY", key.0.expose())
        .env("SSH_AUTH_SOCK", PLANTED);
    for name in SECRETS {
        command.env(name, PLANTED);
    }
    let mut run = command.spawn().unwrap();
    at_the_gate(&target, &mut run).await;

    let while_connected = watch.running();
    target.exec("touch /tmp/open");
    let said = end(&mut run);
    // One for each of the two hosts, and the command that waits at the gate.
    assert_eq!(while_connected.len(), 3, "{while_connected:#?}");
    let started = watch.started();
    assert!(started.len() >= 3, "{started:#?}");
    assert_eq!(target.agents(), 1, "{said}");
    for given in while_connected.iter().chain(&started).chain([&said]) {
        assert!(!given.contains(PLANTED), "{given}");
        assert!(!given.contains(&middle_of(&key)), "{given}");
    }
    assert_eq!(watch.running(), Vec::<String>::new(), "{said}");
}

/// An `ssh-agent` with one key, ended when dropped.
pub(crate) struct KeyAgent {
    process: Child,
    pub(crate) socket: PathBuf,
}

impl KeyAgent {
    pub(crate) async fn start(folder: &Path, key: &SshKey) -> Self {
        let socket = folder.join("agent");
        let process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { process, socket };
        while !agent.socket.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let file = folder.join("key");
        std::fs::write(&file, key.0.expose()).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(&file).env("SSH_AUTH_SOCK", &agent.socket);
        output(&mut add);
        std::fs::remove_file(file).unwrap();
        agent
    }
}

impl Drop for KeyAgent {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test]
async fn the_users_agent_is_asked_when_no_key_is_given() {
    let host = Host::start("children-agent").await;
    let folder = tempfile::tempdir().unwrap();
    let agent = KeyAgent::start(folder.path(), &host.key()).await;
    let watch = Watch::create();
    let fingerprint = host.fingerprint("ed25519");
    let mut command = watch.status(&["--ssh-host", host.address()]);
    command
        .args(["--ssh-fingerprint", &fingerprint])
        .env("SSH_AUTH_SOCK", &agent.socket)
        .env("GITHUB_TOKEN", PLANTED);
    let said = end(&mut command.spawn().unwrap());
    assert_eq!(host.agents(), 1, "{said}");
    for given in watch.started() {
        assert!(!given.contains(PLANTED), "{given}");
    }
    assert_eq!(watch.running(), Vec::<String>::new(), "{said}");
}

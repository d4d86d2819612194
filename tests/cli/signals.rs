//! Signals to the real binary: what is a cancel, and what a run leaves behind that is ended on the spot.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::github::{Endpoint, Fault, GitHub};

use crate::{labeled, pull};

/// `deploy` with an event, whose questions to GitHub are never answered.
fn asking(program: &[&str], github: &GitHub, folder: &Path) -> Child {
    let event = labeled("🎅🏼deploy", "main").to_string();
    std::fs::write(folder.join("event.json"), event).unwrap();
    let mut words = program.iter();
    Command::new(words.next().unwrap())
        .args(words)
        .args([
            "deploy",
            "--event",
            "event.json",
            "--image",
            "u/a",
            "--host",
            "local",
        ])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("GITHUB_API_URL", github.url())
        .env("PCT_DEPLOY_GITHUB_TOKEN", "ghs_token")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill")
        .args(["-s", name, &id])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[track_caller]
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn end(child: Child) -> (Option<i32>, String) {
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), said)
}

/// A closed terminal, or a connection to it that is lost, is a cancel like SIGTERM: the run says how it ended, and
/// a release that nobody watches does not go live.
#[test]
fn a_hangup_is_a_cancel_unless_it_is_ignored() {
    let github = GitHub::start(pull("main")).unwrap();
    github.fail_always(Endpoint::GetPermission, Fault::Hang);
    let program = env!("CARGO_BIN_EXE_pct-deploy");
    for (program, name, code) in [
        (&[program][..], "HUP", 143),
        (&[program], "TERM", 143),
        (&[program], "INT", 130),
        (&["nohup", program], "INT", 130),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let asked = github.requests().len();
        let mut child = asking(program, &github, folder.path());
        until("it asks", || github.requests().len() > asked);
        if program.len() > 1 {
            signal(&child, "HUP");
            std::thread::sleep(Duration::from_millis(300));
            assert!(child.try_wait().unwrap().is_none(), "`nohup` is obeyed");
        }
        signal(&child, name);
        let (ended, said) = end(child);
        assert_eq!(ended, Some(code), "{name}: {said}");
        assert!(
            said.contains(&format!("SIG{name}: this run ends")),
            "{said}"
        );
        assert!(
            said.contains("cancelled before your app was touched"),
            "{said}"
        );
    }
}

/// An `ssh` that logs in and then does nothing, and says where its socket is and which process it is.
const SSH: &str = r#"#!/bin/sh
here=$(dirname "$0")
if [ "$1" = -G ]; then printf 'hostname h.example\nport 22\n'; exit; fi
master=
while [ $# -gt 0 ]; do
  case $1 in
    -M) master=yes ;;
    -S) shift; socket=$1 ;;
  esac
  shift
done
if [ -n "$master" ]; then
  echo $$ >"$here/pid"
  echo "$socket" >"$here/socket"
  : >"$socket"
fi
exec sleep 60
"#;

#[test]
fn a_second_signal_leaves_no_key_and_no_connection_behind() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let (key, public) = crate::keys::keygen(folder.path(), &["-t", "ed25519", "-N", ""]);
    let bin = folder.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let ssh = bin.join("ssh");
    std::fs::write(&ssh, SSH).unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_pct-deploy"))
        .args(["status", "--app", "a", "--ssh-host", "h.example"])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("PCT_DEPLOY_SSH_KEY", &key)
        .env("PCT_DEPLOY_SSH_KNOWN_HOSTS", format!("h.example {public}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("ssh is logged in", || bin.join("socket").exists());
    let read = |name: &str| std::fs::read_to_string(bin.join(name)).unwrap();
    until("it is written", || !read("socket").is_empty());
    let socket = PathBuf::from(read("socket").trim());
    let keys = socket.parent().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(keys.join("key")).unwrap(), key);
    // The installation hangs; the first one ends the run in its own time, the second one at once.
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    signal(&child, "INT");
    let (code, said) = end(child);
    assert_eq!(code, Some(130), "{said}");
    assert!(!keys.exists(), "{} is left", keys.display());
    let process = PathBuf::from("/proc")
        .join(read("pid").trim())
        .join("cmdline");
    until("its ssh is gone", || {
        let line = std::fs::read_to_string(&process).unwrap_or_default();
        !line.starts_with("sleep")
    });
}

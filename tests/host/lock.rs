//! The lock between processes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pct_deploy::host::linux::LinuxHost;
use pct_deploy::host::{Clock as _, Files as _, LockAttempt};

const PATH: &str = "PCT_TEST_LOCK";

async fn holder(host: &LinuxHost, path: &Path) -> Option<String> {
    match host.try_lock(path, "the test").await.unwrap() {
        LockAttempt::Taken(_lock) => None,
        LockAttempt::HeldBy(who) => Some(who),
    }
}

/// Not a test: the other process of the test below.
#[test]
#[ignore = "started by the test of the lock"]
fn hold_the_lock() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let host = LinuxHost::new().unwrap();
        let path = std::env::var(PATH).unwrap();
        let taken = host
            .try_lock(Path::new(&path), "process one")
            .await
            .unwrap();
        assert!(matches!(taken, LockAttempt::Taken(_)));
        let mut program = Command::new("sleep").arg("2").spawn().unwrap();
        println!("held");
        program.wait().unwrap();
        std::thread::sleep(Duration::from_secs(600));
    });
}

#[tokio::test]
async fn a_killed_holder_frees_the_lock_when_its_programs_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let mut one = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "lock::hold_the_lock"])
        .env(PATH, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(one.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("held")));

    let host = LinuxHost::new().unwrap();
    assert_eq!(holder(&host, &path).await.as_deref(), Some("process one"));
    one.kill().unwrap();
    one.wait().unwrap();
    let killed = Instant::now();
    assert_eq!(
        holder(&host, &path).await.as_deref(),
        Some("process one"),
        "its `sleep` runs on"
    );
    while holder(&host, &path).await.is_some() {
        assert!(
            killed.elapsed() < Duration::from_secs(5),
            "the lock is never freed"
        );
        host.sleep(Duration::from_millis(50)).await;
    }
    assert!(killed.elapsed() > Duration::from_secs(1));
    assert_eq!(std::fs::read(&path).unwrap(), b"the test");
}

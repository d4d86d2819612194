//! What a connection leaves behind on this machine: nothing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pct_deploy::config::types::{HostTrust, JumpHost, SshConfig};
use pct_deploy::protocol::wire::Request;
use pct_deploy::runner::remote::{InstalledAgent, Remote};

use crate::connect;
use crate::host::Host;

/// The `ssh` processes on this machine with one of the words, or a file in it, as an argument.
fn processes(words: &[&str]) -> Vec<String> {
    let listed = std::process::Command::new("ps")
        .args(["-ww", "-eo", "args"])
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let is_named = |argument: &str| {
        let of = |word: &&str| argument.strip_prefix(word);
        let mut rests = words.iter().filter_map(of);
        rests.any(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    listed
        .lines()
        .filter(|line| line.starts_with("ssh ") && line.split(' ').any(is_named))
        .map(str::to_owned)
        .collect()
}

fn folder_of(remote: &Remote) -> PathBuf {
    let Remote::Ssh(connection) = remote else {
        panic!("not ssh");
    };
    let folder = connection.control_socket().parent().unwrap();
    assert!(folder.join("key").exists());
    folder.to_owned()
}

#[tokio::test]
async fn neither_the_key_nor_a_process_stays_behind() {
    let host = Host::start("clean").await;
    let config = host.config(HostTrust::KnownHosts(host.known_hosts("ed25519")));
    let remote = connect(config.clone()).await.unwrap();
    let folder = folder_of(&remote);
    let words = [folder.to_str().unwrap(), host.address()];
    assert_eq!(processes(&words).len(), 1);
    let began = Instant::now();
    remote.close().await.unwrap();
    // It ended by itself: the host saw a goodbye, and nothing had to be killed.
    assert!(began.elapsed() < Duration::from_millis(900));
    assert!(!folder.exists());
    assert_eq!(processes(&words), Vec::<String>::new());

    // A command that the host does not end is no reason to wait.
    let remote = connect(config.clone()).await.unwrap();
    host.write(
        "/usr/local/bin/deaf",
        "#!/bin/sh\ntrap '' HUP PIPE TERM\nsleep 60\n",
    );
    let agent = InstalledAgent {
        path: "/usr/local/bin/deaf".to_owned(),
        uploaded: 0,
    };
    let call = remote.start(&agent, &Request::Cancel).await.unwrap();
    let began = Instant::now();
    remote.close().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(processes(&[host.address()]), Vec::<String>::new());
    assert_eq!(call.finish().await.unwrap().code, Some(255));

    // Neither after a drop, which nothing waits for, nor after an error half-way.
    let remote = connect(config.clone()).await.unwrap();
    let folder = folder_of(&remote);
    drop(remote);
    assert!(!folder.exists());
    let nowhere = SshConfig {
        host: "127.0.0.1".to_owned(),
        port: Some(1),
        jump: Some(JumpHost {
            user: None,
            host: host.address().to_owned(),
            port: None,
        }),
        ..config
    };
    connect(nowhere).await.unwrap_err();
    for _ in 0..100 {
        if processes(&[host.address()]).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", processes(&[host.address()]));
}

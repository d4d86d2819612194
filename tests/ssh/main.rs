//! The way to the host, against real `sshd`s: containers of the sandbox's host image, one a test.
//!
//! Needs the Docker engine and `scripts/images`; fails when they are not there.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod children;
mod clean;
mod host;
mod own;

use std::path::Path;
use std::time::{Duration, Instant};

use host::{Host, reporter};
use pct_deploy::config::types::{HostTrust, JumpHost, Place, SshConfig, SshKey};
use pct_deploy::error::{Error, ExitCode, Reason};
use pct_deploy::protocol::event::Happening;
use pct_deploy::protocol::wire::{Reply, Request};
use pct_deploy::runner::remote::{InstalledAgent, Remote};
use pct_deploy::secret::Secret;

async fn connect(config: SshConfig) -> Result<Remote, Error> {
    Remote::connect(&Place::Ssh(config), &reporter()).await
}

/// What a connection is good for: one command there, then nothing is left of it here.
async fn works(config: SshConfig) {
    let remote = connect(config).await.unwrap();
    let agent = InstalledAgent {
        path: "/bin/echo".to_owned(),
        uploaded: 0,
    };
    let mut call = remote.start(&agent, &Request::Cancel).await.unwrap();
    assert_eq!(call.next().await.unwrap(), None);
    let end = call.finish().await.unwrap();
    assert_eq!(end.code, Some(0));
    assert_eq!(end.stderr_tail, ["agent serve"]);
    remote.close().await.unwrap();
}

#[tokio::test]
async fn known_hosts_lines_are_enough() {
    let host = Host::start("known").await;
    works(host.config(HostTrust::KnownHosts(host.known_hosts("ed25519")))).await;
    works(host.config(HostTrust::KnownHosts(host.known_hosts("rsa")))).await;
}

#[tokio::test]
async fn a_fingerprint_of_any_type_is_enough() {
    let host = Host::start("print").await;
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let fingerprint = host.fingerprint(kind).parse().unwrap();
        works(host.config(HostTrust::Fingerprints(vec![fingerprint]))).await;
    }
}

#[tokio::test]
async fn an_unknown_host_prints_the_line_to_paste_and_the_line_works() {
    let host = Host::start("unknown").await;
    let error = connect(host.config(HostTrust::KnownHosts(String::new())))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::HostKeyMismatch);
    assert_eq!(error.code(), ExitCode::HostUntouched);
    assert!(error.to_string().contains("not listed"), "{error}");
    let hints = error.hints().join("\n");
    assert!(hints.contains(&host.fingerprint("ed25519")), "{hints}");
    assert!(hints.contains("ED25519"), "{hints}");
    let (_, line) = hints.split_once("into `ssh-known-hosts`: ").unwrap();
    works(host.config(HostTrust::KnownHosts(line.to_owned()))).await;
}

#[tokio::test]
async fn a_changed_key_is_called_a_possible_attack() {
    let host = Host::start("changed").await;
    let name = host.known_hosts_name();
    let other = format!("{name} {}", host.user_public_key());
    let error = connect(host.config(HostTrust::KnownHosts(other)))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::HostKeyMismatch);
    assert!(error.to_string().contains("CHANGED"), "{error}");
    assert!(
        error
            .hints()
            .join("\n")
            .contains(&host.fingerprint("ed25519"))
    );

    let wrong = format!("SHA256:{}", "A".repeat(43)).parse().unwrap();
    let error = connect(host.config(HostTrust::Fingerprints(vec![wrong])))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::HostKeyMismatch);
    assert!(error.to_string().contains("`ssh-fingerprint`"), "{error}");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        assert!(
            error.hints().join("\n").contains(&host.fingerprint(kind)),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_refused_login_names_its_settings() {
    let host = Host::start("auth").await;
    let good = host.config(HostTrust::KnownHosts(host.known_hosts("ed25519")));
    let wrong_user = SshConfig {
        user: Some("nobody-here".to_owned()),
        ..good.clone()
    };
    let wrong_key = SshConfig {
        key: Some(host.another_key()),
        ..good.clone()
    };
    for config in [wrong_user, wrong_key] {
        let error = connect(config).await.unwrap_err();
        assert_eq!(error.reason(), Reason::SshUnauthorized, "{error:?}");
        assert!(error.to_string().contains("`ssh-user`"), "{error}");
        assert!(error.to_string().contains("`ssh-key`"), "{error}");
    }
    let broken = SshConfig {
        key: Some(SshKey(Secret::new("-----BEGIN nonsense\n"))),
        ..good
    };
    let error = connect(broken).await.unwrap_err();
    assert_eq!(error.reason(), Reason::SshUnauthorized);
    assert!(error.to_string().contains("cannot read"), "{error}");
}

#[tokio::test]
async fn silence_is_tried_three_times_and_names_its_settings() {
    let closed = SshConfig {
        host: "127.0.0.1".to_owned(),
        port: Some(1),
        ..host::nowhere()
    };
    let began = Instant::now();
    let error = connect(closed).await.unwrap_err();
    assert_eq!(error.reason(), Reason::HostUnreachable);
    assert!(
        error.to_string().contains("`ssh-host`, `ssh-port`"),
        "{error}"
    );
    assert!(
        error.chain().join(" ").contains("Connection refused"),
        "{error:?}"
    );
    assert!(began.elapsed() >= Duration::from_secs(3));

    // A listener that never says what it is.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = SshConfig {
        host: "127.0.0.1".to_owned(),
        port: Some(mute.local_addr().unwrap().port()),
        connect_timeout: "1s".parse().unwrap(),
        ..host::nowhere()
    };
    let began = Instant::now();
    let error = connect(config).await.unwrap_err();
    assert_eq!(error.reason(), Reason::HostUnreachable, "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(11));

    let unresolved = SshConfig {
        host: "no-such-host.invalid".to_owned(),
        ..host::nowhere()
    };
    let error = connect(unresolved).await.unwrap_err();
    assert!(error.hints().join(" ").contains("resolve"), "{error:?}");
}

#[tokio::test]
async fn a_host_behind_a_jump_host_is_verified_by_its_own_name() {
    let jump = Host::start("jump").await;
    let target = Host::start("behind").await;
    // The name that only the jump host resolves is the one in `known_hosts`.
    let (address, name) = (target.address().to_owned(), "inner.example");
    jump.exec(&format!("echo {address} {name} >>/etc/hosts"));
    let lines = |port| {
        let listed = match port {
            22 => name.to_owned(),
            port => format!("[{name}]:{port}"),
        };
        format!(
            "{}\n{listed} {}",
            jump.known_hosts("ed25519"),
            target.public_key("ed25519")
        )
    };
    let through = |trust, port| SshConfig {
        host: name.to_owned(),
        port: Some(port),
        key: Some(jump.shared_key(&target)),
        jump: Some(JumpHost {
            user: None,
            host: jump.address().to_owned(),
            port: None,
        }),
        ..target.config(trust)
    };
    works(through(HostTrust::KnownHosts(lines(22)), 22)).await;
    target.exec("/usr/sbin/sshd -p 2200");
    works(through(HostTrust::KnownHosts(lines(2200)), 2200)).await;
    let fingerprints = vec![
        jump.fingerprint("rsa").parse().unwrap(),
        target.fingerprint("ecdsa").parse().unwrap(),
    ];
    works(through(HostTrust::Fingerprints(fingerprints.clone()), 22)).await;
    // Fingerprints name no host: the jump host itself must not pass for the one behind it.
    let posing = SshConfig {
        host: "127.0.0.1".to_owned(),
        ..through(HostTrust::Fingerprints(fingerprints), 22)
    };
    let error = connect(posing).await.unwrap_err();
    assert_eq!(error.reason(), Reason::HostKeyMismatch);
    assert!(error.to_string().contains("may be posing as it"), "{error}");

    let only_jump = HostTrust::KnownHosts(jump.known_hosts("ed25519"));
    let error = connect(through(only_jump, 22)).await.unwrap_err();
    assert_eq!(error.reason(), Reason::HostKeyMismatch);
    let hint = format!("`ssh-known-hosts`: {name} ssh-ed25519 ");
    assert!(error.hints().join("\n").contains(&hint), "{error:?}");

    let error = connect(through(HostTrust::KnownHosts(lines(1)), 1))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::HostUnreachable, "{error:?}");
    assert!(
        error.hints().join("\n").contains("`ssh-jump-host`"),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_agent_is_uploaded_once_and_two_are_kept() {
    let host = Host::start("agent").await;
    let config = host.config(HostTrust::KnownHosts(host.known_hosts("ed25519")));
    let remote = connect(config).await.unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_pct-deploy"));
    let first = remote.install_binary(binary, &reporter()).await.unwrap();
    assert_eq!(first.uploaded, binary.metadata().unwrap().len());
    let second = remote.install_binary(binary, &reporter()).await.unwrap();
    assert_eq!((second.uploaded, &second.path), (0, &first.path));
    let facts =
        host.exec("stat -L -c '%a %U' /var/lib/pct-deploy /var/lib/pct-deploy/bin/* | sort -u");
    assert_eq!(facts.trim(), "755 ec2-user");
    assert_eq!(
        host.exec(&format!("{} --version >/dev/null && echo ran", first.path))
            .trim(),
        "ran"
    );

    // A damaged agent is replaced.
    host.exec(&format!("echo x >>{}", first.path));
    assert!(
        remote
            .install_binary(binary, &reporter())
            .await
            .unwrap()
            .uploaded
            > 0
    );

    let folder = tempfile::tempdir().unwrap();
    for version in ["1", "2"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let other = folder.path().join(version);
        std::fs::write(&other, version).unwrap();
        remote.install_binary(&other, &reporter()).await.unwrap();
    }
    let kept = host.exec("find /var/lib/pct-deploy/bin -type f -size -2c -exec cat {} +");
    assert_eq!(kept.trim().len(), 2, "{kept}");
    // What runs at boot has a name that stays, and only a deploy or `provision` gives it to another one.
    let current = host.exec("readlink /var/lib/pct-deploy/bin/current");
    assert_eq!(first.path.rsplit('/').next(), Some(current.trim()));
    assert_eq!(
        host.exec("ls -A /var/lib/pct-deploy/bin | wc -l").trim(),
        "4"
    );
    remote.close().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_a_password_and_a_foreign_folder_are_told_with_their_cure() {
    let host = Host::start("full").await;
    let config = host.config(HostTrust::KnownHosts(host.known_hosts("ed25519")));
    let remote = connect(config).await.unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_pct-deploy"));
    let install = async || {
        remote
            .install_binary(binary, &reporter())
            .await
            .unwrap_err()
    };

    host.exec("install -d /var/lib/pct-deploy");
    let error = install().await;
    assert_eq!(error.reason(), Reason::AgentUnavailable);
    assert!(
        error.hints().join(" ").contains("sudo chown -R ec2-user"),
        "{error:?}"
    );

    host.exec("chown ec2-user /small/state && rmdir /var/lib/pct-deploy && ln -s /small/state /var/lib/pct-deploy");
    let error = install().await;
    assert_eq!(error.reason(), Reason::DiskFull, "{error:?}");
    assert!(error.to_string().contains("/var/lib/pct-deploy"), "{error}");
    assert_eq!(
        host.exec("ls -A /small/state/bin").trim(),
        "",
        "a half agent stayed"
    );

    host.exec(
        "rm /var/lib/pct-deploy && rm -f /etc/sudoers.d/* && gpasswd -d ec2-user sudo || true",
    );
    let error = install().await;
    assert_eq!(error.reason(), Reason::AgentUnavailable);
    let command = "sudo install -d -m 0755 -o ec2-user /var/lib/pct-deploy";
    assert!(error.hints().join(" ").contains(command), "{error:?}");
    remote.close().await.unwrap();
}

#[tokio::test]
async fn a_call_is_framed_past_a_chatty_login_and_ends_with_its_code() {
    let host = Host::start("call").await;
    host.exec("echo 'echo welcome; echo motd >&2' >/home/ec2-user/.bashrc; chown ec2-user /home/ec2-user/.bashrc");
    let event = r#"{"reply":"event","seq":1,"at_ms":2,"what":{"kind":"committed"}}"#;
    let script = format!("#!/bin/sh\nread a\necho '{event}'\nread b\necho \"$2 $b\" >&2\nexit 4\n");
    host.write("/home/ec2-user/it's an agent", &script);
    let config = host.config(HostTrust::KnownHosts(host.known_hosts("ed25519")));
    let remote = connect(config).await.unwrap();
    let agent = InstalledAgent {
        path: "/home/ec2-user/it's an agent".to_owned(),
        uploaded: 0,
    };
    let mut call = remote.start(&agent, &Request::Cancel).await.unwrap();
    let Some(Reply::Event(event)) = call.next().await.unwrap() else {
        panic!("no event");
    };
    assert_eq!(event.what, Happening::Committed);
    call.send(&Request::Cancel).await.unwrap();
    assert_eq!(call.next().await.unwrap(), None);
    let end = call.finish().await.unwrap();
    assert_eq!(end.code, Some(4));
    let last = end.stderr_tail.last().unwrap();
    assert_eq!(last, r#"serve {"request":"cancel"}"#);

    let missing = InstalledAgent {
        path: "/nowhere".to_owned(),
        uploaded: 0,
    };
    let mut call = remote.start(&missing, &Request::Cancel).await.unwrap();
    assert_eq!(call.next().await.unwrap(), None);
    assert_eq!(call.finish().await.unwrap().code, Some(127));

    // The host goes away in the middle of a call: an end, not a hang.
    let mut call = remote.start(&agent, &Request::Cancel).await.unwrap();
    assert!(call.next().await.unwrap().is_some());
    host.exec("pkill -KILL -u ec2-user sshd || true");
    assert_eq!(call.next().await.unwrap(), None);
    assert_eq!(call.finish().await.unwrap().code, Some(255));
    let error = remote
        .install_binary(Path::new("/proc/self/exe"), &reporter())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::SshFailed, "{error:?}");
}

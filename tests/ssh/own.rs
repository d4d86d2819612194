//! The user's own ssh: aliases, jump hosts, agent and `known_hosts`, with the real binary.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::children::KeyAgent;
use crate::host::Host;

/// A home of a user. `ssh` takes it from the system's list of users and not from `HOME`, so a program in front of it
/// names this one in the configuration that it is given.
struct Home {
    folder: tempfile::TempDir,
    agent: KeyAgent,
}

impl Home {
    async fn with_key_of(host: &Host) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let script = format!(
            r#"#!/bin/sh
before=
for word; do
  if [ "$before" = -F ] && [ -f "$word" ]; then sed -i 's#~/.ssh/config#{at}/config#; s#/etc/ssh/ssh_config#{at}/none#' "$word"; fi
  before=$word
done
exec /usr/bin/ssh "$@"
"#
        );
        let ssh = folder.path().join("ssh");
        std::fs::write(&ssh, script).unwrap();
        std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
        let agent = KeyAgent::start(folder.path(), &host.key()).await;
        Self { folder, agent }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The configuration, with the place of `known_hosts` for every host.
    fn configure(&self, text: &str) {
        let at = self.folder.path().display();
        self.write(
            "config",
            &format!("{text}\nHost *\n  UserKnownHostsFile {at}/known\n  UseKeychain yes\n"),
        );
    }

    /// What `status` says, and whether it got there: then an agent of ours is on the host.
    fn status(&self, args: &[&str]) -> String {
        let at = self.folder.path().display();
        let output = Command::new(env!("CARGO_BIN_EXE_pct-deploy"))
            .args(["status", "--app", "app"])
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{at}:/usr/bin:/bin"))
            .env("HOME", "/nowhere")
            .env("SSH_AUTH_SOCK", &self.agent.socket)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    }
}

#[tokio::test]
async fn an_alias_an_agent_and_known_hosts_are_enough() {
    let host = Host::start("own").await;
    host.exec("/usr/sbin/sshd -p 2200");
    let home = Home::with_key_of(&host).await;
    let address = host.address();
    home.configure(&format!(
        "Host prod\n  HostName {address}\n  Port 2200\n  User ec2-user\n  StrictHostKeyChecking no\n  LocalForward 127.0.0.1:1 127.0.0.1:1"
    ));

    // A host that nobody has vouched for is refused, whatever the user's file says.
    home.write("known", "");
    let said = home.status(&["--ssh-host", "prod"]);
    assert_eq!(host.agents(), 0, "{said}");
    let name = format!("`prod ({address}:2200)` is not in your `known_hosts`");
    assert!(said.contains(&name), "{said}");
    assert!(said.contains(&host.fingerprint("ed25519")), "{said}");
    assert!(said.contains("answer `yes`: `ssh prod`"), "{said}");
    let written = std::fs::read_to_string(home.folder.path().join("known")).unwrap();
    assert_eq!(written, "", "a key was learnt");

    let known = format!("[{address}]:2200 {}\n", host.public_key("ed25519"));
    home.write("known", &known);
    let said = home.status(&["--ssh-host", "prod"]);
    assert_eq!(host.agents(), 1, "{said}");

    // A setting wins: the port, the key's file, and the fingerprint by the name that the alias means.
    host.exec("rm -r /var/lib/pct-deploy");
    home.write("known", "");
    let print = host.fingerprint("ecdsa");
    let said = home.status(&["--ssh-host", "prod", "--ssh-fingerprint", &print]);
    assert_eq!(host.agents(), 1, "{said}");
    home.write("known", &known.replace("2200", "22"));
    host.exec("rm -r /var/lib/pct-deploy");
    let key = home.folder.path().join("id");
    std::fs::write(&key, host.key().0.expose()).unwrap();
    let with_key = ["--ssh-host=prod", "--ssh-port=1", "--ssh-key=id"];
    let said = home.status(&with_key);
    assert!(said.contains(&format!("`prod ({address}:1)`")), "{said}");

    // Another key in `known_hosts`.
    home.write(
        "known",
        &format!("[{address}]:2200 {}\n", host.user_public_key()),
    );
    let said = home.status(&["--ssh-host", "prod"]);
    assert!(said.contains("has CHANGED"), "{said}");
    assert_eq!(host.agents(), 0, "{said}");
}

#[tokio::test]
async fn jump_hosts_of_the_users_configuration_are_gone_through() {
    let jump = Host::start("own-jump").await;
    let target = Host::start("own-behind").await;
    jump.shared_key(&target);
    let home = Home::with_key_of(&jump).await;
    let inner = "inner.example";
    jump.exec(&format!("echo {} {inner} >>/etc/hosts", target.address()));
    home.configure(&format!(
        "Host prod\n  HostName {inner}\n  User ec2-user\n  ProxyJump hop\nHost hop\n  HostName {}\n  User ec2-user",
        jump.address()
    ));
    let of_target = format!("{inner} {}\n", target.public_key("ed25519"));
    let of_jump = format!("{}\n", jump.known_hosts("ed25519"));

    home.write("known", &of_target);
    let said = home.status(&["--ssh-host", "prod"]);
    assert!(said.contains("through `hop`"), "{said}");
    assert!(
        said.contains("its host key is not in your `known_hosts`"),
        "{said}"
    );
    home.write("known", &of_jump);
    let said = home.status(&["--ssh-host", "prod"]);
    assert!(said.contains(&target.fingerprint("ed25519")), "{said}");
    assert_eq!(target.agents(), 0, "{said}");

    let both = of_target + &of_jump;
    home.write("known", &both);
    let said = home.status(&["--ssh-host", "prod"]);
    assert_eq!(target.agents(), 1, "{said}");

    // The setting wins, and may itself be an alias.
    target.exec("rm -r /var/lib/pct-deploy");
    home.configure(&format!(
        "Host prod\n  HostName {inner}\n  User ec2-user\n  ProxyJump nowhere.invalid\nHost hop\n  HostName {}\n  User ec2-user",
        jump.address()
    ));
    let said = home.status(&["--ssh-host", "prod"]);
    assert!(said.contains("through `nowhere.invalid`"), "{said}");
    let said = home.status(&["--ssh-host", "prod", "--ssh-jump-host", "hop"]);
    assert_eq!(target.agents(), 1, "{said}");
}

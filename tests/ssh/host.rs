//! A container with an `sshd`, and all that is needed to log in.

use std::process::{Command, Stdio};
use std::time::Duration;

use pct_deploy::config::types::{HostTrust, SshConfig, SshFiles, SshKey};
use pct_deploy::report::{ConsoleMode, Reporter};
use pct_deploy::secret::Redactor;
use pct_deploy::secret::Secret;

const IMAGE: &str = "pct-sandbox/host-v2";

pub(crate) fn reporter() -> Reporter {
    Reporter::new(ConsoleMode::Terminal, Redactor::default())
}

/// Settings that lead nowhere, to be completed.
pub(crate) fn nowhere() -> SshConfig {
    SshConfig {
        host: "127.0.0.1".to_owned(),
        port: None,
        user: Some("ec2-user".to_owned()),
        key: Some(generate_key().0),
        files: SshFiles::Unread,
        trust: HostTrust::KnownHosts(String::new()),
        jump: None,
        connect_timeout: "5s".parse().unwrap(),
    }
}

/// A running container, removed when dropped.
pub(crate) struct Host {
    name: String,
    address: String,
    key: SshKey,
    public: String,
}

impl Host {
    pub(crate) async fn start(purpose: &str) -> Self {
        let name = format!("pct-ssh-test-{purpose}-{}", std::process::id());
        let (key, public) = generate_key();
        let boot = "mkdir -p /run/sshd /small/state; rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -A; for kind in ed25519 ecdsa rsa; do echo HostKey /etc/ssh/ssh_host_${kind}_key; done >/etc/ssh/sshd_config.d/keys.conf; exec /usr/sbin/sshd -D -e";
        docker(&[
            "run",
            "-d",
            "--rm",
            "--name",
            &name,
            "--tmpfs",
            "/small:size=1m",
            "--entrypoint",
            "sh",
            IMAGE,
            "-c",
            boot,
        ]);
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "-f", format, &name]).trim().to_owned();
        let host = Self {
            name,
            address,
            key,
            public,
        };
        host.admit(&host.public);
        for _ in 0..200 {
            if std::net::TcpStream::connect((host.address.as_str(), 22)).is_ok() {
                return host;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no sshd in {}", host.name);
    }

    pub(crate) fn config(&self, trust: HostTrust) -> SshConfig {
        SshConfig {
            host: self.address.clone(),
            key: Some(self.key.clone()),
            trust,
            ..nowhere()
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn known_hosts_name(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn public_key(&self, kind: &str) -> String {
        self.exec(&format!("cut -d' ' -f1,2 /etc/ssh/ssh_host_{kind}_key.pub"))
            .trim()
            .to_owned()
    }

    pub(crate) fn known_hosts(&self, kind: &str) -> String {
        format!("{} {}", self.address, self.public_key(kind))
    }

    pub(crate) fn fingerprint(&self, kind: &str) -> String {
        self.exec(&format!(
            "ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub | cut -d' ' -f2"
        ))
        .trim()
        .to_owned()
    }

    pub(crate) fn user_public_key(&self) -> &str {
        self.public.trim()
    }

    /// The key that it lets in.
    pub(crate) fn key(&self) -> SshKey {
        self.key.clone()
    }

    /// How many agents are installed there.
    pub(crate) fn agents(&self) -> usize {
        let listed = self.exec("find /var/lib/pct-deploy/bin -type f 2>/dev/null || true");
        listed.lines().count()
    }

    pub(crate) fn another_key(&self) -> SshKey {
        generate_key().0
    }

    /// This host's key, let in by the other one too.
    pub(crate) fn shared_key(&self, other: &Self) -> SshKey {
        other.admit(&self.public);
        self.key.clone()
    }

    fn admit(&self, public: &str) {
        self.exec(&format!(
            "mkdir -p /home/ec2-user/.ssh && echo '{}' >>/home/ec2-user/.ssh/authorized_keys && chown -R ec2-user /home/ec2-user/.ssh && chmod -R go= /home/ec2-user/.ssh",
            public.trim()
        ));
    }

    /// Runs a line as root.
    pub(crate) fn exec(&self, line: &str) -> String {
        docker(&["exec", &self.name, "sh", "-c", line])
    }

    /// Writes an executable file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        use std::io::Write as _;
        let mut child = Command::new("docker")
            .args([
                "exec",
                "-i",
                &self.name,
                "sh",
                "-c",
                "cat >\"$1\" && chmod 755 \"$1\"",
                "sh",
                path,
            ])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(
            Command::new("docker")
                .args(["rm", "-f", &self.name])
                .output(),
        );
    }
}

fn generate_key() -> (SshKey, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let key = std::fs::read_to_string(&path).unwrap();
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (SshKey(Secret::new(key)), public)
}

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker")
        .args(args)
        .output()
        .expect("the docker client is needed");
    assert!(
        output.status.success(),
        "docker {args:?}: {}\nthe sandbox is needed: scripts/engine start && scripts/images",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

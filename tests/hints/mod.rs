//! What errors and hints tell people to type on a machine, each with how it is tried. Two tests share this list: one finds
//! every command in the source and in the list, the other runs what is in the list.

/// How a command is known to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    /// It ends with 0 on a server with a deployed app, typed by the SSH user as it stands, with these words for its
    /// placeholders.
    AsItStands(&'static [&'static str]),
    /// The same of another spelling of it: one that asks nobody, changes nothing, or ends by itself.
    As(&'static str),
    /// By a test of its own.
    By(&'static str),
    /// It is typed on another kind of machine, or only says which package is meant.
    Elsewhere,
}

use Tried::{As, AsItStands, By, Elsewhere};

/// The text between backticks in the source, and how it is tried.
pub(crate) const COMMANDS: &[(&str, Tried)] = &[
    (
        "cd {} && {} -f {} config",
        AsItStands(&["/home/ec2-user", "docker compose", "docker-compose.yml"]),
    ),
    ("df -h", AsItStands(&[])),
    ("df -i", AsItStands(&[])),
    ("docker build -f {} {}", As("docker build --help")),
    ("docker compose", As("docker compose version")),
    (
        "docker compose logs {}",
        As("cd /home/ec2-user && docker compose logs hello-1"),
    ),
    (
        "docker compose logs {service}",
        As("cd /home/ec2-user && docker compose logs hello-1"),
    ),
    ("docker compose up -d nginx", As("docker compose up --help")),
    (
        "docker exec {name} nginx -s reload",
        By("contained: its hints"),
    ),
    ("docker exec {name} nginx -t", By("contained: its hints")),
    ("docker image rm {first}", As("docker image rm --help")),
    ("docker image prune -a", As("docker image prune -a -f")),
    ("docker kill", As("docker kill --help")),
    ("docker logs {name}", As("docker logs --help")),
    (
        "docker network create {name}",
        As("docker network create --help"),
    ),
    ("docker pull", As("docker pull --help")),
    ("docker push {name}", As("docker push --help")),
    ("docker rm -f", As("docker rm -f no-such-container")),
    ("docker stop", As("docker stop --help")),
    ("docker stop {container}", As("docker stop --help")),
    ("docker system df", AsItStands(&[])),
    ("docker system prune", As("docker system prune -f")),
    ("docker-compose", Elsewhere),
    ("docker-compose version --short", Elsewhere),
    (
        "sudo journalctl -u ssh -u sshd",
        As("sudo journalctl --no-pager -n 1 -u ssh -u sshd"),
    ),
    ("ls -la {STATE_ROOT}", AsItStands(&["/var/lib/pct-deploy"])),
    (
        "mv {0} {0}.damaged",
        As(
            "cd /var/lib/pct-deploy/hello && touch open.jsonl.test && mv open.jsonl.test open.jsonl.test.damaged && rm open.jsonl.test.damaged",
        ),
    ),
    (
        "mv {0} {0}.unreadable",
        As(
            "cd /var/lib/pct-deploy/hello && touch of-a-hint && mv of-a-hint of-a-hint.unreadable && rm of-a-hint.unreadable",
        ),
    ),
    ("puttygen KEY.ppk -O private-openssh -o KEY", Elsewhere),
    (
        "rm {}",
        As("touch /var/lib/pct-deploy/hello/of-a-hint && rm /var/lib/pct-deploy/hello/of-a-hint"),
    ),
    ("ssh-add", As("command -v ssh-add")),
    (
        "ssh-keygen -lf",
        As("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"),
    ),
    (
        "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        AsItStands(&[]),
    ),
    (
        "ssh-keygen -lf /etc/ssh/{file}",
        AsItStands(&["ssh_host_ed25519_key.pub"]),
    ),
    (
        "ssh-keygen -p -N '' -f COPY",
        As(
            "cd $(mktemp -d) && ssh-keygen -q -t ed25519 -N secret -f COPY && ssh-keygen -p -P secret -N '' -f COPY",
        ),
    ),
    (
        "ssh-keygen -t ed25519 -N '' -f deploy",
        As("cd $(mktemp -d) && ssh-keygen -t ed25519 -N '' -f deploy"),
    ),
    (
        "ssh-keygen -t ed25519 -N '' -f deploy_key",
        As("cd $(mktemp -d) && ssh-keygen -t ed25519 -N '' -f deploy_key"),
    ),
    (
        "ssh-keygen -R '{}'",
        As("touch ~/.ssh/known_hosts && ssh-keygen -R '[203.0.113.7]:2205'"),
    ),
    ("ssh-keyscan HOST", As("ssh-keyscan 127.0.0.1")),
    ("sudo", As("sudo -n true")),
    ("sudo -n", As("sudo -n true")),
    ("sudo -n {what}", By("sudoers: what is printed is enough")),
    ("sudo apt-get install docker-compose-plugin", Elsewhere),
    (
        "sudo apt-get install nginx",
        As("dpkg -s nginx || dpkg -s nginx-light"),
    ),
    (
        "sudo chown -R {user} {STATE_ROOT}",
        AsItStands(&["ec2-user", "/var/lib/pct-deploy"]),
    ),
    (
        "sudo dmesg | grep -i oom",
        As("command -v dmesg && sudo -n -l dmesg"),
    ),
    ("sudo dnf install nginx", Elsewhere),
    (
        "sudo fallocate -l 2G /swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && sudo swapon /swapfile",
        As(
            "for program in fallocate mkswap swapon; do sudo sh -c \"command -v $program\" || exit 1; done",
        ),
    ),
    (
        "sudo lslocks -u | grep {}",
        As(
            "cd /var/lib/pct-deploy/hello && touch of-a-hint && flock of-a-hint sh -c 'sudo lslocks -u | grep $PWD/of-a-hint' && rm of-a-hint",
        ),
    ),
    (
        "sudo modprobe -a inet_diag tcp_diag",
        As("sudo sh -c 'command -v modprobe'"),
    ),
    ("sudo systemctl start nginx", AsItStands(&[])),
    ("sudo timedatectl set-ntp true", Elsewhere),
    (
        "sudo install -d -m 0755 -o {user} {STATE_ROOT}",
        AsItStands(&["ec2-user", "/var/lib/pct-deploy"]),
    ),
    ("sudo nginx -s reload", AsItStands(&[])),
    ("sudo nginx -T | grep -n server_name", AsItStands(&[])),
    ("sudo nginx -t", AsItStands(&[])),
    ("sudo nginx -t && sudo nginx -s reload", AsItStands(&[])),
    (
        "sudo rm {}",
        As("sudo touch /etc/nginx/conf.d/of-a-hint && sudo rm /etc/nginx/conf.d/of-a-hint"),
    ),
    (
        "sudo sed -i '1s/^\\xEF\\xBB\\xBF//' FILE",
        As(
            "cd $(mktemp -d) && printf '\\357\\273\\277a' >FILE && sudo sed -i '1s/^\\xEF\\xBB\\xBF//' FILE && [ \"$(cat FILE)\" = a ]",
        ),
    ),
    ("sudo snap remove docker", Elsewhere),
    ("sudo ss -ltnp 'sport = :{}'", AsItStands(&["80"])),
    (
        "sudo systemctl restart docker",
        As("sudo systemctl restart --dry-run docker || systemctl cat docker"),
    ),
    ("sudo systemctl start docker", AsItStands(&[])),
    ("sudo systemctl status nginx", AsItStands(&[])),
    (
        "sudo usermod -aG docker $USER",
        As("sudo usermod -aG docker ec2-user"),
    ),
    (
        "sudo usermod -aG docker \"$USER\"",
        As("sudo usermod -aG docker \"ec2-user\""),
    ),
    (
        "sudo visudo -f /etc/sudoers.d/pct-deploy",
        As("sudo EDITOR=true visudo -f /etc/sudoers.d/pct-deploy"),
    ),
    (
        "sudo {RECOVER}",
        AsItStands(&["/var/lib/pct-deploy/bin/current agent recover"]),
    ),
    (
        "{} agent recover",
        AsItStands(&["/var/lib/pct-deploy/bin/current"]),
    ),
    (
        "{RECOVER}",
        AsItStands(&["/var/lib/pct-deploy/bin/current agent recover"]),
    ),
    (
        "apt-get install openssh-client",
        As("dpkg -s openssh-client"),
    ),
    ("uptime", AsItStands(&[])),
    ("ps", AsItStands(&[])),
];

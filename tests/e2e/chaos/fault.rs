//! What can go wrong.

use crate::world::{Started, World, docker};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// SIGKILL of the worker.
    AgentKilled,
    /// SIGKILL of the runner.
    RunnerKilled,
    /// Every SSH session of the user ends.
    ConnectionCut,
    /// SIGKILL of the Docker daemon; systemd brings it back.
    DockerKilled,
    /// SIGKILL of nginx's master process; systemd brings it back.
    NginxKilled,
    /// SIGKILL of the new slot's process, as the OOM killer does it.
    SlotKilled,
    /// No room for a byte where the app's state is.
    DiskFull,
    /// The registry does not answer the host.
    RegistryGone,
    /// Another deploy of the same app begins.
    SecondDeploy,
    /// The server goes down and comes up.
    Reboot,
}

const STATE: &str = "/var/lib/pct-deploy/hello";

impl Fault {
    pub(super) const ALL: [Self; 10] = [
        Self::AgentKilled,
        Self::RunnerKilled,
        Self::ConnectionCut,
        Self::DockerKilled,
        Self::NginxKilled,
        Self::SlotKilled,
        Self::DiskFull,
        Self::RegistryGone,
        Self::SecondDeploy,
        Self::Reboot,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AgentKilled => "agent killed",
            Self::RunnerKilled => "runner killed",
            Self::ConnectionCut => "ssh cut",
            Self::DockerKilled => "dockerd killed",
            Self::NginxKilled => "nginx killed",
            Self::SlotKilled => "slot killed",
            Self::DiskFull => "disk full",
            Self::RegistryGone => "registry gone",
            Self::SecondDeploy => "second deploy",
            Self::Reboot => "reboot",
        }
    }

    /// What must be so before the swap begins.
    pub(super) fn prepare(self, world: &World) {
        if matches!(self, Self::DockerKilled | Self::NginxKilled) {
            // systemd gives up on what dies three times a minute; here it dies at every step.
            world.ask_host("systemctl reset-failed docker nginx");
        }
        if self == Self::DiskFull {
            // A disk of its own, so that filling it harms nobody else.
            world.ask_host(&format!(
                "mkdir /tmp/state && cp -a {STATE}/. /tmp/state/ && mount -t tmpfs -o size=4m,mode=755 state {STATE} && \
                 cp -a /tmp/state/. {STATE}/ && chown ec2-user:ec2-user {STATE}"
            ));
            // nginx has the old log file open.
            world.ask_host("nginx -s reload");
        }
    }

    /// Happens now, while the worker stands still.
    pub(super) fn strike(self, world: &World, run: &mut Started) {
        match self {
            Self::AgentKilled => drop(world.ask_host("pkill -9 -f 'agent wor[k]'")),
            Self::RunnerKilled => run.child.kill().unwrap(),
            Self::ConnectionCut => drop(world.ask_host("pkill -9 -f 'sshd.*: ec2-use[r]'")),
            Self::DockerKilled => drop(world.ask_host("pkill -9 -x dockerd")),
            Self::NginxKilled => drop(world.ask_host("kill -9 $(cat /run/nginx.pid)")),
            // Before it is started there is none to kill.
            Self::SlotKilled => drop(world.on_host("docker kill -s KILL $(docker ps -q --filter label=com.docker.compose.service=$(cat /tmp/new-slot))")),
            Self::DiskFull => drop(world.ask_host(&format!("dd if=/dev/zero of={STATE}/filler bs=4k 2>/dev/null; ! echo x >{STATE}/more 2>/dev/null"))),
            Self::RegistryGone => world.cut_registry(),
            Self::SecondDeploy => {}
            Self::Reboot => drop(docker(&["restart", "-t", "0", &world.env.container])),
        }
    }

    /// The cause is gone.
    pub(super) fn mend(self, world: &World) {
        match self {
            Self::DiskFull => drop(world.ask_host(&format!("rm -f {STATE}/filler {STATE}/more"))),
            Self::RegistryGone => world.restore_registry(),
            Self::Reboot => world.wait_until("the host is up again", |world| {
                world
                    .on_host("systemctl is-active --quiet docker nginx ssh && docker info")
                    .status
                    .success()
            }),
            Self::AgentKilled
            | Self::RunnerKilled
            | Self::ConnectionCut
            | Self::DockerKilled
            | Self::NginxKilled
            | Self::SlotKilled
            | Self::SecondDeploy => {}
        }
    }

    /// Everything as it was before `prepare`.
    pub(super) fn clean_up(self, world: &World) {
        if self == Self::DiskFull {
            world.ask_host(&format!(
                "rm -rf /tmp/state && cp -a {STATE} /tmp/state && umount -l {STATE} && rm -rf {STATE} && cp -a /tmp/state {STATE} && rm -rf /tmp/state && nginx -s reload"
            ));
        }
    }
}

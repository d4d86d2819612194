//! Every fault on its own: how it is planted on a healthy host, and what is to be said of it.

use super::{COMPOSE, MIB, compose, machine, remove, replace, runs, server, write};
use crate::agent::tests::{behaves, image};
use crate::host::facts::Inodes;
use crate::host::nginx::flag::FlagVersion;
use crate::host::sim::{Behaviour, FOLDER, INCLUDE, SimHost};
use crate::protocol::doctor::DoctorCheck;
use crate::protocol::doctor::DoctorCheck as Is;
use crate::protocol::plan::Site;

pub(super) const ALL: [&[Plant]; 4] = [MACHINE, PROJECT, NGINX, RUNNING];

/// A fault, how it is planted, and what is said of it and of its fix.
pub(super) type Plant = (
    DoctorCheck,
    fn(&SimHost, &mut Site),
    &'static str,
    &'static str,
);

const MACHINE: &[Plant] = &[
    (
        Is::DockerUnusable,
        |host, _| host.faults.always.set(Some("docker")),
        "docker is not usable",
        "usermod -aG docker",
    ),
    (
        Is::PlatformDiffers,
        |_, site| site.platform = "linux/arm64".into(),
        "built for linux/arm64",
        "`platform: linux/amd64`",
    ),
    (
        Is::DockerIsSnap,
        |host, _| host.faults.docker_is_snap.set(true),
        "a snap",
        "docs.docker.com",
    ),
    (
        Is::DockerEndsContainers,
        |host, _| host.faults.no_live_restore.set(true),
        "end with the Docker daemon",
        "provision --host local",
    ),
    (
        Is::KernelSilent,
        |host, _| host.faults.silent_kernel.set(true),
        "does not tell",
        "modprobe",
    ),
    (
        Is::DiskFull,
        |host, _| host.faults.free_bytes.set(Some(20 * MIB)),
        "has 20 MiB left",
        "docker system df",
    ),
    (
        Is::DiskLow,
        |host, _| host.faults.free_bytes.set(Some(256 * MIB)),
        "may not fit",
        "docker system df",
    ),
    (
        Is::InodesLow,
        |host, _| {
            host.faults.inodes.set(Some(Inodes {
                free: 9,
                total: 1000,
            }));
        },
        "9 of 1000 inodes",
        "`df -i`",
    ),
    (
        Is::MemoryShort,
        |host, _| machine(host, 4096, 100, 1024),
        "may take 512 MiB",
        "swapon",
    ),
    (
        Is::NoSwap,
        |host, _| machine(host, 1024, 900, 0),
        "1024 MiB of memory and no swap",
        "swapon",
    ),
    (
        Is::SudoRefused,
        |host, _| host.faults.always.set(Some("may_as_root")),
        "sudo refuses",
        "visudo",
    ),
    (
        Is::NotKeptWell,
        |host, _| remove(host, "/etc/systemd/system/pct-deploy-settle.timer"),
        "pct-deploy-settle.timer",
        "provision --host local",
    ),
];

const PROJECT: &[Plant] = &[
    (
        Is::ProjectUnusable,
        |host, _| host.faults.always.set(Some("compose_config")),
        "compose refuses",
        "docker compose -f",
    ),
    (
        Is::VariableUnset,
        |host, _| host.world.borrow_mut().unset = vec!["DB_PASSWORD".into()],
        "nobody sets `DB_PASSWORD`",
        "/home/u/.env",
    ),
    (
        Is::SlotHasNoLimit,
        |host, _| compose(host, "mem_limit: 512m, ", ""),
        "`web-1` and `web-2`",
        "mem_limit: 512m",
    ),
    (
        Is::SlotStaysDown,
        |host, _| compose(host, "unless-stopped", "'no'"),
        "no restart policy",
        "`restart: unless-stopped`",
    ),
    (
        Is::SlotIsPublic,
        |host, _| compose(host, "127.0.0.1:8081", "8081"),
        "the port of `web-2`",
        "`127.0.0.1:`",
    ),
    (
        Is::SlotsDiffer,
        |host, _| {
            compose(
                host,
                "['127.0.0.1:8081:80'],",
                "['127.0.0.1:8081:80'], environment: {A: 1},",
            );
        },
        "differ in `environment`",
        "the same for both",
    ),
    (
        Is::NoHealthPath,
        |_, site| site.health.path = None,
        "no `health-path`",
        "write `health-path`",
    ),
    (
        Is::AppOfAnother,
        |host, _| {
            replace(
                host,
                &format!("{FOLDER}/app.json"),
                "/home/u",
                "/home/other",
            );
        },
        "belongs to",
        "correct `project-directory`",
    ),
];

const NGINX: &[Plant] = &[
    (
        Is::NginxMissing,
        |host, _| host.faults.no_nginx.set(true),
        "no nginx on the host",
        "apt-get install nginx",
    ),
    (
        Is::NginxRefuses,
        |host, _| host.faults.always.set(Some("nginx_config")),
        "refuses its present",
        "sudo nginx -t",
    ),
    (
        Is::NginxDown,
        |host, _| host.faults.nginx_down.set(true),
        "does not run",
        "systemctl start nginx",
    ),
    (
        Is::IncludeMissing,
        |host, _| remove(host, INCLUDE),
        "does not exist",
        "pct-deploy provision",
    ),
    (
        Is::FileCache,
        |host, _| {
            write(
                host,
                "/etc/nginx/nginx.conf",
                "http { open_file_cache max=9; include /etc/nginx/conf.d/*.conf; }",
            );
        },
        "`open_file_cache max=9;`",
        "open_file_cache off;",
    ),
    (
        Is::IncludeMisplaced,
        |host, _| {
            server(
                host,
                &format!("location ~ ^/a {{ include {INCLUDE}; proxy_pass $service_url; }}"),
            );
        },
        "cannot be looked at",
        "into the `server` block",
    ),
    (
        Is::IncludeUnusable,
        |host, _| replace(host, INCLUDE, "set ", "set  "),
        "cannot be used",
        "provision` again",
    ),
    (
        Is::NoServerBlock,
        |host, _| server(host, "location / { proxy_pass $service_url; }"),
        "no `server` block",
        "to the server block",
    ),
    (
        Is::NginxFilesEarlier,
        |host, _| {
            host.world
                .borrow_mut()
                .provisioned_earlier(FlagVersion::One);
        },
        "an earlier version",
        "provision --host local",
    ),
    (
        Is::LocationUnmeasured,
        |host, _| {
            server(
                host,
                &format!(
                    "include {INCLUDE}; location /api {{ access_log off; proxy_pass $service_url; }}"
                ),
            );
        },
        "`location /api` are not measured",
        "into the `server` block",
    ),
];

const RUNNING: &[Plant] = &[
    (
        Is::SlotsUnclear,
        |host, _| host.faults.always.set(Some("projects_of")),
        "which compose project",
        "on the host",
    ),
    (
        Is::OtherProject,
        |host, _| {
            for container in host.world.borrow_mut().containers.values_mut() {
                container.project = "old".into();
                container.networks = vec!["old_default".into()];
            }
        },
        "in the compose project `old`",
        "`slots: web-1@old, web-2@old`",
    ),
    (
        Is::NetworkMissing,
        |host, _| {
            let networks = "depends_on: [db], networks: [default, edge]";
            let text = COMPOSE.replace("depends_on: [db]", networks);
            host.set_compose(&format!("{text}networks: {{edge: {{external: true}}}}\n"));
        },
        "the network `edge`",
        "docker network create edge",
    ),
    (
        Is::NetworkLacking,
        |host, _| {
            let mut world = host.world.borrow_mut();
            let live = world.containers.get_mut("web-2").unwrap();
            live.networks.push("extra".into());
        },
        "on the network `extra`",
        "add it to `networks`",
    ),
    (
        Is::PortTaken,
        |host, _| host.faults.taken.set(Some(8080)),
        "port 8080 of slot `web-1`",
        "sudo ss",
    ),
    (
        Is::LiveSlotDown,
        |host, _| runs(host, "web-2", false),
        "slot `web-2`, whose container",
        "agent recover",
    ),
    (
        Is::LiveSlotUnhealthy,
        |host, _| behaves(host, 2, Behaviour::Unhealthy),
        "health check `/health`",
        "compose logs web-2",
    ),
    (
        Is::LiveSlotRestarts,
        |host, _| host.faults.restarts.set(5),
        "5 times",
        "compose logs web-2",
    ),
    (
        Is::BothSlotsRun,
        |host, _| runs(host, "web-1", true),
        "both slots run",
        "agent recover",
    ),
    (
        Is::DependencyDown,
        |host, _| runs(host, "db", false),
        "`db`, which",
        "compose logs db",
    ),
    (
        Is::DeployCutShort,
        |host, _| {
            write(host, &format!("{FOLDER}/open.jsonl"), "0");
            host.world.borrow_mut().now_ms += 3_600_000;
        },
        "left its journal open",
        "agent recover",
    ),
    (
        Is::RecordUnreadable,
        |host, _| {
            let log = format!("{FOLDER}/events/20260101T000009Z-000000.jsonl");
            write(host, &log, "{\"version\":99}\n{\"seq\":1}\n");
        },
        "20260101T000009Z-000000 cannot be read",
        "mv ",
    ),
    (
        Is::LiveNotRecorded,
        |host, _| {
            host.world
                .borrow_mut()
                .containers
                .get_mut("web-2")
                .unwrap()
                .release = None;
        },
        "a container that no deploy started",
        "`rollback` with `--to ",
    ),
    (
        Is::ImagesToPrune,
        |host, _| {
            host.world
                .borrow_mut()
                .images
                .extend([image(9).to_string()]);
        },
        "1 images",
        "docker image rm user/app@",
    ),
];

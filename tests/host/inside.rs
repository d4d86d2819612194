//! Tests that run on a server, as a user with `sudo` and Docker. They leave nothing behind.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use pct_deploy::host::error::Trouble;
use pct_deploy::host::facts::{ComposeTool, Incident, OomKilled, RunState, SlotUpstream};
use pct_deploy::host::linux::LinuxHost;
use pct_deploy::host::nginx::NginxAt;
use pct_deploy::host::{
    Access, Clock as _, Containers as _, Durability, Files as _, Machine as _, Network as _, Owner,
    Proxy as _, RecreatePolicy,
};
use tokio::net::TcpStream;

use super::project::{COMPOSE, World, name};
use super::sandbox::{run, try_run};

const WEB: &str = "127.0.0.1:18099";

#[tokio::test]
#[ignore = "runs on a server"]
async fn a_service_is_started_watched_stopped_and_removed() {
    let world = World::new(COMPOSE).await;
    let (host, project) = (&world.host, &world.project);
    let config = host.compose_config(project).await.unwrap();
    assert!(config.yaml.contains("18099"), "{config:?}");

    let web = world.up("web", RecreatePolicy::Fresh).await;
    assert_eq!(world.up("web", RecreatePolicy::Keep).await, web);
    let web = {
        let fresh = world.up("web", RecreatePolicy::Fresh).await;
        assert_ne!(fresh, web);
        fresh
    };
    let facts = host
        .container(project, &name("web"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(facts.id, web);
    assert_eq!(facts.run, RunState::Running);
    assert_eq!(facts.memory_limit, Some(64 * 1024 * 1024));
    assert_eq!(facts.release.as_deref(), Some("0123456789ab"));
    assert_eq!(facts.image, None, "the image was never in a registry");
    let [(ip, 8080)] = facts.exposed.as_slice() else {
        panic!("{:?}", facts.exposed)
    };
    let inner = SocketAddr::new(*ip, 8080);

    let outer: SocketAddr = WEB.parse().unwrap();
    let published = SlotUpstream::Published(outer);
    let started = Instant::now();
    while !host.accepts(inner).await || !host.accepts(outer).await {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it never listens"
        );
    }
    assert_eq!(host.connections_to(&published).await.unwrap(), 0);
    let connection = TcpStream::connect(outer).await.unwrap();
    host.sleep(Duration::from_millis(200)).await;
    assert_eq!(
        host.connections_to(&published).await.unwrap(),
        1,
        "ours, not docker-proxy's"
    );
    drop(connection);

    let since = host.now_ms();
    host.compose_stop(project, &name("web"), Duration::from_secs(1))
        .await
        .unwrap();
    let facts = host
        .container(project, &name("web"))
        .await
        .unwrap()
        .unwrap();
    assert!(
        matches!(
            facts.run,
            RunState::Ended {
                oom: OomKilled::No,
                ..
            }
        ),
        "{facts:?}"
    );
    assert!(!host.accepts(outer).await);
    let incidents = host.incidents(&web, since).await.unwrap();
    assert!(
        // It ignores SIGTERM, so the engine kills it when its second is over.
        matches!(
            incidents.as_slice(),
            [Incident::KilledThroughDocker, Incident::Died(137)]
        ),
        "{incidents:?}"
    );
    world.end().await;
}

#[tokio::test]
#[ignore = "runs on a server"]
async fn a_crash_a_restart_and_an_oom_kill_are_seen() {
    let world = World::new(COMPOSE).await;
    let host = &world.host;

    let since = host.now_ms();
    let crash = world.up("crash", RecreatePolicy::Fresh).await;
    world
        .wait_for(
            "crash",
            RunState::Ended {
                code: 3,
                oom: OomKilled::No,
            },
        )
        .await;
    let asked = Instant::now();
    assert_eq!(
        host.incidents(&crash, since).await.unwrap(),
        [Incident::Died(3)]
    );
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "it waited for events"
    );
    assert!(
        host.incidents(&crash, host.now_ms())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        host.container_log(&crash, 2).await.unwrap(),
        ["second", "oh no"]
    );
    assert!(
        host.container_log("no-such-container", 2)
            .await
            .unwrap()
            .is_empty()
    );

    let since = host.now_ms();
    let again = world.up("loop", RecreatePolicy::Fresh).await;
    host.sleep(Duration::from_secs(2)).await;
    let incidents = host.incidents(&again, since).await.unwrap();
    assert!(
        incidents.starts_with(&[Incident::Died(4), Incident::Restarted]),
        "{incidents:?}"
    );
    let facts = host
        .container(&world.project, &name("loop"))
        .await
        .unwrap()
        .unwrap();
    assert!(facts.restarts > 0, "{facts:?}");

    // Docker hears of the kill and of the end by two ways, and forgets the first when the second is faster: on a busy
    // machine that happens.
    let killed = RunState::Ended {
        code: 137,
        oom: OomKilled::Yes,
    };
    let (mut since, mut oom) = (0, String::new());
    for _ in 0..5 {
        since = host.now_ms();
        oom = world.up("oom", RecreatePolicy::Fresh).await;
        let ended = |run: &RunState| matches!(run, RunState::Ended { code: 137, .. });
        if world.wait_until("oom", ended).await == killed {
            break;
        }
    }
    world.wait_for("oom", killed).await;
    let incidents = host.incidents(&oom, since).await.unwrap();
    assert!(incidents.contains(&Incident::OutOfMemory), "{incidents:?}");
    assert!(incidents.contains(&Incident::Died(137)), "{incidents:?}");
    world.end().await;
}

#[tokio::test]
#[ignore = "runs on a server"]
async fn a_broken_compose_file_is_refused_with_its_reason() {
    let world = World::new("services: {web: {imago: x}}\nversion: '2.4'\n").await;
    let error = world.host.compose_config(&world.project).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Refused);
    let output = error.output_lines().join("\n");
    assert!(output.contains("imago"), "{output}");
    let broken = world.folder.join("docker-compose.yml");
    world
        .host
        .replace(&broken, COMPOSE.as_bytes(), Owner::Us, Access::Public)
        .await
        .unwrap();
    world.end().await;
}

#[tokio::test]
#[ignore = "runs on a server"]
async fn nginx_reloads_into_new_workers() {
    let host = LinuxHost::new().unwrap();
    assert!(
        host.nginx_config(&NginxAt::Host)
            .await
            .unwrap()
            .contains("http {")
    );
    host.nginx_test(&NginxAt::Host).await.unwrap();
    let before = host.nginx_workers(&NginxAt::Host).await.unwrap();
    assert!(!before.is_empty(), "nginx does not run");
    host.nginx_reload(&NginxAt::Host).await.unwrap();
    let started = Instant::now();
    loop {
        let now = host.nginx_workers(&NginxAt::Host).await.unwrap();
        if now.len() == before.len() && now.iter().all(|worker| !before.contains(worker)) {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{before:?} {now:?}"
        );
        host.sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
#[ignore = "runs on a server"]
async fn root_is_reached_without_a_password() {
    let host = LinuxHost::new().unwrap();
    host.can_act_as_root().await.unwrap();
    let file = Path::new("/etc/pct-host-test");
    run("sudo", &["touch", "/etc/pct-host-test"]);
    let error = host.remove(file, Owner::Us).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Denied);
    host.remove(file, Owner::Root).await.unwrap();
    host.remove(file, Owner::Root).await.unwrap();
    assert!(!file.exists());
    let folder = Path::new("/var/lib/pct-host-test/app");
    host.make_folder(folder).await.unwrap();
    host.replace(&folder.join("x"), b"x", Owner::Us, Access::Private)
        .await
        .unwrap();
    run("sudo", &["rm", "-rf", "/var/lib/pct-host-test"]);
}

#[tokio::test]
#[ignore = "runs on a server"]
async fn a_full_disk_leaves_the_old_file() {
    let host = LinuxHost::new().unwrap();
    let disk = "/var/tmp/pct-host-test-disk";
    try_run("sudo", &["umount", disk]);
    run("mkdir", &["-p", disk]);
    run(
        "sudo",
        &[
            "mount",
            "-t",
            "tmpfs",
            "-o",
            "size=64k,mode=0777",
            "tmpfs",
            disk,
        ],
    );
    let file = Path::new(disk).join("live");
    host.replace(&file, b"old", Owner::Us, Access::Public)
        .await
        .unwrap();
    let big = vec![b'x'; 100_000];
    let error = host
        .replace(&file, &big, Owner::Us, Access::Public)
        .await
        .unwrap_err();
    let appended = host
        .append(&Path::new(disk).join("log"), &big, Durability::Synced)
        .await;
    let left = (
        host.read(&file).await.unwrap(),
        host.list(Path::new(disk)).await.unwrap(),
    );
    let free = host.free_bytes(Path::new(disk)).await.unwrap();
    run("sudo", &["umount", disk]);
    run("rmdir", &[disk]);
    assert_eq!(error.trouble, Trouble::DiskFull);
    assert_eq!(appended.unwrap_err().trouble, Trouble::DiskFull);
    assert_eq!(
        left,
        (
            Some(b"old".to_vec()),
            vec!["live".to_owned(), "log".to_owned()]
        )
    );
    assert!(free < 64 * 1024);
}

#[tokio::test]
#[ignore = "runs on a server"]
async fn the_engine_and_compose_are_known() {
    let host = LinuxHost::new().unwrap();
    let docker = host.docker().await.unwrap();
    assert!(docker.platform.starts_with("linux/"), "{docker:?}");
    assert_eq!(docker.root, Path::new("/var/lib/docker"));
    let is_old = docker.version.starts_with("20.");
    let expected = if is_old {
        ComposeTool::V1
    } else {
        ComposeTool::V2
    };
    assert_eq!(host.compose().await.unwrap(), expected);
}

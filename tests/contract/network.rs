//! What it connects to, and how.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use sandbox::event::Event;

use crate::act::project::LABEL;
use crate::bench::{Bench, Step};

pub(crate) fn fact_19_docker_and_login(bench: &Bench) {
    let nowhere = "unix:///nowhere/docker.sock";
    let runner = bench.runner().env("DOCKER_HOST", nowhere);
    let ended = runner.start(&bench.project).wait();
    assert_eq!(
        (ended.code, ended.output("reason-code")),
        (Some(5), "docker-unavailable")
    );
    assert!(ended.log.contains(nowhere), "{}", ended.log);
    // Without it the socket is found, and the registry, which wants a login, is logged in to although no
    // `docker login` was ever made in that home.
    assert_eq!(bench.good().finished.output("outcome"), "deployed");
    let wrong = bench.runner().input("registry-password", "wrong-password");
    let ended = wrong.start(&bench.project).wait();
    assert_eq!(
        ended.output("reason-code"),
        "registry-unauthorized",
        "{}",
        ended.log
    );
}

/// An `ssh` that notes its arguments and the files they name, and becomes the real one.
fn watched_ssh(folder: &std::path::Path) {
    let at = folder.display();
    let script = format!(
        "#!/bin/sh\nfor word; do echo \"arg $word\"; [ ! -f \"$word\" ] || cat \"$word\"; done >>{at}/seen\n\
         exec /usr/bin/ssh \"$@\"\n"
    );
    let path = folder.join("ssh");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn fact_20_ssh_is_explicit(bench: &Bench) {
    let env = &bench.world.env;
    let step = Step::new(&["status", "--app", "hello", "--slots", "hello-1,hello-2"]);
    watched_ssh(step.folder.path());
    // As it comes out of a secret that was pasted on Windows: CRLF, and no line end at the end.
    let key = std::fs::read_to_string(&env.key).unwrap();
    let key = key.trim_end().replace('\n', "\r\n");
    let path = format!("{}:/usr/bin:/bin", step.folder.path().display());
    let home = step.path("home");
    std::fs::create_dir_all(&home).unwrap();
    let step = step
        .env("PATH", &path)
        .env("HOME", &home.display().to_string())
        .env("PCT_DEPLOY_SSH_HOST", "127.0.0.1")
        .env("PCT_DEPLOY_SSH_PORT", &env.ssh_port.to_string())
        .env("PCT_DEPLOY_SSH_USER", "ec2-user")
        .env("PCT_DEPLOY_SSH_KEY", &key)
        .env(
            "PCT_DEPLOY_SSH_KNOWN_HOSTS",
            &std::fs::read_to_string(&env.known_hosts).unwrap(),
        );
    bench.good();
    let ended = step.run();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    let seen = step.read("seen").to_lowercase().replace('=', " ");
    for option in [
        "arg -f",
        "identitiesonly yes",
        "userknownhostsfile",
        "stricthostkeychecking yes",
        "batchmode yes",
        "connecttimeout",
        "serveraliveinterval",
    ] {
        assert!(seen.contains(option), "`{option}` is not in:\n{seen}");
    }
    assert!(
        !seen.contains(&home.display().to_string().to_lowercase()),
        "{seen}"
    );
    assert_eq!(
        std::fs::read_dir(&home).unwrap().count(),
        0,
        "nothing is left in $HOME"
    );
}

pub(crate) fn fact_24_network(bench: &Bench) {
    // No network at all: the gate says no without missing it.
    let ended = bench.idle().network("none").start(&bench.project).wait();
    assert_eq!(
        (ended.code, ended.output("reason-code")),
        (Some(0), "wrong-label")
    );

    // A proxy is asked for what lies behind it.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    proxy.set_nonblocking(true).unwrap();
    let asked = std::thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut stream = loop {
            match proxy.accept() {
                Ok((stream, _)) => break stream,
                Err(_) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return format!("nobody came: {error}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut request = [0_u8; 4096];
        let length = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 403 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let event = Event::labeled(crate::act::pull(&bench.project), LABEL);
    let step = Step::action(bench, "pull_request", &event)
        .env("http_proxy", &address)
        .env("HTTP_PROXY", &address)
        .env("GITHUB_API_URL", "http://api.github.invalid")
        .env("INPUT_GITHUB-TOKEN", "made-up-token")
        .env("INPUT_IMAGE", "localhost:5000/pct/hello")
        .env("INPUT_CONTEXT", &bench.project.app().display().to_string())
        .env("INPUT_SSH-HOST", "127.0.0.1")
        .env("INPUT_SSH-PORT", "9")
        .env(
            "INPUT_SSH-KEY",
            &std::fs::read_to_string(&bench.world.env.key).unwrap(),
        )
        .env(
            "INPUT_SSH-KNOWN-HOSTS",
            &std::fs::read_to_string(&bench.world.env.known_hosts).unwrap(),
        );
    step.run();
    let asked = asked.join().unwrap();
    assert!(
        asked.starts_with("GET http://api.github.invalid/repos/"),
        "{asked}"
    );
}

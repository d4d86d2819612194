//! The tests of `inside`, on both kinds of server, as the user of an SSH session.

use super::sandbox::{run, setting, try_run};

fn in_container(container: &str) {
    let user = setting("SANDBOX_SSH_USER");
    let program = std::env::current_exe().unwrap();
    let there = "/var/tmp/pct-host-test";
    run(
        "docker",
        &[
            "cp",
            program.to_str().unwrap(),
            &format!("{container}:{there}"),
        ],
    );
    let environment = format!("HOME=/home/{user}");
    let test = [
        "env",
        &environment,
        there,
        "--ignored",
        "--test-threads=1",
        "--nocapture",
        "--skip",
        "play_a_role",
        "inside::",
    ];
    let mut args = vec!["exec", "-u", &user, "-w", "/", container];
    args.extend(test);
    let output = std::process::Command::new("docker")
        .args(args)
        .output()
        .unwrap();
    try_run("docker", &["exec", container, "rm", "-f", there]);
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_server_of_today() {
    in_container(&setting("SANDBOX_HOST_CONTAINER"));
}

#[test]
fn a_server_with_the_old_compose() {
    in_container(&setting("SANDBOX_HOST_CONTAINER_V1"));
}

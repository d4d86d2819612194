//! Logins for several registries: one for the image, one for a private base image.

use std::fs;

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World, docker};

/// Builds the app's program as an image of its own, and leaves it in the registry alone.
fn push_base(world: &World, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().display().to_string();
    let base = world.context.path().join("Dockerfile.base");
    fs::write(&base, "FROM scratch\nCOPY hello /hello\n").unwrap();
    let (file, context) = (base.display(), world.context.path().display());
    let env = &world.env;
    for args in [
        &[
            "login",
            "-u",
            &env.registry_user,
            "-p",
            &env.registry_password,
            "127.0.0.1:5000",
        ][..],
        &[
            "build",
            "-q",
            "-t",
            name,
            "-f",
            &file.to_string(),
            &context.to_string(),
        ],
        &["push", "-q", name],
        &["rmi", "-f", name],
    ] {
        let done = docker(&[&["--config", &config], args].concat());
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    fs::remove_file(base).unwrap();
}

#[test]
fn each_registry_is_asked_with_its_own_login() {
    let mut world = World::fresh(Host::V2);
    // The same registry under a second name, which needs a line of its own.
    let base = format!("127.0.0.1:5000/pct/registries-base-{}", std::process::id());
    push_base(&world, &base);
    let dockerfile = world.context.path().join("Dockerfile");
    let text = fs::read_to_string(&dockerfile).unwrap();
    let from = "FROM scratch\nCOPY hello /hello\n";
    assert!(text.contains(from));
    fs::write(&dockerfile, text.replace(from, &format!("FROM {base}\n"))).unwrap();
    let (user, password) = (
        world.env.registry_user.clone(),
        world.env.registry_password.clone(),
    );
    world.set("registry-username", "");
    world.set("registry-password", "");

    let one = format!("localhost:5000 {user} {password}");
    world.set("registries", &one);
    let refused = world.deploy(&Release::new("v1"));
    refused.refuses(5, &["has a line in `registries`"]);

    world.set(
        "registries",
        &format!("{one}\n127.0.0.1:5000 {user} {password}\n"),
    );
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v1"));
    // The host's own pull has the login of the image's registry alone, and leaves nothing of it behind.
    let left = world.ask_host(&format!(
        "grep -rlF '{password}' /var/lib/pct-deploy /home/ec2-user /root --exclude-dir=bin || true"
    ));
    assert_eq!(left, "");
}

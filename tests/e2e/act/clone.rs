//! The action from a clean clone: its own Dockerfile compiles it, as for a fork, `uses: ./` or `@main`.
//! The classic builder, which act uses: what `docker build` makes, act finds again.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::project::{LABEL, Project, git};
use super::{ask, github, pull};
use crate::world::{Host, World};

const IMAGE: &str = "pct-deploy-clone";
/// Named, so that the packages stay compiled from one run of the tests to the next.
const DEPENDENCIES: &str = "pct-deploy-dependencies";

/// The whole output of a build that must succeed.
fn build(folder: &Path, more: &[&str]) -> String {
    let output = Command::new("timeout")
        .args(["--kill-after", "10", "1200", "docker", "build"])
        .args(["--force-rm"])
        .args(more)
        .arg(".")
        .env("DOCKER_BUILDKIT", "0")
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "docker build {more:?}: {text}");
    text
}

#[test]
fn a_clean_clone_builds_and_deploys() {
    let world = World::fresh(Host::V2);
    let mut project = Project::clone_of_ours(&world);
    let clone = project.app();

    let began = Instant::now();
    build(&clone, &["--target", "dependencies", "--tag", DEPENDENCIES]);
    build(&clone, &["--tag", IMAGE]);
    let built = began.elapsed();
    let version = ask(&["run", "--rm", IMAGE, "--version"]);
    assert_eq!(version, format!("pct-deploy {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(git(&clone, &["status", "--porcelain"]), "");

    project.commit(&world, "uses-itself", "examples/hello");
    let github = github(&project);
    project.write_event(pull(&project), LABEL);
    let began = Instant::now();
    let job = project.act(&github, &[]);
    let deployed = began.elapsed();
    assert_eq!(
        (job.code, job.result()),
        (Some(0), Some("success")),
        "{}",
        job.log()
    );
    let outputs = job.outputs();
    assert_eq!(
        outputs.get("outcome").map(String::as_str),
        Some("deployed"),
        "{outputs:#?}"
    );
    assert_eq!(world.serves().as_deref(), Some(project.head.as_str()));
    eprintln!(
        "clean clone: its source compiled in Docker in {:.0} s, deployed by act with `uses: ./` in {:.0} s",
        built.as_secs_f64(),
        deployed.as_secs_f64()
    );

    // Another source, the same packages: they are not compiled again.
    let before = ask(&["image", "inspect", "-f", "{{.Id}}", DEPENDENCIES]);
    std::fs::write(clone.join("src/main.rs"), "fn main() {}\n").unwrap();
    build(&clone, &["--target", "dependencies", "--tag", DEPENDENCIES]);
    let after = ask(&["image", "inspect", "-f", "{{.Id}}", DEPENDENCIES]);
    assert_eq!(
        before, after,
        "a change of the source compiles everything again"
    );
    ask(&["image", "rm", IMAGE]);
}

/// What was built beside the sources, and what lies about in a folder, never reaches the builder.
#[test]
fn the_build_context_is_what_the_dockerfile_copies() {
    let world = World::fresh(Host::V2);
    let project = Project::clone_of_ours(&world);
    let clone = project.app();
    std::fs::create_dir_all(clone.join("target/debug")).unwrap();
    for file in ["target/debug/large", ".env", "src.tar", "tests/sandbox/key"] {
        std::fs::write(clone.join(file), "not for the builder").unwrap();
    }
    let everything = project.event().with_file_name("Everything");
    std::fs::write(&everything, "FROM scratch\nCOPY . /\nCMD [\"-\"]\n").unwrap();
    let tag = "pct-deploy-context";
    build(
        &clone,
        &["--tag", tag, "--file", &everything.display().to_string()],
    );
    let container = ask(&["create", tag]);
    let list = Command::new("sh")
        .args(["-c", &format!("docker export {container} | tar -t")])
        .output()
        .unwrap();
    ask(&["rm", &container]);
    ask(&["image", "rm", tag]);
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let ours = git(&clone, &["ls-files"]);
    let sent: BTreeSet<_> = list
        .lines()
        .filter(|path| ours.lines().any(|our| our == *path))
        .collect();
    let wanted = |path: &str| {
        path.starts_with("src/")
            || [
                ".cargo/config.toml",
                "Cargo.lock",
                "Cargo.toml",
                "LICENSE",
                "tests/sandbox/Cargo.toml",
            ]
            .contains(&path)
    };
    let expected: BTreeSet<_> = ours.lines().filter(|path| wanted(path)).collect();
    assert_eq!(sent, expected);
    for stray in ["target/", ".env", "src.tar", "tests/sandbox/key", ".git/"] {
        assert!(!list.lines().any(|path| path.starts_with(stray)), "{stray}");
    }
}

//! Build and push, against a real Docker engine and a real registry with a password.
//!
//! Reads the sandbox's addresses from the file named by `PCT_SANDBOX_ENV`, or from
//! `target/sandbox/env`, which `scripts/sandbox up` writes; fails when it is not there.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod engines;
mod proxy;
mod sandbox;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use pct_deploy::error::{ExitCode, Reason};
use pct_deploy::runner::image::build::{Builder, build_with};
use pct_deploy::runner::image::{build, push};
use sandbox::{Sandbox, reporter};

/// Files that a build must see, and one that it must not.
fn project(root: &Path, dockerfile: &str) {
    fs::create_dir_all(root.join("build/libs")).unwrap();
    fs::create_dir_all(root.join("docs")).unwrap();
    for (name, text) in [
        ("Dockerfile", dockerfile),
        (".dockerignore", "*\n!build/libs/*.jar\n!latest.jar\n"),
        ("build/libs/app.jar", "the app"),
        ("build/libs/app-plain.txt", "not needed"),
        ("docs/secret.txt", "never"),
    ] {
        fs::write(root.join(name), text).unwrap();
    }
    symlink("build/libs/app.jar", root.join("latest.jar")).unwrap();
}

const DOCKERFILE: &str = "FROM debian:bookworm-slim AS base\nARG GREETING=none\nCOPY . /ctx/\n\
    RUN find /ctx -mindepth 1 | sort >/found && readlink /ctx/latest.jar >>/found && echo \"$GREETING\" >/greeting && echo line-from-run\n\
    FROM base AS other\nRUN echo other >/greeting\n";

const FOUND: &str = "/ctx/.dockerignore\n/ctx/Dockerfile\n/ctx/build\n/ctx/build/libs\n/ctx/build/libs/app.jar\n/ctx/latest.jar\nbuild/libs/app.jar";

#[tokio::test]
async fn an_image_is_built_labelled_tagged_and_pushed_by_digest() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), DOCKERFILE);
    let mut config = sandbox.config("built", folder.path());
    config.args = vec![("GREETING".to_owned(), "hello & \"you\"".to_owned())];
    config.target = Some("base".to_owned());
    let labels = [(
        "org.opencontainers.image.revision".to_owned(),
        "0".repeat(40),
    )];
    let tags = [
        "sha-000000000000".parse().unwrap(),
        "latest".parse().unwrap(),
    ];
    let built = build(
        &sandbox.docker,
        &config,
        "linux/amd64",
        &tags,
        &labels,
        &sandbox.logins(),
        &reporter(),
    )
    .await
    .unwrap();
    assert_eq!(sandbox.run_in(&built, "cat /found").trim(), FOUND);
    assert_eq!(
        sandbox.run_in(&built, "cat /greeting").trim(),
        "hello & \"you\""
    );
    let revision = sandbox.inspect(
        &built.id,
        "{{index .Config.Labels \"org.opencontainers.image.revision\"}}",
    );
    assert_eq!(revision.trim(), "0".repeat(40));

    let pinned = push(&sandbox.docker, &built, Some(&sandbox.login), &reporter())
        .await
        .unwrap();
    assert_eq!(pinned.repository, config.repository);
    for tag in &tags {
        let (digest, kind) = sandbox.manifest(&config.repository, tag.as_str()).await;
        assert_eq!(digest, pinned.digest.as_str(), "{tag}");
        assert!(!kind.contains("index") && !kind.contains("list"), "{kind}");
    }
    // Nothing changed, so nothing new.
    let again = push(&sandbox.docker, &built, Some(&sandbox.login), &reporter()).await;
    assert_eq!(again.unwrap(), pinned);
}

/// On a runner of one's own two jobs may build at once, with one name for the image.
#[tokio::test]
async fn builds_of_one_name_at_once_each_get_their_own_image() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    project(
        folder.path(),
        "FROM debian:bookworm-slim\nARG WHO\nRUN echo $WHO >/who\n",
    );
    for builder in [Builder::BuildKit, Builder::Classic] {
        let builds = (0..4).map(|number| {
            let mut config = sandbox.config("at-once", folder.path());
            config.args = vec![("WHO".to_owned(), format!("{builder:?} {number}"))];
            let docker = &sandbox.docker;
            async move {
                let tags = ["latest".parse().unwrap(), "other".parse().unwrap()];
                build_with(builder, docker, &config, "linux/amd64", &tags, &reporter()).await
            }
        });
        let built = futures_util::future::join_all(builds).await;
        for (number, built) in built.into_iter().enumerate() {
            let who = sandbox.run_in(&built.unwrap(), "cat /who");
            assert_eq!(who.trim(), format!("{builder:?} {number}"));
        }
    }
}

#[tokio::test]
async fn the_classic_builder_makes_the_same_image() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), DOCKERFILE);
    let config = sandbox.config("classic", folder.path());
    let tags = ["latest".parse().unwrap()];
    let built = build_with(
        Builder::Classic,
        &sandbox.docker,
        &config,
        "linux/amd64",
        &tags,
        &reporter(),
    )
    .await
    .unwrap();
    assert_eq!(sandbox.run_in(&built, "cat /greeting").trim(), "other");
}

#[tokio::test]
async fn a_dockerfile_outside_the_context_builds() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    project(&folder.path().join("context"), "not this one");
    fs::write(
        folder.path().join("Other"),
        "FROM debian:bookworm-slim\nCOPY latest.jar /\n",
    )
    .unwrap();
    let mut config = sandbox.config("outside", &folder.path().join("context"));
    config.dockerfile = "../Other".into();
    let built = sandbox.build(&config).await.unwrap();
    assert_eq!(
        sandbox.run_in(&built, "ls -d /latest.jar").trim(),
        "/latest.jar"
    );
}

#[tokio::test]
async fn a_large_context_is_streamed() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Dockerfile"),
        "FROM debian:bookworm-slim\nCOPY big /big\nRUN sha256sum /big >/sum && rm /big\n",
    )
    .unwrap();
    let big = folder.path().join("big");
    fs::File::create(&big)
        .unwrap()
        .set_len(300_000_000)
        .unwrap();
    let before = sandbox::resident_peak();
    let built = sandbox
        .build(&sandbox.config("large", folder.path()))
        .await
        .unwrap();
    let grown = sandbox::resident_peak() - before;
    assert!(grown < 60_000, "{grown} kB more in memory");
    assert_eq!(sandbox.run_in(&built, "cut -c1-8 /sum").trim().len(), 8);
}

#[tokio::test]
async fn a_failing_step_ends_with_its_last_lines() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    let dockerfile = "FROM debian:bookworm-slim\nRUN for i in $(seq 50); do echo out-$i; done; echo the-reason; exit 42\n";
    project(folder.path(), dockerfile);
    let config = sandbox.config("failing", folder.path());
    for builder in [Builder::BuildKit, Builder::Classic] {
        let tags = ["latest".parse().unwrap()];
        let error = build_with(
            builder,
            &sandbox.docker,
            &config,
            "linux/amd64",
            &tags,
            &reporter(),
        )
        .await
        .unwrap_err();
        assert_eq!(error.reason(), Reason::BuildFailed);
        assert_eq!(error.code(), ExitCode::HostUntouched);
        let text = format!("{} {}", error.chain().join(": "), error.hints().join(" "));
        assert!(
            text.contains("42") && text.contains("`dockerfile`") && text.contains("`context`"),
            "{text}"
        );
        let tail = error.log_lines();
        assert!(
            tail.len() <= 20 && tail.iter().any(|line| line.contains("the-reason")),
            "{tail:?}"
        );
        assert!(tail.iter().any(|line| line.contains("out-50")), "{tail:?}");
    }
}

#[tokio::test]
async fn mistakes_in_the_dockerfile_are_named() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    for (dockerfile, target, wanted) in [
        (
            "FROM debian:bookworm-slim\nRUNN x\n",
            None,
            "unknown instruction",
        ),
        ("FROM debian:bookworm-slim AS a\n", Some("b"), "`target`"),
        (
            "FROM debian:bookworm-slim\nCOPY missing.txt /\n",
            None,
            "missing.txt",
        ),
        (
            "FROM localhost:5000/pct/no-such-image\n",
            None,
            "no-such-image",
        ),
    ] {
        fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
        let mut config = sandbox.config("mistake", folder.path());
        config.target = target.map(str::to_owned);
        let error = sandbox.build(&config).await.unwrap_err();
        assert_eq!(error.reason(), Reason::BuildFailed, "{dockerfile}");
        let text = format!("{} {}", error.chain().join(": "), error.hints().join(" "));
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[tokio::test]
async fn a_base_image_of_the_same_registry_is_pulled_with_the_login() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Dockerfile"),
        "FROM debian:bookworm-slim\nRUN echo base >/base\n",
    )
    .unwrap();
    let base = sandbox.config("base", folder.path());
    let built = sandbox.build(&base).await.unwrap();
    let pinned = push(&sandbox.docker, &built, Some(&sandbox.login), &reporter())
        .await
        .unwrap();
    sandbox.remove(&built);
    fs::write(
        folder.path().join("Dockerfile"),
        format!("FROM {pinned}\nRUN cat /base\n"),
    )
    .unwrap();
    let built = sandbox
        .build(&sandbox.config("derived", folder.path()))
        .await
        .unwrap();
    assert_eq!(sandbox.run_in(&built, "cat /base").trim(), "base");
}

#[tokio::test]
async fn a_refused_login_names_its_settings_and_is_not_tried_again() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Dockerfile"),
        "FROM scratch\nCOPY Dockerfile /\n",
    )
    .unwrap();
    let built = sandbox
        .build(&sandbox.config("refused", folder.path()))
        .await
        .unwrap();
    let began = std::time::Instant::now();
    let wrong = sandbox.login_with("wrong?>~");
    let error = push(&sandbox.docker, &built, Some(&wrong), &reporter())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::RegistryUnauthorized);
    assert_eq!(error.code(), ExitCode::HostUntouched);
    for name in [
        "`registry-username`",
        "`registry-password`",
        "localhost:5000",
    ] {
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(!format!("{error:?}").contains("wrong?"), "{error:?}");
    let error = push(&sandbox.docker, &built, None, &reporter())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::RegistryUnauthorized);
    assert!(
        error.hints().join(" ").contains("`registry-username`"),
        "{error:?}"
    );
    assert!(began.elapsed().as_secs() < 5);
}

#[tokio::test]
async fn a_registry_that_is_down_for_a_moment_is_tried_again() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Dockerfile"),
        "FROM scratch\nCOPY Dockerfile /\n",
    )
    .unwrap();
    let busy = proxy::Busy::start(&sandbox.registry, 2).await;
    let mut config = sandbox.config("busy", folder.path());
    config.repository = format!("{}/pct/busy", busy.address()).parse().unwrap();
    let built = sandbox.build(&config).await.unwrap();
    let pinned = push(&sandbox.docker, &built, Some(&sandbox.login), &reporter())
        .await
        .unwrap();
    assert_eq!(pinned.repository, config.repository);
    assert!(busy.refused() >= 2);
    sandbox.remove(&built);

    let gone = proxy::Busy::start(&sandbox.registry, usize::MAX).await;
    config.repository = format!("{}/pct/gone", gone.address()).parse().unwrap();
    let built = sandbox.build(&config).await.unwrap();
    let error = push(&sandbox.docker, &built, Some(&sandbox.login), &reporter())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::PushFailed, "{error:?}");
    assert!(error.hints().join(" ").contains("4 times"), "{error:?}");
    sandbox.remove(&built);
}

#[tokio::test]
async fn a_password_with_any_character_reaches_the_registry() {
    let sandbox = Sandbox::open().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Dockerfile"),
        "FROM scratch\nCOPY Dockerfile /\n",
    )
    .unwrap();
    // One of these lands where base64 has a `/` or `+`, whatever stands before it.
    for password in ["???", "a???", "ab???", ">>>~~~"] {
        let seen = proxy::Seen::start().await;
        let mut config = sandbox.config("seen", folder.path());
        config.repository = format!("{}/pct/seen", seen.address()).parse().unwrap();
        let built = sandbox.build(&config).await.unwrap();
        let login = sandbox.login_with(password);
        let error = push(&sandbox.docker, &built, Some(&login), &reporter())
            .await
            .unwrap_err();
        assert_eq!(error.reason(), Reason::RegistryUnauthorized, "{error:?}");
        assert_eq!(seen.password().as_deref(), Some(password));
        sandbox.remove(&built);
    }
}

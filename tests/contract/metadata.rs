//! What a runner reads before it starts anything: `action.yml` and the image.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::act::container::{IMAGE, POST};
use crate::act::project::staged;
use crate::bench::Bench;
use crate::world::{docker, root};

fn action() -> yaml_serde::Value {
    let text = std::fs::read_to_string(staged().join("action.yml")).unwrap();
    yaml_serde::from_str(&text).unwrap()
}

fn ask(args: &[&str]) -> String {
    let output = docker(args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {args:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn fact_01_static_metadata(bench: &Bench) {
    let action = action();
    let runs = &action["runs"];
    assert_eq!(runs["using"].as_str(), Some("docker"));
    let image = runs["image"].as_str().unwrap();
    assert!(!image.contains("${{") && (image == "Dockerfile" || image.starts_with("docker://")));
    let args = runs["args"].as_sequence().unwrap();
    assert_eq!(
        args.iter()
            .filter_map(|arg| arg.as_str())
            .collect::<Vec<_>>(),
        ["action"]
    );
    assert!(runs.get("env").is_none(), "values come as inputs");
    assert_eq!(runs["post-entrypoint"].as_str(), Some(POST));
    // One word, absolute, and the same binary: with the main step's argument it is the post step, which has
    // nothing to do here and says so by saying nothing.
    assert!(POST.starts_with('/') && !POST.contains(' '));
    let post = bench.idle().post(&bench.project, &BTreeMap::new());
    assert_eq!((post.code, post.log.as_str()), (Some(0), ""));
}

pub(crate) fn fact_02_exec_form(_bench: &Bench) {
    let facts = ["Entrypoint", "Cmd", "Shell", "User", "WorkingDir"].map(|fact| {
        let format = format!("{{{{json .Config.{fact}}}}}");
        let answer = docker(&["image", "inspect", "-f", &format, IMAGE]);
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    });
    let [entry_point, cmd, shell, user, folder] = facts;
    assert_eq!(entry_point, r#"["/usr/local/bin/pct-deploy"]"#);
    assert!(["null", "[]"].contains(&cmd.as_str()), "{cmd}");
    assert!(["null", "[]", ""].contains(&shell.as_str()), "{shell}");
    assert_eq!((user.as_str(), folder.as_str()), (r#""""#, r#""""#));
    for shell in ["/bin/sh", "/bin/bash", "/bin/busybox"] {
        let tried = docker(&["run", "--rm", "--entrypoint", shell, IMAGE, "-c", ":"]);
        assert_eq!(tried.status.code(), Some(127), "{shell} is in the image");
    }
}

pub(crate) fn fact_25_image_and_start(bench: &Bench) {
    let release = std::fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    assert!(release.contains("arch: amd64") && release.contains("arch: arm64"));
    assert!(release.contains("imagetools create"), "one name for both");
    ask(&["run", "--rm", "--entrypoint", "/usr/bin/ssh", IMAGE, "-V"]);
    let container = ask(&["create", IMAGE]);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("ca.crt").display().to_string();
    let from = format!("{container}:/etc/ssl/certs/ca-certificates.crt");
    let copied = docker(&["cp", &from, &to]);
    ask(&["rm", &container]);
    assert!(copied.status.success());
    assert!(
        std::fs::read_to_string(to)
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );

    // From `docker run` to the gate's word, beyond what `docker run` takes for itself.
    let idle = bench.idle();
    let best = |run: &dyn Fn()| {
        let time = |_| {
            let began = Instant::now();
            run();
            began.elapsed()
        };
        (0..3).map(time).min().unwrap()
    };
    let nothing = best(&|| {
        ask(&["run", "--rm", "--entrypoint", "/usr/bin/ssh", IMAGE, "-V"]);
    });
    let gate = best(&|| {
        let finished = idle.start(&bench.project).wait();
        assert_eq!(finished.output("outcome"), "skipped");
    });
    let own = gate.saturating_sub(nothing);
    assert!(own < Duration::from_secs(1), "{gate:?} against {nothing:?}");
}

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use futures_util::StreamExt as _;

use super::*;

fn config(root: &Path, dockerfile: impl Into<PathBuf>) -> BuildConfig {
    BuildConfig {
        repository: "u/a".parse().unwrap(),
        tags: Vec::new(),
        context: root.to_owned(),
        dockerfile: dockerfile.into(),
        target: None,
        args: Vec::new(),
        bounds: Bounds::Anywhere,
        settings_file: None,
    }
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Name to type, mode and content or link target.
async fn packed(context: BuildContext) -> BTreeMap<String, (char, u32, String)> {
    let (stream, packing) = context.stream();
    let chunks: Vec<Vec<u8>> = stream.map(|chunk| chunk.unwrap()).collect().await;
    packing.await.unwrap().unwrap();
    let bytes = chunks.concat();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let entry = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mode = entry.header().mode().unwrap();
        let (kind, text) = match entry.link_name().unwrap() {
            Some(target) => ('l', target.display().to_string()),
            None if entry.header().entry_type().is_dir() => ('d', String::new()),
            None => ('f', io::read_to_string(&mut entry).unwrap()),
        };
        (name, (kind, mode, text))
    };
    archive.entries().unwrap().map(entry).collect()
}

fn names(files: &BTreeMap<String, (char, u32, String)>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

#[test]
fn a_dockerfile_is_found_from_the_context_and_from_the_working_directory() {
    let context = Path::new("examples/hello");
    for dockerfile in ["Dockerfile", "examples/hello/Dockerfile"] {
        let found = BuildContext::open(&config(context, dockerfile)).unwrap();
        assert_eq!(found.dockerfile, "Dockerfile", "{dockerfile}");
    }
    let beside = BuildContext::open(&config(context, "examples/parking/Dockerfile")).unwrap();
    assert!(beside.foreign.is_some(), "it is sent along");
    let gone = BuildContext::open(&config(context, "nowhere/Dockerfile")).unwrap_err();
    assert!(
        gone.to_string()
            .contains("examples/hello/nowhere/Dockerfile"),
        "{gone}"
    );
}

#[tokio::test]
async fn links_and_modes_are_kept() {
    let root = tempfile::tempdir().unwrap();
    let long = format!("{}/deep.txt", "folder-with-a-long-name/".repeat(9));
    write(
        root.path(),
        &[
            ("Dockerfile", "FROM scratch"),
            ("run.sh", "x"),
            (&long, "deep"),
        ],
    );
    fs::set_permissions(
        root.path().join("run.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    symlink("run.sh", root.path().join("link")).unwrap();
    symlink("/nowhere", root.path().join("dangling")).unwrap();
    let files = packed(BuildContext::open(&config(root.path(), "Dockerfile")).unwrap()).await;
    assert_eq!(files["run.sh"], ('f', 0o755, "x".to_owned()));
    assert_eq!((files["link"].0, files["link"].2.as_str()), ('l', "run.sh"));
    assert_eq!(
        (files["dangling"].0, files["dangling"].2.as_str()),
        ('l', "/nowhere")
    );
    assert_eq!(files[&long.replace("//", "/")].2, "deep");
}

#[tokio::test]
async fn the_ignore_file_decides_but_cannot_hide_what_the_daemon_reads() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            (".dockerignore", "*\n!build/libs/*.jar\n"),
            ("docker/Dockerfile", "FROM scratch"),
            ("build/libs/app.jar", "jar"),
            ("build/libs/app.txt", "txt"),
            ("build/classes/A.class", "class"),
            ("secret.env", "s"),
        ],
    );
    let context = BuildContext::open(&config(root.path(), "docker/Dockerfile")).unwrap();
    assert_eq!(
        names(&packed(context).await),
        [
            ".dockerignore",
            "build/",
            "build/libs/",
            "build/libs/app.jar",
            "docker/",
            "docker/Dockerfile"
        ]
    );
}

#[tokio::test]
async fn an_ignore_file_beside_the_dockerfile_comes_first() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            (".dockerignore", "a"),
            ("x.Dockerfile", "FROM scratch"),
            ("x.Dockerfile.dockerignore", "b"),
            ("a", ""),
            ("b", ""),
        ],
    );
    let context = BuildContext::open(&config(root.path(), "x.Dockerfile")).unwrap();
    let files = packed(context).await;
    assert!(files.contains_key("a") && !files.contains_key("b"));
}

#[tokio::test]
async fn a_dockerfile_outside_the_context_is_sent_under_another_name() {
    let parent = tempfile::tempdir().unwrap();
    write(
        parent.path(),
        &[("Dockerfile", "FROM scratch"), ("root/a", "")],
    );
    let root = parent.path().join("root");
    for dockerfile in [
        PathBuf::from("../Dockerfile"),
        parent.path().join("Dockerfile"),
    ] {
        let context = BuildContext::open(&config(&root, dockerfile)).unwrap();
        let name = context.dockerfile.clone();
        assert!(name.starts_with(".dockerfile."), "{name}");
        let files = packed(context).await;
        assert_eq!(files[&name].2, "FROM scratch");
    }
}

#[test]
fn missing_things_name_their_setting() {
    let root = tempfile::tempdir().unwrap();
    let error = BuildContext::open(&config(root.path(), "Dockerfile")).unwrap_err();
    assert!(error.to_string().contains("`dockerfile`"));
    let error = BuildContext::open(&config(&root.path().join("no"), "Dockerfile")).unwrap_err();
    assert!(error.to_string().contains("`context`"));
    write(root.path(), &[("Dockerfile", ""), (".dockerignore", "[")]);
    let error = BuildContext::open(&config(root.path(), "Dockerfile")).unwrap_err();
    assert!(error.to_string().contains(".dockerignore"));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_stops_the_stream_with_an_error() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("Dockerfile", "")]);
    let context = BuildContext::open(&config(root.path(), "Dockerfile")).unwrap();
    fs::remove_dir_all(root.path()).unwrap();
    let (stream, packing) = context.stream();
    let last = stream.collect::<Vec<_>>().await.pop().unwrap();
    assert!(last.is_err());
    assert!(packing.await.unwrap().is_err());
}

/// In the action the paths may come from the commit that asks, so they stay in the workspace.
#[test]
fn in_the_action_neither_context_nor_dockerfile_leaves_the_workspace() {
    // Tests run in the crate's folder, which stands for the workspace here.
    fs::create_dir_all("target").unwrap();
    let inside = tempfile::tempdir_in("target").unwrap();
    let outside = tempfile::tempdir().unwrap();
    write(
        inside.path(),
        &[("Dockerfile", "FROM scratch"), ("a/b", "")],
    );
    write(
        outside.path(),
        &[("Dockerfile", "FROM scratch"), ("ignore", "*")],
    );
    let link = |to: &Path, name: &str| symlink(to, inside.path().join(name)).unwrap();
    link(&outside.path().join("Dockerfile"), "linked");
    link(outside.path(), "folder");
    link(Path::new("/proc/self/environ"), "environ");
    link(&inside.path().join("Dockerfile"), "fine");
    let open = |context: &Path, dockerfile: PathBuf, bounds| {
        BuildContext::open(&BuildConfig {
            bounds,
            ..config(context, dockerfile)
        })
    };
    let steps = "../".repeat(32);
    for dockerfile in [
        "/proc/self/environ".to_owned(),
        "environ".to_owned(),
        "linked".to_owned(),
        "folder/Dockerfile".to_owned(),
        outside.path().join("Dockerfile").display().to_string(),
        format!("{steps}proc/self/environ"),
    ] {
        let error = open(
            inside.path(),
            (&dockerfile).into(),
            Bounds::WorkingDirectory,
        )
        .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`dockerfile` is not in the workspace"),
            "{dockerfile}: {error}"
        );
    }
    for context in [
        outside.path(),
        &inside.path().join("folder"),
        Path::new("/dev/shm"),
    ] {
        let error = open(context, "Dockerfile".into(), Bounds::WorkingDirectory).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`context` is not in the workspace"),
            "{error}"
        );
    }
    for dockerfile in ["Dockerfile", "fine", "a/../Dockerfile"] {
        open(inside.path(), dockerfile.into(), Bounds::WorkingDirectory).unwrap();
    }
    // A person at a keyboard may build from wherever they like.
    open(inside.path(), "linked".into(), Bounds::Anywhere).unwrap();
    open(outside.path(), "Dockerfile".into(), Bounds::Anywhere).unwrap();
    // What is in an ignore file is shown when it cannot be read.
    link(&outside.path().join("ignore"), ".dockerignore");
    let error = open(inside.path(), "Dockerfile".into(), Bounds::WorkingDirectory).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the ignore file is not in the workspace"),
        "{error}"
    );
}

/// A link is sent as a link: what it leads to outside of the context stays there.
#[tokio::test]
async fn what_a_link_leads_to_is_not_sent() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    write(root.path(), &[("Dockerfile", "FROM scratch")]);
    write(outside.path(), &[("key", "s3cr3t-in-a-file")]);
    symlink(outside.path().join("key"), root.path().join("file")).unwrap();
    symlink(outside.path(), root.path().join("folder")).unwrap();
    symlink("/proc/self/environ", root.path().join("environ")).unwrap();
    let files = packed(BuildContext::open(&config(root.path(), "Dockerfile")).unwrap()).await;
    assert_eq!(names(&files), ["Dockerfile", "environ", "file", "folder"]);
    for name in ["environ", "file", "folder"] {
        assert_eq!(files[name].0, 'l', "{name}");
    }
    assert!(!format!("{files:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn a_dockerfile_that_is_a_link_out_of_the_context_is_sent_as_what_it_leads_to() {
    let parent = tempfile::tempdir().unwrap();
    write(
        parent.path(),
        &[("Dockerfile", "FROM scratch"), ("root/a", "")],
    );
    let root = parent.path().join("root");
    symlink("../Dockerfile", root.join("Dockerfile")).unwrap();
    let context = BuildContext::open(&config(&root, "Dockerfile")).unwrap();
    let name = context.dockerfile.clone();
    assert_eq!(packed(context).await[&name].2, "FROM scratch");
}

#[tokio::test]
async fn the_settings_file_is_never_sent() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            (".dockerignore", "!.pct-deploy.yml"),
            (".pct-deploy.yml", "ssh-host: h"),
            ("app/.pct-deploy.yml", "ssh-host: h"),
            ("deploy/prod.yml", "ssh-host: h"),
            ("deploy/other.yml", ""),
            ("Dockerfile", "FROM scratch"),
        ],
    );
    let config = BuildConfig {
        settings_file: Some(root.path().join("deploy/../deploy/prod.yml")),
        ..config(root.path(), "Dockerfile")
    };
    let files = packed(BuildContext::open(&config).unwrap()).await;
    assert_eq!(
        names(&files),
        [
            ".dockerignore",
            "Dockerfile",
            "app/",
            "deploy/",
            "deploy/other.yml"
        ]
    );
}

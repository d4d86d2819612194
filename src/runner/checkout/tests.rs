//! Against repositories that the real git has made.

use std::fs;
use std::process::Command;

use super::*;

/// A base and a feature branch, with GitHub's merge of the one into the other.
struct TestRepository {
    folder: tempfile::TempDir,
    head: Commit,
    merge: Commit,
}

impl TestRepository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| git(folder.path(), args);
        git(&["init", "-q", "-b", "main"]);
        git(&["commit", "-q", "--allow-empty", "-m", "start"]);
        git(&["checkout", "-q", "-b", "feature"]);
        git(&["commit", "-q", "--allow-empty", "-m", "feature"]);
        let head = git(&["rev-parse", "HEAD"]).parse().unwrap();
        git(&["checkout", "-q", "main"]);
        git(&["commit", "-q", "--allow-empty", "-m", "more"]);
        git(&["checkout", "-q", "--detach", "main"]);
        git(&["merge", "-q", "--no-ff", "-m", "Merge", "feature"]);
        let merge = git(&["rev-parse", "HEAD"]).parse().unwrap();
        Self {
            folder,
            head,
            merge,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, args: &[&str]) -> String {
        git(self.path(), args)
    }

    fn look(&self) -> Checkout {
        look(self.path())
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=o",
            "-c",
            "user.email=o@o",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(["-c", "protocol.file.allow=always", "-c", "safe.directory=*"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[test]
fn the_head_is_found_detached_by_branch_and_packed() {
    let repository = TestRepository::new();
    let head = repository.head.to_string();
    for prepare in [
        ["checkout", "-q", "--detach", &head].as_slice(),
        &["checkout", "-q", "feature"],
        &["pack-refs", "--all"],
    ] {
        repository.git(prepare);
        let expected = Checkout::Commit(repository.head.clone());
        assert_eq!(repository.look(), expected, "{prepare:?}");
    }
    let below = repository.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    assert_eq!(look(&below), Checkout::Commit(repository.head.clone()));
}

/// What `actions/checkout` leaves: one commit, fetched by its name, in a shallow repository.
#[test]
fn a_shallow_checkout_is_read() {
    let repository = TestRepository::new();
    repository.git(&["update-ref", "refs/pull/7/merge", repository.merge.as_str()]);
    let runner = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repository.path().display());
    git(runner.path(), &["init", "-q"]);
    // Below this number of objects git unpacks a fetch.
    git(runner.path(), &["config", "fetch.unpackLimit", "1"]);
    let fetch = [
        "fetch",
        "-q",
        "--depth=1",
        &url,
        "+refs/pull/7/merge:refs/remotes/pull/7/merge",
    ];
    git(runner.path(), &fetch);
    git(
        runner.path(),
        &["checkout", "-q", "--force", "refs/remotes/pull/7/merge"],
    );
    assert!(runner.path().join(".git/shallow").exists());
    let looked = look(runner.path());
    assert_eq!(looked, Checkout::Commit(repository.merge.clone()));
}

#[test]
fn a_worktree_and_a_file_instead_of_the_folder_are_followed() {
    let repository = TestRepository::new();
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    repository.git(&["worktree", "add", "-q", tree.to_str().unwrap(), "feature"]);
    assert!(tree.join(".git").is_file());
    assert_eq!(look(&tree), Checkout::Commit(repository.head.clone()));
    git(
        &tree,
        &["checkout", "-q", "--detach", repository.merge.as_str()],
    );
    assert_eq!(look(&tree), Checkout::Commit(repository.merge.clone()));
    fs::remove_dir_all(repository.path().join(".git")).unwrap();
    let gone = look(&tree);
    assert!(matches!(gone, Checkout::Unknown(_)), "{gone:?}");
}

#[test]
fn without_a_checkout_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(look(folder.path()), Checkout::None);
    assert_eq!(look(&folder.path().join("gone")), Checkout::None);
}

#[test]
fn what_is_broken_is_unknown_never_fine() {
    let broken = |file: &str, bytes: &[u8]| {
        let repository = TestRepository::new();
        let path = repository.path().join(".git").join(file);
        fs::remove_file(&path).ok();
        fs::write(path, bytes).unwrap();
        repository.look()
    };
    for (file, bytes) in [
        ("HEAD", &b""[..]),
        ("HEAD", b"ref: ../../etc/passwd"),
        ("HEAD", b"ref: refs/heads/../../../x"),
        ("HEAD", b"ref: refs/heads/none"),
        ("HEAD", b"\xff\xfe\0"),
        ("commondir", b"nowhere"),
    ] {
        let looked = broken(file, bytes);
        assert!(matches!(looked, Checkout::Unknown(_)), "{file}: {looked:?}");
    }
    let repository = TestRepository::new();
    repository.git(&["checkout", "-q", "main"]);
    fs::write(
        repository.path().join(".git/refs/heads/main"),
        "ref: refs/heads/main",
    )
    .unwrap();
    let looked = repository.look();
    assert_eq!(
        looked,
        Checkout::Unknown("`HEAD` goes in circles".to_owned())
    );
}

//! Against repositories that the real git has made.

use std::fs;
use std::process::Command;

use super::*;

/// A base and a feature branch, with GitHub's merge of the one into the other.
struct Repository {
    folder: tempfile::TempDir,
    base: Commit,
    head: Commit,
    merge: Commit,
}

impl Repository {
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
        let base = git(&["rev-parse", "HEAD"]).parse().unwrap();
        git(&["checkout", "-q", "--detach", "main"]);
        git(&["merge", "-q", "--no-ff", "-m", "Merge", "feature"]);
        let merge = git(&["rev-parse", "HEAD"]).parse().unwrap();
        Self {
            folder,
            base,
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
        look_at(self.path(), &self.head)
    }
}

fn look_at(folder: &Path, commit: &Commit) -> Checkout {
    let merge = Merge::Allowed {
        of_event: None,
        of_run: None,
    };
    look(folder, &Wanted { commit, merge })
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
    let repository = Repository::new();
    let head = repository.head.to_string();
    for prepare in [
        ["checkout", "-q", "--detach", &head].as_slice(),
        &["checkout", "-q", "feature"],
        &["pack-refs", "--all"],
    ] {
        repository.git(prepare);
        assert_eq!(repository.look(), Checkout::Exact, "{prepare:?}");
    }
    let below = repository.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    assert_eq!(look_at(&below, &repository.head), Checkout::Exact);
}

#[test]
fn a_merge_of_the_head_is_as_good_loose_and_packed() {
    let repository = Repository::new();
    assert_eq!(repository.look(), Checkout::Merge(repository.merge.clone()));
    repository.git(&["repack", "-q", "-a", "-d"]);
    let pack = repository.path().join(".git/objects/pack");
    assert!(pack.read_dir().unwrap().count() > 0);
    let commit = repository.merge.as_str();
    let loose = format!(".git/objects/{}/{}", &commit[..2], &commit[2..]);
    assert!(!repository.path().join(loose).exists());
    assert_eq!(repository.look(), Checkout::Merge(repository.merge.clone()));
    let wanted = Wanted {
        commit: &repository.head,
        merge: Merge::Refused,
    };
    let looked = look(repository.path(), &wanted);
    assert_eq!(looked, Checkout::Other(repository.merge.clone()));
}

/// A larger commit with nearly the same message is what git makes the merge a difference to.
#[test]
fn a_merge_that_is_stored_as_a_difference_is_put_together() {
    let repository = Repository::new();
    let message: String = (0..200).map(|n| format!("line {}\n", n * 7919)).collect();
    let longer = format!("{message}and one more line that makes it longer than the other\n");
    repository.git(&["checkout", "-q", "-b", "longer"]);
    repository.git(&["commit", "-q", "--allow-empty", "-m", &longer]);
    repository.git(&["checkout", "-q", "--detach", "main"]);
    repository.git(&["merge", "-q", "--no-ff", "-m", &message, "feature"]);
    let merge: Commit = repository.git(&["rev-parse", "HEAD"]).parse().unwrap();
    repository.git(&["branch", "keep"]);
    for offsets in ["true", "false"] {
        let setting = format!("repack.useDeltaBaseOffset={offsets}");
        repository.git(&["-c", &setting, "repack", "-q", "-a", "-d", "-f"]);
        let index = repository.git(&["rev-parse", "--git-path", "objects/pack"]);
        let packs = repository.path().join(index).read_dir().unwrap();
        let index = packs.flatten().map(|entry| entry.path());
        let index = index.filter(|path| path.extension().is_some_and(|end| end == "idx"));
        let index = index.last().unwrap();
        let listed = repository.git(&["verify-pack", "-v", index.to_str().unwrap()]);
        let line = listed.lines().find(|line| line.starts_with(merge.as_str()));
        // A difference has two more columns: how deep it is and what it is to.
        assert_eq!(line.unwrap().split_whitespace().count(), 7, "{line:?}");
        assert_eq!(
            repository.look(),
            Checkout::Merge(merge.clone()),
            "{setting}"
        );
    }
}

/// What `actions/checkout` leaves: one commit, fetched by its name, in a shallow repository.
#[test]
fn a_shallow_checkout_is_read() {
    let repository = Repository::new();
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
    let looked = look_at(runner.path(), &repository.head);
    assert_eq!(looked, Checkout::Merge(repository.merge.clone()));
}

/// The pull request got another commit, and that one is checked out.
#[test]
fn a_commit_after_the_head_is_another_one() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "feature"]);
    repository.git(&["commit", "-q", "--allow-empty", "-m", "one more"]);
    assert!(matches!(repository.look(), Checkout::Other(_)));
    repository.git(&["reset", "-q", "--hard", repository.head.as_str()]);
    repository.git(&["merge", "-q", "--no-ff", "-m", "take in main", "main"]);
    assert!(matches!(repository.look(), Checkout::Other(_)));
    repository.git(&["checkout", "-q", "main"]);
    assert_eq!(repository.look(), Checkout::Other(repository.base.clone()));
}

#[test]
fn a_worktree_and_a_file_instead_of_the_folder_are_followed() {
    let repository = Repository::new();
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    repository.git(&["worktree", "add", "-q", tree.to_str().unwrap(), "feature"]);
    assert!(tree.join(".git").is_file());
    assert_eq!(look_at(&tree, &repository.head), Checkout::Exact);
    git(
        &tree,
        &["checkout", "-q", "--detach", repository.merge.as_str()],
    );
    let merge = Checkout::Merge(repository.merge.clone());
    assert_eq!(look_at(&tree, &repository.head), merge);
    fs::remove_dir_all(repository.path().join(".git")).unwrap();
    let gone = look_at(&tree, &repository.head);
    assert!(matches!(gone, Checkout::Unknown(_)), "{gone:?}");
}

#[test]
fn without_a_checkout_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let commit = "a".repeat(40).parse().unwrap();
    assert_eq!(look_at(folder.path(), &commit), Checkout::None);
    assert_eq!(
        look_at(&folder.path().join("gone"), &commit),
        Checkout::None
    );
}

#[test]
fn what_is_broken_is_unknown_never_fine() {
    let broken = |file: &str, bytes: &[u8]| {
        let repository = Repository::new();
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
    let repository = Repository::new();
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

/// An object that cannot be read is vouched for by the event and the run together, by none alone.
#[test]
fn only_the_event_and_the_run_together_name_a_merge_that_is_not_readable() {
    let repository = Repository::new();
    let commit = repository.merge.as_str();
    let object = format!(".git/objects/{}/{}", &commit[..2], &commit[2..]);
    fs::remove_file(repository.path().join(&object)).unwrap();
    let looked = |of_event, of_run| {
        let merge = Merge::Allowed { of_event, of_run };
        let commit = &repository.head;
        look(repository.path(), &Wanted { commit, merge })
    };
    let (merge, head) = (Some(&repository.merge), Some(&repository.head));
    assert_eq!(
        looked(merge, merge),
        Checkout::Merge(repository.merge.clone())
    );
    for (of_event, of_run) in [(merge, None), (None, merge), (None, None), (head, merge)] {
        let looked = looked(of_event, of_run);
        assert!(matches!(looked, Checkout::Unknown(_)), "{looked:?}");
    }
    for damaged in [&b""[..], b"garbage", b"\x78\x9c\x01"] {
        fs::write(repository.path().join(&object), damaged).unwrap();
        assert!(matches!(looked(None, None), Checkout::Unknown(_)));
    }
}

//! One app, one owner of its folder.

use std::cell::Cell;
use std::path::Path;

use super::paths::AppPaths;
use super::tests::{deployed, image, plan, swap, swap_plan};
use crate::error::Failure;
use crate::host::sim::{INCLUDE, SimHost};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::{Plan, Target};

fn text(host: &SimHost, path: &Path) -> Option<String> {
    let world = host.world.borrow();
    let bytes = world.files.get(path)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

fn put(host: &SimHost, path: &Path, text: &str) {
    let content = text.as_bytes().to_vec().into();
    host.world.borrow_mut().files.insert(path.into(), content);
}

fn owner_file() -> std::path::PathBuf {
    AppPaths::new(&"app".parse().unwrap()).owner()
}

/// Refused before anything was changed.
fn refused(host: &SimHost, plan: &Plan) -> Failure {
    let before = host.world.borrow().files.clone();
    let finished = swap_plan(host, plan, &Cell::new(false), |_| {});
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::Failed, "preflight-failed")
    );
    assert_eq!(host.world.borrow().files, before);
    finished.failed.unwrap().1
}

#[test]
fn another_project_that_comes_with_the_same_app_is_refused_and_both_are_named() {
    for host in [SimHost::new(), SimHost::provisioned()] {
        deployed(&host, 1);
        let mut other = plan(2, Target::Image(image(2)));
        other.site.slots.two = "web-3".parse().unwrap();
        other.site.proxy_include = "/etc/nginx/other.inc".into();
        let failure = refused(&host, &other);
        for name in [
            "`/home/u`",
            "`web-2`",
            INCLUDE,
            "`web-3`",
            "/etc/nginx/other.inc",
        ] {
            assert!(failure.chain[0].contains(name), "{name}: {failure:?}");
        }
        assert!(
            failure.hints[0].contains("`slots` and `proxy-include`"),
            "{failure:?}"
        );
        assert!(failure.hints[1].contains("set `app`"), "{failure:?}");
        deployed(&host, 3);
    }
}

#[test]
fn a_mistyped_app_is_told_the_right_one_and_leaves_nothing_behind() {
    let host = SimHost::new();
    deployed(&host, 1);
    let mut typo = plan(2, Target::Image(image(2)));
    typo.site.app = "ap".parse().unwrap();
    let failure = refused(&host, &typo);
    assert!(
        failure.hints[0].contains("correct `app` to `app`"),
        "{failure:?}"
    );
    // What a new app is refused for by its checks leaves nothing either.
    let host = SimHost::new();
    let mut wrong = plan(1, Target::Image(image(1)));
    wrong.site.slots.two = "web-9".parse().unwrap();
    let failure = refused(&host, &wrong);
    assert!(failure.chain[0].contains("web-9"), "{failure:?}");
}

#[test]
fn a_note_that_cannot_be_read_is_refused_and_stays() {
    let host = SimHost::new();
    deployed(&host, 1);
    let good = text(&host, &owner_file()).unwrap();
    for (bad, word) in [
        (
            good.replace("\"version\":1", "\"version\":2"),
            "another version",
        ),
        (good.replace("\"project\"", "\"x\""), "damaged"),
        (good[..good.len() - 3].to_owned(), "damaged"),
        (String::new(), "damaged"),
    ] {
        put(&host, &owner_file(), &bad);
        let failure = refused(&host, &plan(2, Target::Image(image(2))));
        assert!(failure.chain[0].contains(word), "{bad}: {failure:?}");
        assert!(failure.hints[0].contains("rm /var/lib"), "{failure:?}");
    }
    put(&host, &owner_file(), &good);
    deployed(&host, 3);
}

#[test]
fn a_folder_of_an_earlier_version_gets_its_owner_at_the_next_deploy() {
    let host = SimHost::new();
    deployed(&host, 1);
    host.world.borrow_mut().files.remove(&owner_file());
    assert_eq!(
        swap(&host, 2, Target::Image(image(1))).outcome,
        Outcome::Unchanged
    );
    assert!(text(&host, &owner_file()).unwrap().contains("web-2"));
}

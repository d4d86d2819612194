//! `provision` where lines of the user's own stand in the way, on a simulated host.

use std::cell::Cell;
use std::path::Path;

use super::provision;
use crate::agent::events::Events;
use crate::agent::failure::StepResult;
use crate::agent::tests::{deployed, image, plan};
use crate::host::sim::{FOLDER, INCLUDE, SimHost};
use crate::protocol::plan::Target;
use crate::protocol::provision::{Change, OwnLines, Provision, ProvisionMode};

const SITE: &str = "/etc/nginx/conf.d/default.conf";
const SITE_TEXT: &str =
    "server {\n    server_name site;\n    location / {\n        proxy_pass http://api;\n    }\n}\n";
const SWITCH_TEXT: &str =
    "upstream api {\n    server 127.0.0.1:8080;\n}\nupstream db { server 127.0.0.1:9; }\n";

/// A host whose switch file is an upstream, with two releases behind it.
fn with_upstream() -> SimHost {
    let host = SimHost::new();
    for (path, text) in [
        (
            "/etc/nginx/nginx.conf",
            "http {\n    include /etc/nginx/conf.d/*;\n}\n",
        ),
        (SITE, SITE_TEXT),
        (INCLUDE, SWITCH_TEXT),
    ] {
        let content = text.as_bytes().to_vec().into();
        host.world.borrow_mut().files.insert(path.into(), content);
    }
    deployed(&host, 1);
    deployed(&host, 2);
    host
}

fn provisioned(
    host: &SimHost,
    mode: ProvisionMode,
    own_lines: OwnLines,
) -> StepResult<Vec<Change>> {
    let order = Provision {
        site: plan(1, Target::Image(image(1))).site,
        server_name: None,
        mode,
        own_lines,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let events = Events::silent(host);
    runtime.block_on(Box::pin(provision(
        host,
        &events,
        &order,
        &Cell::new(false),
    )))
}

fn text(host: &SimHost, path: &str) -> String {
    let world = host.world.borrow();
    let bytes = world.files.get(Path::new(path));
    String::from_utf8_lossy(bytes.unwrap_or_else(|| panic!("{path}"))).into_owned()
}

fn nginx_files(host: &SimHost) -> crate::host::sim::Disk {
    let mut files = host.world.borrow().files.clone();
    files.retain(|path, _| path.starts_with("/etc/nginx") || path.ends_with("live-2"));
    files
}

#[test]
fn the_edit_is_shown_and_nothing_is_changed_without_being_told_to() {
    let host = with_upstream();
    let before = host.world.borrow().files.clone();
    for mode in [ProvisionMode::DryRun, ProvisionMode::Apply] {
        let refused = provisioned(&host, mode, OwnLines::Keep).unwrap_err();
        assert!(refused.chain[0].contains(INCLUDE), "{refused:?}");
        assert!(refused.hints[0].contains("provision --edit"), "{refused:?}");
        for line in [
            format!("--- {SITE}"),
            "+    include /etc/nginx/pct-deploy-app.inc;".to_owned(),
            "-        proxy_pass http://api;".to_owned(),
            "+        proxy_pass $pct_to_app;".to_owned(),
            format!("--- {INCLUDE}"),
            "-    server 127.0.0.1:8081;".to_owned(),
        ] {
            assert!(refused.log_tail.contains(&line), "{line}: {refused:?}");
        }
        assert_eq!(host.world.borrow().files, before);
    }
}

#[test]
fn it_edits_with_copies_and_then_has_nothing_to_do_and_deploys_reload_nothing() {
    let host = with_upstream();
    let told = provisioned(&host, ProvisionMode::DryRun, OwnLines::Edit).unwrap();
    let done = provisioned(&host, ProvisionMode::Apply, OwnLines::Edit).unwrap();
    let diffs = |changes: &[Change]| {
        let all = changes.iter().map(|change| change.diff.clone());
        all.collect::<Vec<_>>().concat()
    };
    assert_eq!(diffs(&told), diffs(&done));
    assert!(diffs(&done).contains(&"+        proxy_pass $pct_to_app;".to_owned()));
    for (path, old) in [
        (SITE, SITE_TEXT.to_owned()),
        (INCLUDE, SWITCH_TEXT.replace("8080", "8081")),
    ] {
        let change = done.iter().find(|change| change.what == path).unwrap();
        let copy = change.backup.as_deref().unwrap();
        assert!(copy.starts_with(&format!("{FOLDER}/backup/")), "{copy}");
        assert_eq!(text(&host, copy), old);
    }
    assert_eq!(host.serves(), Some(image(2)));
    assert!(text(&host, INCLUDE).ends_with("\nupstream db { server 127.0.0.1:9; }\n"));
    assert_eq!(
        provisioned(&host, ProvisionMode::Apply, OwnLines::Keep).unwrap(),
        []
    );
    let reloads = |host: &SimHost| {
        let done = &host.world.borrow().done;
        done.iter().filter(|verb| **verb == "nginx_reload").count()
    };
    let before = reloads(&host);
    deployed(&host, 3);
    assert_eq!((host.serves(), reloads(&host)), (Some(image(3)), before));
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
}

#[test]
fn whatever_fails_the_user_s_own_lines_are_put_back() {
    let calls = {
        let host = with_upstream();
        let before = host.calls();
        provisioned(&host, ProvisionMode::Apply, OwnLines::Edit).unwrap();
        before..host.calls()
    };
    assert!(calls.len() > 30);
    for number in calls {
        let host = with_upstream();
        let before = nginx_files(&host);
        host.faults.call.set(Some(number));
        let done = provisioned(&host, ProvisionMode::Apply, OwnLines::Edit);
        let broken = host.world.borrow().broken.clone();
        assert_eq!(
            (host.serves(), broken),
            (Some(image(2)), vec![]),
            "call {number}"
        );
        if done.is_err() && text(&host, INCLUDE) == SWITCH_TEXT.replace("8080", "8081") {
            assert_eq!(nginx_files(&host), before, "call {number}: {done:?}");
        }
        deployed(&host, 3);
        assert_eq!(host.serves(), Some(image(3)), "call {number}");
    }
}

//! `provision` on a simulated host.

use std::cell::Cell;

use tokio::sync::mpsc::unbounded_channel;

use super::provision;
use crate::agent::events::{Events, warned};
use crate::agent::failure::StepResult;
use crate::agent::tests::{deployed, image, plan};
use crate::host::nginx::context::IncludeContext;
use crate::host::nginx::flag::{FlagSwitch, Keeping};
use crate::host::sim::{FOLDER, INCLUDE, SimHost};
use crate::protocol::place;
use crate::protocol::plan::Target;
use crate::protocol::provision::{Change, OwnLines, Provision, ProvisionMode};
use crate::protocol::slot::PerSlot;

fn provision_with(
    host: &SimHost,
    mode: ProvisionMode,
    name: Option<&str>,
) -> StepResult<Vec<Change>> {
    let order = Provision {
        site: plan(1, Target::Image(image(1))).site,
        server_name: name.map(|name| name.parse().unwrap()),
        mode,
        own_lines: OwnLines::Keep,
    };
    ordered(host, &order)
}

fn ordered(host: &SimHost, order: &Provision) -> StepResult<Vec<Change>> {
    run(host, &Events::silent(host), order)
}

fn run(host: &SimHost, events: &Events<'_, SimHost>, order: &Provision) -> StepResult<Vec<Change>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(Box::pin(provision(host, events, order, &Cell::new(false))))
}

fn text(host: &SimHost, path: &str) -> Option<String> {
    let world = host.world.borrow();
    let bytes = world.files.get(std::path::Path::new(path))?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

#[test]
fn a_live_slot_stays_live_whichever_it_is_and_the_next_deploy_uses_the_flag() {
    for earlier in [1, 2] {
        let host = SimHost::new();
        for n in 1..=earlier {
            deployed(&host, n);
        }
        let changes = provision_with(&host, ProvisionMode::Apply, None).unwrap();
        let kept = changes
            .iter()
            .find(|change| change.what == INCLUDE)
            .unwrap()
            .backup
            .clone()
            .unwrap();
        assert!(
            text(&host, &kept)
                .unwrap()
                .starts_with("set $service_url http://127.0.0.1:80")
        );
        assert_eq!(host.serves(), Some(image(earlier)), "{changes:?}");
        let reloads = |host: &SimHost| {
            host.world
                .borrow()
                .done
                .iter()
                .filter(|verb| **verb == "nginx_reload")
                .count()
        };
        let before = reloads(&host);
        deployed(&host, 5);
        assert_eq!((host.serves(), reloads(&host)), (Some(image(5)), before));
        assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    }
}

#[test]
fn it_changes_nothing_twice_and_nothing_at_all_when_dry() {
    let host = SimHost::new();
    deployed(&host, 1);
    let before = host.world.borrow().files.clone();
    let told = provision_with(&host, ProvisionMode::DryRun, None).unwrap();
    assert_eq!(host.world.borrow().files, before);
    let done = provision_with(&host, ProvisionMode::Apply, Some("site")).unwrap();
    let names = |changes: &[Change]| {
        changes
            .iter()
            .map(|change| change.what.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&told), names(&done));
    assert_eq!(
        provision_with(&host, ProvisionMode::Apply, None).unwrap(),
        []
    );
}

#[test]
fn what_the_server_block_would_lose_is_written_again_also_the_second_time() {
    let host = SimHost::new();
    provision_with(&host, ProvisionMode::Apply, None).unwrap();
    let include = text(&host, INCLUDE).unwrap();
    assert_eq!(
        include.matches("access_log /a.log;").count(),
        1,
        "{include}"
    );
    host.world.borrow_mut().files.insert(
        INCLUDE.into(),
        (include.clone() + "# changed\n").into_bytes().into(),
    );
    assert_eq!(
        provision_with(&host, ProvisionMode::Apply, None)
            .unwrap()
            .len(),
        2,
        "the include and a reload"
    );
    assert_eq!(text(&host, INCLUDE).unwrap(), include);
}

#[test]
fn whatever_fails_every_byte_of_nginx_is_as_it_was_and_the_live_slot_serves() {
    let calls = {
        let host = SimHost::new();
        deployed(&host, 1);
        deployed(&host, 2);
        let before = host.calls();
        provision_with(&host, ProvisionMode::Apply, None).unwrap();
        before..host.calls()
    };
    assert!(calls.len() > 20);
    for number in calls {
        let host = SimHost::new();
        deployed(&host, 1);
        deployed(&host, 2);
        let nginx = |host: &SimHost| {
            let world = host.world.borrow();
            let mut files = world.files.clone();
            files.retain(|path, _| path.starts_with("/etc/nginx") || path.ends_with("live-2"));
            files
        };
        let before = nginx(&host);
        host.faults.call.set(Some(number));
        let done = provision_with(&host, ProvisionMode::Apply, None);
        assert_eq!(
            (host.serves(), host.world.borrow().broken.clone()),
            (Some(image(2)), vec![]),
            "call {number}"
        );
        if done.is_err()
            && text(&host, "/etc/nginx/conf.d/service-url.inc")
                .unwrap()
                .starts_with("set ")
        {
            assert_eq!(nginx(&host), before, "call {number}: {done:?}");
        }
        deployed(&host, 3);
        assert_eq!(host.serves(), Some(image(3)), "call {number}");
    }
}

#[test]
fn what_would_be_lost_or_ignored_is_refused() {
    let refused =
        |host: &SimHost, name| provision_with(host, ProvisionMode::Apply, name).unwrap_err();
    let host = SimHost::new();
    assert!(refused(&host, Some("other")).hints[0].contains("server_name"));
    let more = b"set $service_url http://127.0.0.1:8080;\nadd_header X-Y z;\n".to_vec();
    host.world
        .borrow_mut()
        .files
        .insert(INCLUDE.into(), more.clone().into());
    let failure = refused(&host, None);
    assert!(failure.chain[0].contains("as it stands"), "{failure:?}");
    assert_eq!(text(&host, INCLUDE).unwrap().into_bytes(), more);
    assert_eq!(text(&host, &format!("{FOLDER}/live-2")), None);
}

#[test]
fn upstreams_that_another_include_may_use_are_left_alone() {
    let host = SimHost::provisioned();
    let upstreams = "/etc/nginx/conf.d/00-pct-deploy-app.conf";
    let theirs = text(&host, upstreams).unwrap();
    let app = "app".parse().unwrap();
    let other = FlagSwitch {
        app: &app,
        ports: PerSlot {
            one: 9090,
            two: 9091,
        },
        variable: "$service_url",
        folder: std::path::Path::new(FOLDER),
        context: &IncludeContext::default(),
        keeping: Keeping::Told,
    };
    let put = |path: &str, text: &str| {
        let content = text.as_bytes().to_vec().into();
        host.world.borrow_mut().files.insert(path.into(), content);
    };
    put(INCLUDE, "set $service_url http://127.0.0.1:8080;\n");
    for bad in [
        other.upstreams(),
        theirs.clone() + "#",
        "upstream x {}\n".to_owned(),
    ] {
        put(upstreams, &bad);
        let before = host.world.borrow().files.clone();
        let refused = provision_with(&host, ProvisionMode::Apply, None).unwrap_err();
        assert!(refused.chain[0].contains(upstreams), "{refused:?}");
        assert!(refused.hints[0].contains("set `app`"), "{refused:?}");
        assert_eq!(host.world.borrow().files, before, "nothing is left behind");
    }
    put(upstreams, &theirs);
    provision_with(&host, ProvisionMode::Apply, None).unwrap();
}

#[test]
fn another_project_s_provision_with_the_same_app_is_refused() {
    let host = SimHost::provisioned();
    deployed(&host, 1);
    let mut site = plan(1, Target::Image(image(1))).site;
    site.proxy_include = "/etc/nginx/other.inc".into();
    let before = host.world.borrow().files.clone();
    for mode in [ProvisionMode::DryRun, ProvisionMode::Apply] {
        let order = Provision {
            site: site.clone(),
            server_name: Some("other".parse().unwrap()),
            mode,
            own_lines: OwnLines::Keep,
        };
        let refused = ordered(&host, &order).unwrap_err();
        assert!(refused.chain[0].contains("belongs to"), "{refused:?}");
    }
    assert_eq!(host.world.borrow().files, before);
}

#[test]
fn an_nginx_in_a_container_is_not_provisioned() {
    let host = SimHost::contained();
    let before = host.world.borrow().files.clone();
    for mode in [ProvisionMode::DryRun, ProvisionMode::Apply] {
        let refused = provision_with(&host, mode, None).unwrap_err();
        assert!(
            refused.chain[0].contains("the container `nginx`"),
            "{refused:?}"
        );
    }
    assert_eq!(host.world.borrow().files, before, "nothing is left behind");
}

#[test]
fn a_location_with_an_access_log_of_its_own_is_warned_of() {
    let host = SimHost::new();
    let site = "server { listen 81; server_name api; include /etc/nginx/conf.d/service-url.inc;\n\
                location /api { access_log off; proxy_pass $service_url; } }\n";
    let content = site.as_bytes().to_vec().into();
    let path = "/etc/nginx/conf.d/api.conf".into();
    host.world.borrow_mut().files.insert(path, content);
    runs_systemd(&host);
    for mode in [ProvisionMode::DryRun, ProvisionMode::Apply] {
        let warned = warnings(&host, mode);
        assert_eq!(warned.len(), 1, "{mode:?}: {warned:?}");
        let (text, hint) = &warned[0];
        assert!(text.contains("`location /api` are not measured"), "{text}");
        assert!(hint.contains("`server` block"), "{hint}");
    }
}

#[test]
fn without_systemd_it_says_what_nobody_does_and_how_somebody_can() {
    let host = SimHost::new();
    for mode in [ProvisionMode::DryRun, ProvisionMode::Apply] {
        let warned = warnings(&host, mode);
        assert_eq!(warned.len(), 1, "{mode:?}: {warned:?}");
        let (text, hint) = &warned[0];
        assert!(text.contains("systemd does not run"), "{text}");
        for command in [place::RECOVER, place::SETTLE] {
            assert!(hint.contains(command), "{hint}");
        }
    }
    let units = host
        .world
        .borrow()
        .files
        .keys()
        .cloned()
        .collect::<Vec<_>>();
    assert!(!units.iter().any(|path| path.starts_with("/etc/systemd")));
}

fn warnings(host: &SimHost, mode: ProvisionMode) -> Vec<(String, String)> {
    let (listener, mut replies) = unbounded_channel();
    let order = Provision {
        site: plan(1, Target::Image(image(1))).site,
        server_name: None,
        mode,
        own_lines: OwnLines::Keep,
    };
    let events = Events::new(host, None, listener);
    run(host, &events, &order).unwrap();
    warned(&mut replies)
}

fn runs_systemd(host: &SimHost) {
    let there = "/run/systemd/system/x".into();
    host.world
        .borrow_mut()
        .files
        .insert(there, Vec::new().into());
}

/// A host where systemd runs, with files of root's that are about to be replaced.
fn with_files_of_roots() -> (SimHost, Vec<&'static str>) {
    let host = SimHost::new();
    deployed(&host, 1);
    host.faults.no_live_restore.set(true);
    let replaced = [
        ("/etc/docker/daemon.json", "{\"bip\": \"10.9.0.1/24\"}"),
        (
            "/etc/systemd/system/nginx.service.d/pct-deploy.conf",
            "[Service]\nNice=5\n",
        ),
        ("/etc/systemd/system/pct-deploy-recover.service", "[Unit]\n"),
    ];
    for (path, text) in replaced {
        let content = text.as_bytes().to_vec().into();
        host.world.borrow_mut().files.insert(path.into(), content);
    }
    runs_systemd(&host);
    let mut paths = replaced.map(|(path, _)| path).to_vec();
    paths.push(INCLUDE);
    (host, paths)
}

#[test]
fn a_copy_is_kept_of_every_file_of_roots_that_is_replaced() {
    let (host, replaced) = with_files_of_roots();
    let before: Vec<_> = replaced.iter().map(|path| text(&host, path)).collect();
    let changes = provision_with(&host, ProvisionMode::Apply, None).unwrap();
    for (path, before) in replaced.iter().zip(before) {
        let change = changes.iter().find(|change| change.what == *path).unwrap();
        let copy = change.backup.as_deref().unwrap_or_else(|| panic!("{path}"));
        assert!(copy.starts_with(&format!("{FOLDER}/backup/")), "{copy}");
        assert_eq!(text(&host, copy), before, "{path}");
        assert_ne!(text(&host, path), before, "{path}");
    }
    let without = changes.iter().filter(|change| change.backup.is_none());
    let new: Vec<_> = without.map(|change| change.what.as_str()).collect();
    assert!(
        new.contains(&"/etc/systemd/system/pct-deploy-settle.timer"),
        "{new:?}"
    );
}

#[test]
fn what_systemd_does_not_take_is_put_back() {
    let (host, replaced) = with_files_of_roots();
    let units: Vec<_> = replaced.iter().filter(|path| **path != INCLUDE).collect();
    let before: Vec<_> = units.iter().map(|path| text(&host, path)).collect();
    host.faults.always.set(Some("load_units"));
    provision_with(&host, ProvisionMode::Apply, None).unwrap_err();
    let after: Vec<_> = units.iter().map(|path| text(&host, path)).collect();
    assert_eq!(after, before);
    let timer = "/etc/systemd/system/pct-deploy-settle.timer";
    assert_eq!(text(&host, timer), None, "it was not there");
    assert_eq!(host.serves(), Some(image(1)));
}

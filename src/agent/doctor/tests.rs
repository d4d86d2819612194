//! Each fault planted on its own, and nothing found where there is none.

mod plants;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use tokio::sync::mpsc::unbounded_channel;

use super::examine;
use crate::agent::events::Events;
use crate::agent::provision::provision;
use crate::agent::tests::{deployed, image, plan};
use crate::host::facts::MachineFacts;
use crate::host::sim::{FOLDER, INCLUDE, SimHost};
use crate::protocol::doctor::DoctorCheck as Is;
use crate::protocol::doctor::{CheckedEnd, Examination};
use crate::protocol::plan::{Site, Target};
use crate::protocol::provision::{OwnLines, Provision, ProvisionMode};

const COMPOSE: &str = "services:
  web-1: {image: a, ports: ['127.0.0.1:8080:80'], mem_limit: 512m, restart: unless-stopped, depends_on: [db]}
  web-2: {image: a, ports: ['127.0.0.1:8081:80'], mem_limit: 512m, restart: unless-stopped, depends_on: [db]}
  db: {image: db}
";
const MIB: u64 = 1024 * 1024;

fn site() -> Site {
    plan(1, Target::Image(image(1))).site
}

fn looked(host: &SimHost, site: &Site) -> Examination {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(Box::pin(examine(host, site)))
}

/// Two deploys by reload; the second slot serves.
fn by_reload() -> SimHost {
    let host = SimHost::new();
    host.set_compose(COMPOSE);
    write(&host, "/run/systemd/system/x", "");
    deployed(&host, 1);
    deployed(&host, 2);
    host
}

/// The same after `provision`.
fn healthy() -> SimHost {
    let host = by_reload();
    let order = Provision {
        site: site(),
        server_name: None,
        mode: ProvisionMode::Apply,
        own_lines: OwnLines::Keep,
    };
    let (listener, _replies) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let events = Events::new(&host, None, listener);
    let cancel = Cell::new(false);
    let done = provision(&host, &events, &order, &cancel);
    runtime.unwrap().block_on(Box::pin(done)).unwrap();
    host
}

fn text(host: &SimHost, path: &str) -> String {
    let world = host.world.borrow();
    String::from_utf8_lossy(&world.files[Path::new(path)]).into_owned()
}

fn write(host: &SimHost, path: &str, text: &str) {
    let content = text.as_bytes().to_vec().into();
    host.world.borrow_mut().files.insert(path.into(), content);
}

fn remove(host: &SimHost, path: &str) {
    host.world
        .borrow_mut()
        .files
        .remove(Path::new(path))
        .unwrap();
}

fn replace(host: &SimHost, path: &str, from: &str, to: &str) {
    let before = text(host, path);
    assert!(before.contains(from), "{before}");
    write(host, path, &before.replace(from, to));
}

fn compose(host: &SimHost, from: &str, to: &str) {
    assert!(COMPOSE.contains(from));
    host.set_compose(&COMPOSE.replace(from, to));
}

fn runs(host: &SimHost, service: &str, running: bool) {
    let mut world = host.world.borrow_mut();
    world.containers.get_mut(service).unwrap().running = running;
}

/// The site's file as it is here, with this in its `server` block.
fn server(host: &SimHost, inside: &str) {
    let text = format!("server {{ listen 80; server_name site; {inside} }}\n");
    write(host, "/etc/nginx/conf.d/default.conf", &text);
}

fn machine(host: &SimHost, memory: u64, available: u64, swap: u64) {
    host.faults.machine.replace(Some(MachineFacts {
        memory: memory * MIB,
        available: available * MIB,
        swap: swap * MIB,
        ..MachineFacts::default()
    }));
}

#[test]
fn a_healthy_host_has_nothing_and_every_check_passes_and_nothing_is_changed() {
    let host = healthy();
    let before = host.world.borrow().clone();
    let seen = looked(&host, &site());
    assert_eq!(seen.findings, []);
    let passed: BTreeSet<_> = seen.passed.iter().collect();
    let all = Is::ALL
        .iter()
        .filter(|check| check.end() == CheckedEnd::Server);
    let missing: Vec<_> = all.filter(|check| !passed.contains(check)).collect();
    assert_eq!(missing, [] as [&Is; 0]);
    let after = host.world.borrow();
    assert_eq!(after.files, before.files);
    let changing = [
        "try_lock",
        "make_folder",
        "make_private",
        "make_root_folder",
        "replace",
        "append",
        "remove",
        "rename",
        "keep_copy",
        "empty",
        "compose_up",
        "compose_stop",
        "nginx_reload",
        "become_current",
        "load_units",
    ];
    let done = &after.done[before.done.len()..];
    assert!(!done.iter().any(|verb| changing.contains(verb)), "{done:?}");
}

#[test]
fn a_host_that_was_never_deployed_to_is_no_fault() {
    let host = SimHost::provisioned();
    host.set_compose(COMPOSE);
    let found: Vec<_> = looked(&host, &site())
        .findings
        .into_iter()
        .map(|finding| finding.check)
        .collect();
    assert_eq!(found, [Is::NotKeptWell], "no systemd in this one");
}

#[test]
fn each_fault_is_found_alone_with_its_fix() {
    let mut planted = BTreeSet::from([Is::IncludeNotLoaded, Is::SwitchLosesRequests]);
    for (check, plant, what, fix) in plants::ALL.concat() {
        planted.insert(check);
        let (host, mut site) = (healthy(), site());
        plant(&host, &mut site);
        let seen = looked(&host, &site);
        let [finding] = seen.findings.as_slice() else {
            panic!("{}: {:#?}", check.id(), seen.findings);
        };
        assert_eq!(finding.check, check);
        assert!(finding.what.contains(what), "{finding:?}");
        assert!(finding.fix.contains(fix), "{finding:?}");
        assert!(!seen.passed.contains(&check));
    }
    let all = Is::ALL
        .iter()
        .filter(|check| check.end() == CheckedEnd::Server);
    assert_eq!(planted, all.copied().collect(), "a row for every check");
}

#[test]
fn a_switch_by_reload_is_noted_and_an_include_that_nginx_has_not_loaded_is_found() {
    let host = by_reload();
    let found = |host: &SimHost| {
        let findings = looked(host, &site()).findings;
        findings
            .iter()
            .map(|finding| finding.check)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&host), [Is::SwitchLosesRequests, Is::NotKeptWell]);
    runs(&host, "web-1", true);
    replace(&host, INCLUDE, "8081", "8080");
    assert!(found(&host).contains(&Is::IncludeNotLoaded));
}

#[test]
fn a_deploy_at_work_is_no_fault() {
    let host = healthy();
    let log = format!("{FOLDER}/events/20260101T000002Z-000000.jsonl");
    let archived = text(
        &host,
        &format!("{FOLDER}/history/20260101T000002Z-000000.jsonl"),
    );
    write(&host, &format!("{FOLDER}/open.jsonl"), &archived);
    runs(&host, "web-1", true);
    let mut world = host.world.borrow_mut();
    assert!(world.files.contains_key(Path::new(&log)));
    world.now_ms = 1_764_000_000_000;
    drop(world);
    assert_eq!(looked(&host, &site()).findings, []);
}

//! Slots with compose files and projects of their own, and a live container in another project than compose would use.

use std::cell::Cell;
use std::path::PathBuf;

use super::paths::AppPaths;
use super::tests::{deployed, image, plan, swap, swap_plan};
use crate::error::{Failure, Reason};
use crate::host::facts::Publisher;
use crate::host::sim::{SimHost, kept_files};
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::{Plan, Target};
use crate::protocol::slot::PerSlot;

/// The simulated host knows the slots' containers by their projects' names.
const APART: [&str; 2] = [
    "docker-compose.blue.yml:app@web-1",
    "docker-compose.green.yml:app@web-2",
];

/// A plan for slots with a file and a project each.
pub(super) fn apart(plan: Plan) -> Plan {
    with_slots(plan, APART)
}

fn with_slots(mut plan: Plan, [one, two]: [&str; 2]) -> Plan {
    plan.site.slots = PerSlot {
        one: one.parse().unwrap(),
        two: two.parse().unwrap(),
    };
    plan
}

fn run(host: &SimHost, plan: &Plan) -> Finished {
    let finished = swap_plan(host, plan, &Cell::new(false), |_| {});
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    finished
}

fn paths() -> AppPaths {
    AppPaths::new(&"app".parse().unwrap())
}

/// Refused before anything was changed.
fn refused(host: &SimHost, plan: &Plan) -> Failure {
    let before = host.world.borrow().clone();
    let finished = run(host, plan);
    let (_, failure) = finished.failed.unwrap();
    assert_eq!(
        (finished.outcome, failure.reason),
        (Outcome::Failed, Reason::PreflightFailed),
        "{failure:?}"
    );
    let world = host.world.borrow();
    assert_eq!(kept_files(&world), kept_files(&before));
    assert_eq!(world.containers.len(), before.containers.len());
    failure
}

/// The warnings of a run, from its log.
fn warnings(host: &SimHost, plan: &Plan) -> String {
    let log = paths().event_log(&plan.deployment);
    let text = host.world.borrow().files[&log].to_vec();
    let text = String::from_utf8(text).unwrap();
    let lines = text.lines().filter(|line| line.contains("\"warning\""));
    lines.collect::<Vec<_>>().join("\n")
}

fn two_files() -> SimHost {
    let host = SimHost::provisioned();
    host.describe_apart("");
    host
}

#[test]
fn two_files_with_one_service_take_turns_and_go_back_as_they_ran() {
    let host = two_files();
    let deploy = |n: u8| {
        let finished = run(&host, &apart(plan(n, Target::Image(image(n)))));
        assert_eq!(finished.outcome, Outcome::Deployed, "{finished:?}");
        finished
    };
    let first = deploy(1);
    assert_eq!(first.live.clone().unwrap().service, "web-1");
    assert_eq!(host.environment().as_deref(), Some("{\"ON\":\"blue\"}"));
    let second = deploy(2);
    assert_eq!(second.live.unwrap().service, "web-2");
    assert_eq!(host.running(), ["web-2"]);
    assert_eq!(host.environment().as_deref(), Some("{\"ON\":\"green\"}"));
    let files: Vec<PathBuf> = host.world.borrow().files.keys().cloned().collect();
    for name in ["web-1.override.yml", "web-2.override.yml"] {
        assert!(files.contains(&paths().folder().join(name)), "{name}");
    }

    // Both files say something else by now: what ran in the slot that it goes to is what comes back.
    host.describe_apart("x-more: 1\n");
    let text = |name: &str| format!("/home/u/docker-compose.{name}.yml");
    for name in ["blue", "green"] {
        let path = PathBuf::from(text(name));
        let mut world = host.world.borrow_mut();
        let edited = String::from_utf8(world.files[&path].to_vec()).unwrap();
        let edited = edited.replace("ON: '", "ON: 'new-").into_bytes();
        world.files.insert(path, edited.into());
    }
    let back = run(&host, &apart(plan(3, Target::Previous)));
    let release = |finished: &Finished| finished.live.clone().unwrap().release;
    assert_eq!(back.outcome, Outcome::Deployed, "{back:?}");
    assert_eq!(release(&back), release(&first));
    assert_eq!(host.serves(), Some(image(1)));
    assert_eq!(host.environment().as_deref(), Some("{\"ON\":\"blue\"}"));
    let again = run(&host, &apart(plan(4, Target::Previous)));
    assert_eq!(again.outcome, Outcome::Deployed, "{again:?}");
    assert_eq!(host.environment().as_deref(), Some("{\"ON\":\"green\"}"));
}

#[test]
fn what_is_pruned_of_a_release_is_pruned_whole() {
    let host = two_files();
    let kept = || {
        let world = host.world.borrow();
        let files = world.files.keys();
        files
            .filter(|path| path.starts_with(paths().releases()))
            .count()
    };
    for n in 1..=5 {
        run(&host, &apart(plan(n, Target::Image(image(n)))));
    }
    assert_eq!(kept(), 6, "three releases, two slots");
}

#[test]
fn wherever_a_verb_fails_a_slot_of_its_own_serves_and_the_next_deploy_works() {
    let deploy = |host: &SimHost, n: u8| run(host, &apart(plan(n, Target::Image(image(n)))));
    let count = {
        let host = two_files();
        deploy(&host, 1);
        let before = host.calls();
        deploy(&host, 2);
        before..host.calls()
    };
    for number in count {
        let host = two_files();
        deploy(&host, 1);
        host.faults.call.set(Some(number));
        let finished = deploy(&host, 2);
        let wanted = match finished.outcome {
            Outcome::Deployed => image(2),
            Outcome::RolledBack | Outcome::Failed => image(1),
            other => panic!("call {number} ended {other}: {finished:?}"),
        };
        assert_eq!(host.serves(), Some(wanted), "call {number}: {finished:?}");
        let next = deploy(&host, 3);
        assert_eq!(next.outcome, Outcome::Deployed, "call {number}: {next:?}");
    }
}

#[test]
fn a_slot_that_names_nothing_is_told_in_the_users_own_line() {
    let host = two_files();
    let of = |slots| refused(&host, &with_slots(plan(1, Target::Previous), slots));
    let missing = of(["docker-compose.red.yml:app@web-1", APART[1]]);
    assert!(
        missing.chain[0].contains("`docker-compose.red.yml:app@web-1`"),
        "{missing:?}"
    );
    assert!(
        missing.hints[0].contains("`docker-compose.blue.yml`, `docker-compose.green.yml`"),
        "{missing:?}"
    );
    let other = of([APART[0], "docker-compose.green.yml:web@web-2"]);
    let what = &other.chain[0];
    assert!(
        what.contains("`docker-compose.green.yml:web@web-2`") && what.contains("it has: app"),
        "{other:?}"
    );
}

#[test]
fn two_slots_in_one_container_are_refused_with_what_to_write() {
    let host = two_files();
    let slots = [
        "docker-compose.blue.yml:app",
        "docker-compose.green.yml:app",
    ];
    let plan = with_slots(plan(1, Target::Image(image(1))), slots);
    let failure = refused(&host, &plan);
    let what = &failure.chain[0];
    assert!(
        what.contains("are one container: service `app` of the compose project `u`"),
        "{failure:?}"
    );
    assert!(
        failure.hints[0].contains(
            "`slots: docker-compose.blue.yml:app@u-blue, docker-compose.green.yml:app@u-green`"
        ),
        "{failure:?}"
    );
}

#[test]
fn files_that_name_their_projects_need_no_more() {
    let host = two_files();
    for (name, project) in [("blue", "web-1"), ("green", "web-2")] {
        let path = PathBuf::from(format!("/home/u/docker-compose.{name}.yml"));
        let mut world = host.world.borrow_mut();
        let text = String::from_utf8(world.files[&path].to_vec()).unwrap();
        let text = format!("name: {project}\n{text}");
        world.files.insert(path, text.into_bytes().into());
    }
    let slots = [
        "docker-compose.blue.yml:app",
        "docker-compose.green.yml:app",
    ];
    for n in [1, 2] {
        let plan = with_slots(plan(n, Target::Image(image(n))), slots);
        let finished = run(&host, &plan);
        assert_eq!(finished.outcome, Outcome::Deployed, "{finished:?}");
        let name = ["blue", "green"][usize::from(n) - 1];
        assert_eq!(finished.live.unwrap().service, name);
        assert_eq!(host.serves(), Some(image(n)));
    }
    assert_eq!(host.running(), ["web-2"]);
    // The live one is elsewhere: nobody can tell where the other one belongs.
    let mut world = host.world.borrow_mut();
    world.containers.get_mut("web-2").unwrap().project = "shop-green".to_owned();
    drop(world);
    let failure = refused(&host, &with_slots(plan(3, Target::Previous), slots));
    assert!(
        failure.chain[0].contains("compose project `shop-green`")
            && failure.chain[0].contains("`web-2`"),
        "{failure:?}"
    );
    assert!(
        failure.hints[0].contains(
            "`slots: docker-compose.blue.yml:app@shop-blue, docker-compose.green.yml:app@shop-green`"
        ),
        "{failure:?}"
    );
}

#[test]
fn a_new_slot_goes_where_the_live_one_is_and_that_is_said_until_it_is_written_down() {
    let host = SimHost::new();
    deployed(&host, 1);
    let elsewhere = |host: &SimHost, service: &str| {
        let mut world = host.world.borrow_mut();
        let container = world.containers.get_mut(service).unwrap();
        container.project = "shop".to_owned();
        container.networks = vec!["shop_default".to_owned()];
    };
    elsewhere(&host, "web-1");
    let second = plan(2, Target::Image(image(2)));
    assert_eq!(run(&host, &second).outcome, Outcome::Deployed);
    assert_eq!(host.world.borrow().containers["web-2"].project, "shop");
    let said = warnings(&host, &second);
    for word in ["`shop`", "`u`", "slots: web-1@shop, web-2@shop"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // As it says; and the app's owner is the same one.
    let third = with_slots(
        plan(3, Target::Image(image(3))),
        ["web-1@shop", "web-2@shop"],
    );
    assert_eq!(run(&host, &third).outcome, Outcome::Deployed);
    assert_eq!(warnings(&host, &third), "");
    assert_eq!(host.running(), ["db", "web-1"]);
    assert_eq!(swap(&host, 4, Target::Previous).outcome, Outcome::Deployed);
    assert_eq!(host.serves(), Some(image(2)));
}

#[test]
fn a_container_that_slots_does_not_name_is_named_with_what_to_write() {
    let host = two_files();
    let publisher = Publisher {
        container: "app-blue-app-1".to_owned(),
        service: "app".to_owned(),
        project: "app-blue".to_owned(),
        folder: "/home/u".into(),
        files: vec!["/home/u/docker-compose.blue.yml".into()],
    };
    host.world.borrow_mut().publisher = Some(publisher.clone());
    host.faults.taken.set(Some(8080));
    let failure = refused(&host, &apart(plan(1, Target::Image(image(1)))));
    let what = &failure.chain[0];
    assert!(
        what.contains("`docker-compose.blue.yml:app@web-1`")
            && what.contains("`app-blue-app-1`")
            && what.contains("`app-blue`"),
        "{failure:?}"
    );
    assert!(
        failure.hints[0].contains("`docker-compose.blue.yml:app@app-blue`"),
        "{failure:?}"
    );
    host.world.borrow_mut().publisher = Some(Publisher {
        folder: "/srv/app".into(),
        ..publisher
    });
    let failure = refused(&host, &apart(plan(2, Target::Image(image(1)))));
    assert!(
        failure.hints[0].contains("`project-directory: /srv/app`"),
        "{failure:?}"
    );
}

#[test]
fn a_network_that_is_gone_ends_the_deploy_and_one_that_the_new_slot_lacks_is_said() {
    let host = SimHost::provisioned();
    let external = "networks: {default: {name: shop_net, external: true}}\n";
    host.describe_apart(external);
    let first = apart(plan(1, Target::Image(image(1))));
    let failure = refused(&host, &first);
    let what = &failure.chain[0];
    assert!(
        what.contains("`docker-compose.blue.yml:app@web-1`") && what.contains("`shop_net`"),
        "{failure:?}"
    );
    assert!(
        failure.hints[0].contains("docker network create shop_net"),
        "{failure:?}"
    );
    host.world.borrow_mut().networks = vec!["shop_net".to_owned()];
    assert_eq!(run(&host, &first).outcome, Outcome::Deployed);

    // What each had in its own project is no news; what the live one has beyond that is.
    host.describe_apart("");
    let second = apart(plan(2, Target::Image(image(2))));
    assert_eq!(run(&host, &second).outcome, Outcome::Deployed);
    assert_eq!(warnings(&host, &second), "");
    let mut world = host.world.borrow_mut();
    let live = world.containers.get_mut("web-2").unwrap();
    live.networks.push("shop_net".to_owned());
    drop(world);
    let third = apart(plan(3, Target::Image(image(3))));
    assert_eq!(run(&host, &third).outcome, Outcome::Deployed);
    let said = warnings(&host, &third);
    for word in ["`web-2`", "`shop_net`", "`web-1`", "`web-1_default`"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn the_journal_of_plain_slots_says_no_more_than_before() {
    let host = SimHost::new();
    deployed(&host, 1);
    let id = plan(1, Target::Previous).deployment;
    let file = paths().archived(&id);
    let text = String::from_utf8(host.world.borrow().files[&file].to_vec()).unwrap();
    assert!(
        text.contains(r#""slots":{"one":"web-1","two":"web-2"}"#),
        "{text}"
    );
    assert!(
        text.contains(r#"{"service":"web-1","port":8080,"health_port":null}"#),
        "{text}"
    );
}

//! `doctor` on a whole server: nothing where nothing is wrong, each planted fault by its name, and a fix that works.

use std::collections::BTreeSet;

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World, root};

/// What one look found, by name, and all of it.
fn looked(
    world: &World,
    more: &[(&str, &str)],
) -> (Option<i32>, BTreeSet<String>, serde_json::Value) {
    let run = world.run(&["doctor", "--json"], more);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
    let findings = answer.get("findings").unwrap().as_array().unwrap();
    let id = |finding: &serde_json::Value| finding.get("id").unwrap().as_str().unwrap().to_owned();
    let ids = findings.iter().map(id);
    (run.code, ids.collect(), answer)
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The compose file of the example with ports that nobody else reaches, and this change.
fn compose(world: &World, from: &str, to: &str) {
    let text = std::fs::read_to_string(root().join("examples/hello/docker-compose.yml")).unwrap();
    let text = text.replace("- \"808", "- \"127.0.0.1:808");
    assert!(text.contains(from), "{text}");
    let file = world.context.path().join("edited.yml");
    std::fs::write(&file, text.replace(from, to)).unwrap();
    world.give("docker-compose.yml", &file);
}

#[test]
fn a_healthy_server_has_nothing_and_planted_faults_are_found_and_their_fix_works() {
    let world = World::provisioned(Host::V2);
    compose(&world, "version", "version");
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let state = "find /var/lib/pct-deploy /etc/nginx /home/ec2-user -type f -not -path '*/bin/*' -not -name '*.log' | sort | xargs sha256sum; docker ps -aq";
    let before = world.ask_host(state);
    let (code, found, answer) = looked(&world, &[]);
    assert_eq!((code, found), (Some(0), names(&[])), "{answer:#}");
    assert!(
        answer["passed"].as_array().unwrap().len() > 50,
        "{answer:#}"
    );
    assert_eq!(world.ask_host(state), before, "nothing is changed");

    compose(&world, "memory: 64M", "cpus: '1'");
    world.ask_host("rm /etc/systemd/system/pct-deploy-settle.timer && docker stop $(docker ps -q --filter label=com.docker.compose.service=hello-1)");
    let cache = "/etc/nginx/conf.d/00-cache.conf";
    world.ask_host(&format!("echo 'open_file_cache max=9;' > {cache}"));
    let (code, found, answer) = looked(&world, &[]);
    let planted = ["file-cache", "not-kept-well", "slot-has-no-limit"];
    assert_eq!((code, found), (Some(5), names(&planted)), "{answer:#}");
    world.ask_host(&format!("rm {cache}"));
    let planted = [
        "live-slot-down",
        "not-kept-well",
        "registry-login-refused",
        "slot-has-no-limit",
    ];
    let (code, found, answer) = looked(&world, &[("REGISTRY_PASSWORD", "another one")]);
    assert_eq!((code, found), (Some(5), names(&planted)), "{answer:#}");
    // What the fix says is typed, by whoever deploys.
    let mut findings = answer["findings"].as_array().unwrap().iter();
    let down = findings
        .find(|finding| finding["id"] == "live-slot-down")
        .unwrap();
    let fix = down["fix"].as_str().unwrap().split('`').nth(1).unwrap();
    world.ask_host(&format!("su ec2-user -c '{fix}'"));
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let (code, found, answer) = looked(&world, &[]);
    let left = names(&["not-kept-well", "slot-has-no-limit"]);
    assert_eq!(
        (code, found),
        (Some(0), left),
        "warnings are no failure: {answer:#}"
    );

    // Without the server, the rest is told.
    let (code, found, answer) = looked(&world, &[("SSH_USER", "nobody-here")]);
    assert_eq!(
        (code, found),
        (Some(5), names(&["ssh-refused"])),
        "{answer:#}"
    );
    assert!(answer["not_checked"].is_string(), "{answer:#}");
}

//! What slots print, as `logs` shows it.

use std::process::Command;
use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, Run, World};

fn lines(run: &Run) -> Vec<&str> {
    run.stdout.lines().collect()
}

#[test]
fn each_slot_shows_its_log_and_following_ends_with_the_container_or_a_signal() {
    let world = World::fresh(Host::V2);
    let deployed = |version| {
        let run = world.deploy(&Release::new(version));
        run.expect(Outcome::Deployed, "deployed")
            .deployment_id
            .unwrap()
            .to_string()
    };
    deployed("v1");
    let second = deployed("v2");
    let live = world.run(&["logs"], &[]);
    assert_eq!(live.code, Some(0), "{}", live.stderr);
    assert_eq!(
        lines(&live).last(),
        Some(&"hello v2 listening on port 8080")
    );
    let last = world.run(&["logs", "-n", "1", "--slot", "idle"], &[]);
    assert_eq!(lines(&last), ["hello v1 stopped, nothing cut"]);
    let since = world.run(
        &["logs", "--since", &second, "--slot", "hello-2", "--json"],
        &[],
    );
    assert!(
        since.stdout.starts_with("{\"line\":\"hello v2 on "),
        "{}",
        since.stdout
    );
    world
        .run(&["logs", "--slot", "hello-3"], &[])
        .refuses(5, &["no slot `hello-3`", "`hello-1` and `hello-2`"]);

    let followed = world.spawn(&["logs", "--follow"], &[]);
    let left = world.spawn(&["logs", "--follow", "--slot", "idle"], &[]);
    std::thread::sleep(Duration::from_secs(3));
    deployed("v3");
    let followed = followed.wait();
    assert_eq!(followed.code, Some(0), "{}", followed.stderr);
    assert_eq!(
        lines(&followed).last(),
        Some(&"hello v2 stopped, nothing cut")
    );
    // The container of v1 was gone by then, so that one has ended as well.
    assert_eq!(left.wait().code, Some(0));

    let endless = world.spawn(&["logs", "-f"], &[]);
    std::thread::sleep(Duration::from_secs(3));
    let pid = endless.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let endless = endless.wait();
    assert_eq!(endless.code, Some(130), "{}", endless.stderr);
    assert!(endless.stdout.contains("hello v3 listening"));
    // Nobody listens to the agent any more.
    world.wait_until("the agent has ended", |world| {
        world.ask_host("pgrep -fc 'pct-deploy.*agent serv[e]' || true") == "0"
    });
}

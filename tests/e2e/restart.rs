//! Slots with `restart: always`: Docker starts both when it starts, and only the one that was live may stay.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World, docker};

/// The slots that run.
fn slots(world: &World) -> String {
    world.ask_host("docker ps --format '{{.Names}}' | grep 'hello-[12]-' | sort || true")
}

/// One slot, the one that was live, and it stays so.
fn one_runs(world: &World, when: &str) {
    world.wait_until(&format!("the host is up again ({when})"), |world| {
        world
            .on_host("systemctl is-active --quiet docker nginx ssh && docker info")
            .status
            .success()
    });
    world.wait_until(&format!("v2 alone runs and serves ({when})"), |world| {
        world.serves().as_deref() == Some("v2") && slots(world) == "ec2-user-hello-2-1"
    });
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(slots(world), "ec2-user-hello-2-1", "{when}");
    let dependency = world.ask_host("docker ps --format '{{.Names}}' | grep -c hello-dep || true");
    assert_eq!(dependency, "1", "{when}");
}

#[test]
fn after_a_restart_of_the_server_or_of_docker_the_live_slot_alone_runs() {
    let mut world = World::provisioned(Host::V2);
    world.set("bake", "0s");
    world.ask_host("sed -i 's|restart: on-failure|restart: always|' ~ec2-user/docker-compose.yml");
    for version in ["v1", "v2"] {
        world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
    }
    let before = world.ask_host("docker inspect -f '{{.Id}}' ec2-user-hello-2-1");
    // Settings that nobody has deployed must not go live with a boot.
    world.ask_host("sed -i 's|PROFILE=prod|PROFILE=untried|' ~ec2-user/docker-compose.yml");
    one_runs(&world, "before");
    assert!(
        docker(&["restart", "-t", "20", &world.env.container])
            .status
            .success()
    );
    one_runs(&world, "after a reboot");
    world.ask_host("systemctl restart docker");
    one_runs(&world, "after a restart of the daemon");
    // Containers end with the daemon where `live-restore` is off.
    world.ask_host(
        // systemd counts the starts of a minute, ours among them.
        "rm -f /etc/docker/daemon.json && systemctl reset-failed docker && systemctl restart docker && \
         systemctl reset-failed docker && systemctl restart docker",
    );
    one_runs(&world, "after a restart that ended the containers");
    let after = world.ask_host("docker inspect -f '{{.Id}}' ec2-user-hello-2-1");
    assert_eq!(before, after, "started, not made again");
    world.ask_host("sed -i 's|PROFILE=untried|PROFILE=prod|' ~ec2-user/docker-compose.yml");
    world
        .deploy(&Release::new("v3"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v3"));
}

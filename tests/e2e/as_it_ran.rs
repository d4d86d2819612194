//! A rollback brings a release back as it ran, not as today's compose file would run it.

use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World};

const COMPOSE: &str = "/home/ec2-user/docker-compose.yml";

/// What the service that takes traffic runs with.
fn live(world: &World, format: &str) -> String {
    let slot = world.ask_host("test -e /var/lib/pct-deploy/hello/live-2 && echo 2 || echo 1");
    world.ask_host(&format!(
        "docker inspect -f '{format}' ec2-user-hello-{slot}-1"
    ))
}

fn environment(world: &World) -> String {
    live(world, "{{range .Config.Env}}{{println .}}{{end}}")
}

/// Both slots with a folder of their own for data, or with none again.
fn edit(world: &World, script: &str) {
    world.ask_host(&format!("sed -i '{script}' {COMPOSE}"));
}

#[test]
fn an_environment_that_was_changed_is_the_old_one_after_a_rollback() {
    let mut world = World::provisioned(Host::V2);
    world.set("bake", "0s");
    let first = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    assert!(environment(&world).contains("PROFILE=prod"));
    // The same image, and a bad setting.
    edit(&world, "s|PROFILE=prod|PROFILE=broken|");
    let image = first.image.unwrap().to_string();
    let second = world
        .deploy_image(&image)
        .expect(Outcome::Deployed, "deployed");
    assert_ne!(first.release, second.release, "settings are part of it");
    assert!(environment(&world).contains("PROFILE=broken"));
    let back = world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(back.release, first.release);
    let now = environment(&world);
    assert!(
        now.contains("PROFILE=prod") && !now.contains("broken"),
        "{now}"
    );
    assert_eq!(world.serves().as_deref(), Some("v1"));
    // What it ran with is a secret: root's and the user's, and nowhere in what anybody may read.
    let readable = world.ask_host(
        "grep -rls PROFILE= /var/lib/pct-deploy | xargs -r stat -c '%a %n' | grep -v '^600 ' || true",
    );
    assert_eq!(readable, "");
}

#[test]
fn what_is_gone_of_a_release_is_named_and_nothing_is_changed() {
    let mut world = World::provisioned(Host::V2);
    world.set("bake", "0s");
    edit(
        &world,
        "s|^    ports:$|    volumes:\\n      - shop-data:/data\\n    ports:|",
    );
    world.ask_host(&format!("printf 'volumes:\\n  shop-data:\\n' >>{COMPOSE}"));
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let mounted = "{{range .Mounts}}{{.Name}}{{end}}";
    assert!(live(&world, mounted).ends_with("shop-data"));
    edit(&world, "/^    volumes:$/,+1d;/^volumes:$/,+1d");
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(live(&world, mounted), "");
    let gone = world.run(&["rollback", "--json"], &[]);
    gone.refuses(5, &["shop-data"]);
    assert_eq!(gone.result().outcome, Outcome::Failed);
    assert_eq!(world.serves().as_deref(), Some("v2"));
    // With the volume there again it goes back.
    edit(
        &world,
        "s|^    ports:$|    volumes:\\n      - shop-data:/data\\n    ports:|",
    );
    world.ask_host(&format!("printf 'volumes:\\n  shop-data:\\n' >>{COMPOSE}"));
    world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("v1"));
    assert!(live(&world, mounted).ends_with("shop-data"));
}

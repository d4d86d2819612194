//! Going back, without a registry.

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;

use crate::world::{Host, Release, World};

#[test]
fn rollback_goes_to_the_previous_release_and_to_a_named_one_without_the_registry() {
    let world = World::fresh(Host::V2);
    let first = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world
        .deploy(&Release::new("v2"))
        .expect(Outcome::Deployed, "deployed");
    world
        .deploy(&Release::new("v3"))
        .expect(Outcome::Deployed, "deployed");
    world.cut_registry();
    let back = world.run(
        &["rollback", "--json"],
        &[("REGISTRY_USERNAME", ""), ("REGISTRY_PASSWORD", "")],
    );
    let wanted = first.release.clone().unwrap().to_string();
    let to = world.run(
        &["rollback", "--json", "--to", &wanted],
        &[("REGISTRY_USERNAME", ""), ("REGISTRY_PASSWORD", "")],
    );
    let unknown = world.run(&["rollback", "--json", "--to", "0123456789ab"], &[]);
    world.restore_registry();
    back.expect(Outcome::Deployed, "deployed");
    let to = to.expect(Outcome::Deployed, "deployed");
    assert_eq!((to.release, to.digest), (first.release, first.digest));
    assert_eq!(world.serves().as_deref(), Some("v1"));
    unknown.expect(Outcome::Failed, "no-earlier-release");
    assert!(
        unknown.stderr.contains(&wanted),
        "it names what there is: {}",
        unknown.stderr
    );
}

#[test]
fn rollback_without_a_past_says_so() {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Failed, "no-earlier-release");
    assert_eq!(world.serves().as_deref(), Some("v1"));
}

#[test]
fn images_beyond_keep_releases_are_removed_and_the_kept_ones_can_come_back() {
    let mut world = World::fresh(Host::V2);
    world.set("keep-releases", "2");
    let images = |world: &World| {
        world.ask_host(
            "docker images --digests --format '{{.Digest}}' localhost:5000/pct/hello | grep -c sha256 || true",
        )
    };
    let before: u32 = images(&world).parse().unwrap();
    for version in ["p1", "p2", "p3", "p4"] {
        world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
    }
    let after: u32 = images(&world).parse().unwrap();
    assert!(after <= 2, "{before} images before, {after} after");
    world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("p3"));
}

#[test]
fn by_flag_a_rollback_needs_no_registry_and_loses_nothing() {
    let mut world = World::provisioned(Host::V2);
    world.set("bake", "0s");
    for version in ["v1", "v2"] {
        world
            .deploy(&Release::new(version))
            .expect(Outcome::Deployed, "deployed");
    }
    let load = world.load();
    world.cut_registry();
    let back = world.run(
        &["rollback", "--json"],
        &[("REGISTRY_USERNAME", ""), ("REGISTRY_PASSWORD", "")],
    );
    world.restore_registry();
    let report = load.stop_blocking();
    let result = back.expect(Outcome::Deployed, "deployed");
    assert_eq!(result.receipt.switch, Some(SwitchKind::Flag));
    assert_eq!(world.serves().as_deref(), Some("v1"));
    assert!(report.is_clean(), "{report}");
    eprintln!(
        "rollback: by flag, without a registry, in {:.1} s; switched {} ms after healthy",
        result.took_seconds,
        result.receipt.healthy_to_switched_ms.unwrap()
    );
}

/// A compose file of the app with this environment, and more of each slot, in a file of the host's user.
fn write_compose(world: &World, environment: &str, more: &str, parts: &str) {
    let slot = |name: &str, port: u16| {
        format!(
            "  {name}:\n    image: localhost:5000/pct/hello\n    ports: [\"{port}:8080\"]\n    environment:\n{environment}{more}"
        )
    };
    let text = format!(
        "version: '3.8'\nservices:\n{}{}{parts}",
        slot("hello-1", 8080),
        slot("hello-2", 8081)
    );
    let file = world.context.path().join("compose");
    std::fs::write(&file, text).unwrap();
    world.give("docker-compose.yml", &file);
}

const SECRET: &str = "pa$$$$w'rd: \"on\" # yes";

fn as_it_ran(world: &World) {
    let old = "      PROFILE: 'on'\n      DB_PASSWORD: 'pa$$$$w''rd: \"on\" # yes'\n";
    let new = "      PROFILE: new\n      MORE: '1'\n";
    let volume = "    volumes: ['data:/data']\n";
    let limit = |memory| format!("    deploy: {{resources: {{limits: {{memory: {memory}}}}}}}\n");
    let (limited, roomy) = (limit("48M"), limit("64M"));
    let parts = "volumes:\n  data: {}\n";
    write_compose(world, old, &format!("{volume}{limited}"), parts);
    let first = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let live = || {
        let service = if world
            .on_host("curl -sf http://127.0.0.1:8080/health")
            .status
            .success()
        {
            "hello-1"
        } else {
            "hello-2"
        };
        let found = "docker ps -q --filter label=com.docker.compose.service=";
        let container = world.ask_host(&format!("{found}{service}"));
        let of = |what: &str| world.ask_host(&format!("docker inspect -f '{what}' {container}"));
        let environment = of("{{json .Config.Env}}");
        let mut environment: Vec<String> = serde_json::from_str(&environment).unwrap();
        environment.sort();
        (
            environment,
            of("{{.HostConfig.Memory}}"),
            of("{{range .Mounts}}{{.Name}}{{end}}"),
            of(
                "{{index .Config.Labels \"com.docker.compose.project\"}} {{index .Config.Labels \"com.docker.compose.project.working_dir\"}}",
            ),
        )
    };
    let ran = live();
    let image = first.image.clone().unwrap().to_string();
    write_compose(world, new, &format!("{volume}{roomy}"), parts);
    let second = world
        .deploy_image(&image)
        .expect(Outcome::Deployed, "deployed");
    assert_ne!(
        first.release, second.release,
        "the same image, other settings"
    );
    let changed = live();
    assert!(changed.0.contains(&"MORE=1".to_owned()), "{changed:?}");
    assert_ne!(changed.1, ran.1, "the limit");
    let back = world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(back.release, first.release);
    assert_eq!(live(), ran, "environment, limit, volume and project");
    let plain = SECRET.replace("$$", "$");
    for told in [format!("DB_PASSWORD={plain}"), "PROFILE=on".to_owned()] {
        assert!(ran.0.contains(&told), "{told}: {ran:?}");
    }
    assert_eq!(world.serves().as_deref(), Some("v1"));
    let wanted = first.release.clone().unwrap().to_string();
    world
        .run(&["rollback", "--json", "--to", &wanted], &[])
        .expect(Outcome::Unchanged, "already-live");

    let folder = "/var/lib/pct-deploy/hello";
    let modes = world.ask_host(&format!(
        "stat -c %a {folder}/releases/* {folder}/release-key | sort -u"
    ));
    assert_eq!(modes, "600");
    let found = world.ask_host(&format!("grep -rl \"w'rd: \" {folder} || true"));
    assert_eq!(
        found,
        format!("{folder}/releases/{wanted}.yml"),
        "and nowhere else"
    );

    write_compose(world, new, &roomy, "");
    let before = live();
    let gone = world.run(&["rollback", "--json"], &[]);
    gone.expect(Outcome::Failed, "release-gone");
    gone.refuses(5, &["volume `data`", "compose file no longer has"]);
    assert_eq!(live(), before);
    write_compose(world, new, &format!("{volume}{roomy}"), parts);
    let back = world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    assert_eq!(back.release, second.release);
}

#[test]
fn a_rollback_after_a_changed_environment_brings_the_old_one_back_or_says_what_is_gone() {
    as_it_ran(&World::provisioned(Host::V2));
}

#[test]
fn it_does_so_with_the_older_compose_and_by_reload() {
    as_it_ran(&World::fresh(Host::V1));
}

//! The seed's `deploy.sh` beside ours: same host, same app, same load client.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use sandbox::load::LoadReport;

use crate::world::{Host, Release, World, root};

const IMAGE: &str = "localhost:5000/pct/seed";
const BOOT: Duration = Duration::from_secs(8);

#[test]
fn the_seeds_script_loses_what_ours_does_not() {
    let seed = seed();
    let ours = ours();
    let bad = |report: &LoadReport| report.non_200.values().sum::<u64>();
    eprintln!(
        "baseline: an app that takes {} s to boot, 20 keep-alive connections",
        BOOT.as_secs()
    );
    eprintln!(
        "  deploy.sh   {:>7} answered  {:>7} not 200  {:>4} lost",
        seed.sent,
        bad(&seed),
        seed.lost
    );
    eprintln!(
        "  pct-deploy  {:>7} answered  {:>7} not 200  {:>4} lost",
        ours.sent,
        bad(&ours),
        ours.lost
    );
    assert!(
        bad(&seed) > 100,
        "the measurement must be able to see a loss: {seed}"
    );
    assert_eq!(bad(&ours), 0, "{ours}");
}

fn ours() -> LoadReport {
    let world = World::fresh(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    world
        .deploy(&Release::new("v2").boots_in(BOOT))
        .expect(Outcome::Deployed, "deployed");
    load.stop_blocking()
}

/// The same two versions with the script; ours only builds and pushes them.
fn seed() -> LoadReport {
    let mut world = World::fresh(Host::V2);
    // `latest` of its own: other tests push theirs meanwhile.
    world.set("image", IMAGE);
    world.ask_host(&format!(
        "sed -i 's|image: localhost:5000/pct/hello$|image: {IMAGE}|' ~ec2-user/docker-compose.yml"
    ));
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    // Only the push matters: `latest` is what the script pulls.
    world
        .deploy(&Release::new("v2").boots_in(BOOT))
        .expect(Outcome::Deployed, "deployed");
    world
        .run(&["rollback", "--json"], &[])
        .expect(Outcome::Deployed, "deployed");
    world.ask_host("docker rm -f ec2-user-hello-2-1 >/dev/null");
    world.give("deploy.sh", &root().join("examples/parking/seed/deploy.sh"));
    world.ask_host(&format!(
        "sudo -iu ec2-user docker login -u {} --password-stdin localhost:5000 <<'END'\n{}\nEND",
        world.env.registry_user, world.env.registry_password
    ));
    let load = world.load();
    let output = world.ask_host(&format!(
        "chmod +x ~ec2-user/deploy.sh && cd ~ec2-user && sudo -u ec2-user env HOME=/home/ec2-user \
         IMAGE={IMAGE} SLOT=hello DEPENDENCIES=hello-dep ./deploy.sh 2>&1; rm -rf ~ec2-user/.docker"
    ));
    eprintln!("{output}");
    std::thread::sleep(BOOT);
    let report = load.stop_blocking();
    assert_eq!(
        world.serves().as_deref(),
        Some("v2"),
        "the script did deploy"
    );
    report
}

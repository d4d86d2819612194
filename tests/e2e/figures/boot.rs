//! What the users of the live slot notice while a JVM boots beside it on one processor: held back, and with a weight of its
//! own. And what being held back costs the boot when nobody else wants the processor.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use sandbox::load::Load;

use super::{median, seconds};
use crate::parking::{deploy, parking};
use crate::world::{Run, World, docker};

/// Of each kind; they alternate.
const ROUNDS: usize = 5;
const VERSIONS: [&str; 2] = ["a", "b"];
/// A JVM is slow before.
const WARM: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_secs(15);

/// Found before the real one.
const BROKEN_TEE: &str = "/usr/local/bin/tee";

/// How the new slot boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// As it is deployed.
    Low,
    /// `tee`, by which root writes weights, does not work: as it was before there was any of this.
    Own,
}

/// Milliseconds, and seconds of the boot.
#[derive(Debug, Default)]
struct Seen {
    quiet_p50: Vec<f64>,
    quiet_p99: Vec<f64>,
    boot_p50: Vec<f64>,
    boot_p99: Vec<f64>,
    boot_max: Vec<f64>,
    took_under_load: Vec<f64>,
    took_idle: Vec<f64>,
}

#[test]
#[ignore = "measures; run it by `make bench`"]
fn the_live_slot_while_a_jvm_boots() {
    let mut world = parking();
    let one = OneProcessor::of(&world);
    world.set("bake", "0s");
    world.set("health-timeout", "240s");
    let done = world.run(&["provision", "--json"], &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let images = VERSIONS.map(|version| deploy(&world, version).image.unwrap().to_string());
    let mut live = 1;
    let mut seen: [Seen; 2] = Default::default();
    let allowed = "grep -h Cpus_allowed_list $(docker inspect -f '/proc/{{.State.Pid}}/status' $(docker ps -q))";
    for line in world.ask_host(allowed).lines() {
        assert!(line.ends_with("\t0"), "{line}");
    }
    for round in 0..ROUNDS {
        let kinds = [Weight::Own, Weight::Low];
        for n in 0..2 {
            let n = (n + round) % 2;
            kinds[n].set(&world);
            measure(&world, &images[1 - live], VERSIONS[live], &mut seen[n]);
            live = 1 - live;
            let took = took(&world.deploy_image(&images[1 - live]));
            seen[n].took_idle.push(took);
            live = 1 - live;
            eprintln!("{:?}: {:?}", kinds[n], seen[n]);
        }
    }
    drop(one);
    let [own, low] = &seen;
    eprintln!(
        "boot: medians of {ROUNDS} alternating boots, one processor{:>20} {:>9}",
        "own weight", "held back"
    );
    let of =
        |seen: fn(&Seen) -> &Vec<f64>| [own, low].map(|kind| median(seen(kind).iter().copied()));
    let rows: [Figure; 7] = [
        ("half of the requests take at most, quiet, ms", |seen| {
            &seen.quiet_p50
        }),
        ("the same while the new slot boots", |seen| &seen.boot_p50),
        ("99 % of the requests take at most, quiet, ms", |seen| {
            &seen.quiet_p99
        }),
        ("the same while the new slot boots", |seen| &seen.boot_p99),
        ("the slowest one while the new slot boots, ms", |seen| {
            &seen.boot_max
        }),
        ("the boot takes, under load, s", |seen| {
            &seen.took_under_load
        }),
        ("the same with nobody else", |seen| &seen.took_idle),
    ];
    for (what, field) in rows {
        let [own, low] = of(field);
        eprintln!("boot: {what:<55} {own:>9.1} {low:>9.1}");
    }
}

/// What a line of the table says, and where it is.
type Figure = (&'static str, fn(&Seen) -> &Vec<f64>);

/// Warms the live slot, measures it alone, and beside a slot that boots.
fn measure(world: &World, image: &str, live: &str, seen: &mut Seen) {
    std::thread::sleep(Duration::from_secs(1));
    let warm = load(world);
    std::thread::sleep(WARM);
    drop(warm.stop_blocking());
    let quiet = load(world);
    std::thread::sleep(QUIET);
    let quiet = quiet.stop_blocking();
    let quiet = quiet.by_version.get(live).expect("the live slot answers");
    let run = world.spawn(&["deploy", "--json"], &[("IMAGE", image)]);
    // Not before: what a deploy does until then is another matter.
    world.wait_until("the new slot boots", |world| {
        let noted = world
            .on_host("tail -qn1 /var/lib/pct-deploy/*/open.jsonl")
            .stdout;
        String::from_utf8_lossy(&noted).contains("await_healthy")
    });
    let during = load(world);
    let took = took(&run.wait());
    // What the new release has answered is not counted, nor the time after the switch.
    let during = during.stop_blocking();
    let during = during.by_version.get(live).expect("the live slot answers");
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    seen.quiet_p50.push(ms(quiet.p50));
    seen.quiet_p99.push(ms(quiet.p99));
    seen.boot_p50.push(ms(during.p50));
    seen.boot_p99.push(ms(during.p99));
    seen.boot_max.push(ms(during.max));
    seen.took_under_load.push(took);
}

/// Some hundred requests a second, one in five a POST that writes; none of them waits for anything but the processor.
fn load(world: &World) -> sandbox::load::Running {
    Load::new(world.http())
        .connections(10)
        .post_share(20)
        .think(Duration::from_millis(5)..=Duration::from_millis(25))
        .paths("/", "/visits")
        .start()
        .unwrap()
}

/// How long the boot took, in seconds.
fn took(run: &Run) -> f64 {
    let result = run.expect(Outcome::Deployed, "deployed");
    seconds(&result, |name| {
        ["start_slot", "await_healthy"].contains(&name)
    })
}

impl Weight {
    fn set(self, world: &World) {
        world.ask_host(&match self {
            Self::Low => format!("rm -f {BROKEN_TEE}"),
            Self::Own => {
                format!("printf '#!/bin/sh\\nexit 1\\n' > {BROKEN_TEE} && chmod +x {BROKEN_TEE}")
            }
        });
    }
}

/// All that runs on the host shares one processor, and has the memory that it wants.
struct OneProcessor {
    container: String,
}

impl OneProcessor {
    fn of(world: &World) -> Self {
        let host = Self {
            container: world.env.container.clone(),
        };
        host.share("0", "-depth");
        host.memory("3g", "5g");
        host
    }

    /// A group has no more than the one above it, so one of them is first.
    fn share(&self, processors: &str, first: &str) {
        let group = "/sys/fs/cgroup/cpuset$(sed -n 's/^[0-9]*:cpuset://p' /proc/1/cgroup)";
        let each = format!("sh -c 'echo {processors} > $1/cpuset.cpus' _ {{}} ';'");
        let find = format!("find {group} {first} -type d -exec {each}");
        let done = docker(&["exec", &self.container, "sh", "-c", &find]);
        eprint!("{}", String::from_utf8_lossy(&done.stderr));
    }

    fn memory(&self, memory: &str, with_swap: &str) {
        let settings = ["--memory", memory, "--memory-swap", with_swap];
        let done = docker(&[&["update"], &settings[..], &[&self.container]].concat());
        eprint!("{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        drop(docker(&["exec", &self.container, "rm", "-f", BROKEN_TEE]));
        let last = std::thread::available_parallelism().map_or(1, usize::from) - 1;
        self.share(&format!("0-{last}"), "");
        self.memory("1g", "3g");
    }
}

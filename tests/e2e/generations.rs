//! Three generations of hosts: the same runs on each, in one table with what each of them is made of.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;
use pct_deploy::protocol::result::RunResult;
use sandbox::load::LoadReport;

use crate::world::{Host, Release, World};

/// What the host is made of, a line each: system, engine, image store, compose, nginx, control groups, systemd.
const MADE_OF: &str = "\
. /etc/os-release; echo $VERSION_CODENAME
docker version -f '{{.Server.Version}}' | cut -d+ -f1
docker info -f '{{.Driver}} {{.DriverStatus}}' | sed 's/.*containerd.snapshotter.*/containerd/; s/ .*//'
{ docker compose version --short || docker-compose version --short; } 2>/dev/null | cut -d- -f1
nginx -v 2>&1 | sed 's|.*/||; s| .*||'
docker info -f 'v{{.CgroupVersion}}'
if [ -d /run/systemd/system ]; then echo yes; else echo no; fi";

const HEAD: [&str; 14] = [
    "system",
    "Docker",
    "images",
    "compose",
    "nginx",
    "cgroup",
    "systemd",
    "build+push",
    "first",
    "reload",
    "bad",
    "flag",
    "pruned",
    "rollback",
];

fn deployed(world: &World, version: &str) -> RunResult {
    let run = world.deploy(&Release::new(version));
    let result = run.expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some(version));
    result
}

fn under_load(world: &World, version: &str) -> (RunResult, LoadReport) {
    let load = world.load();
    let result = deployed(world, version);
    let report = load.stop_blocking();
    let bad = (report.non_200.len(), report.broken, report.connect_errors);
    assert_eq!(bad, (0, 0, 0), "{report}");
    (result, report)
}

fn has(world: &World, release: &RunResult) -> bool {
    let image = release.image.as_ref().unwrap();
    let looked = world.on_host(&format!("docker image inspect {image}"));
    looked.status.success()
}

/// One row of the table.
fn play(host: Host) -> Vec<String> {
    let mut world = World::fresh(host);
    world.set("keep-releases", "2");
    let mut row: Vec<String> = world.ask_host(MADE_OF).lines().map(str::to_owned).collect();

    let engine = world.engine();
    let (there, args) = (engine.address(), Release::new("g1").build_args());
    let first = world.run(
        &["deploy", "--json"],
        &[("DOCKER_HOST", &there), ("BUILD_ARGS", &args)],
    );
    let first = first.expect(Outcome::Deployed, "deployed");
    drop(engine);
    assert_eq!(world.serves().as_deref(), Some("g1"));
    let both = first.steps.iter();
    let both = both.filter(|step| ["build", "push"].contains(&step.name.as_str()));
    let both: f64 = both.map(|step| step.seconds).sum();
    row.push(format!("{both:.1} s"));
    row.push(format!("{:.1} s", first.took_seconds));

    let (second, report) = under_load(&world, "g2");
    assert_eq!(second.receipt.switch, Some(SwitchKind::Reload));
    // The seed's reload may cut idle keep-alive connections.
    assert!(report.lost <= 100, "{report}");
    row.push(format!("{} of {} lost", report.lost, report.sent));

    let bad = world.deploy(&Release::new("g3").crashes());
    let bad = bad.expect(Outcome::RolledBack, "crashed-at-boot");
    assert_eq!(world.serves().as_deref(), Some("g2"));
    row.push(format!("back in {:.1} s", bad.took_seconds));

    let prepared = world.run(&["provision", "--json"], &[]);
    assert_eq!(prepared.code, Some(0), "{}", prepared.stderr);
    let warned = prepared.stderr.contains("systemd does not run");
    assert_eq!(warned, host == Host::V3, "{}", prepared.stderr);
    let (third, report) = under_load(&world, "g4");
    assert_eq!(third.receipt.switch, Some(SwitchKind::Flag));
    assert!(report.is_clean(), "{report}");
    row.push(format!("{} of {} lost", report.lost, report.sent));

    let fourth = deployed(&world, "g5");
    let kept = [&second, &third, &fourth].map(|release| has(&world, release));
    assert_eq!(kept, [false, true, true], "the last two are kept");
    row.push("yes".to_owned());

    let back = world.run(&["rollback", "--json"], &[]);
    let back = back.expect(Outcome::Deployed, "deployed");
    assert_eq!(world.serves().as_deref(), Some("g4"));
    row.push(format!("{:.1} s", back.took_seconds));
    row
}

#[test]
fn each_generation_deploys_takes_back_prunes_and_rolls_back() {
    let mut table = vec![HEAD.map(str::to_owned).to_vec()];
    let mut failed = Vec::new();
    let asked = std::env::var("PCT_GENERATION").unwrap_or_default();
    let all = [Host::V1, Host::V2, Host::V3];
    for host in all
        .into_iter()
        .filter(|host| format!("{host:?}").contains(&asked))
    {
        let began = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| play(host))) {
            Ok(row) => table.push(row),
            Err(_) => failed.push(host),
        }
        eprintln!("{host:?} took {} s", began.elapsed().as_secs());
    }
    eprint!("{}", printed(&table));
    assert!(failed.is_empty(), "{failed:?}");
}

fn printed(table: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells.map(String::len).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in table {
        write!(text, "generation:").unwrap();
        for (column, cell) in row.iter().enumerate() {
            write!(text, " {cell:<0$}", width(column)).unwrap();
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

//! Figures, for `make bench`: medians beside their baselines, from alternating runs on one host. Nothing here is
//! judged by time; the tests say what must hold.
//!
//! Two apps share the host and its nginx: `hello` behind the flag, and the same images as `seed` behind the seed's
//! include and a reload.

mod beside;
mod boot;

use std::time::{Duration, SystemTime};

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::result::RunResult;
use sandbox::load::Load;

use self::beside::{SEED, beside_each_other};
use crate::world::{Release, Run, World, binary};

const RUNS: usize = 10;
/// What a deploy cannot be blamed for.
const NOT_OURS: [&str; 4] = ["build", "push", "pull_image", "await_healthy"];

/// One run, in the units that are printed.
#[derive(Debug)]
struct Figures {
    result: RunResult,
    first_request_ms: f64,
}

/// Which app, and so which switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures) enum App {
    Flag,
    Reload,
}

const BOTH: [App; 2] = [App::Flag, App::Reload];

impl App {
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Flag => &[],
            Self::Reload => &SEED,
        }
    }

    fn host(self) -> &'static str {
        match self {
            Self::Flag => "localhost",
            Self::Reload => "seed.example",
        }
    }

    fn state(self) -> &'static str {
        match self {
            Self::Flag => "hello",
            Self::Reload => "seed",
        }
    }

    fn slot(self, slot: &str) -> String {
        match self {
            Self::Flag => format!("ec2-user-{slot}-1"),
            Self::Reload => format!("seed-{slot}-1"),
        }
    }
}

fn run(world: &World, app: App, args: &[&str], more: &[(&str, &str)]) -> Run {
    world.run(args, &[app.settings(), more].concat())
}

#[test]
#[ignore = "measures; run it by `make bench`"]
fn deploys_and_rollbacks() {
    let world = beside_each_other();
    let images = ["v1", "v2"].map(|version| {
        let args = Release::new(version).build_args();
        let results = BOTH.map(|app| {
            let run = run(&world, app, &["deploy", "--json"], &[("BUILD_ARGS", &args)]);
            run.expect(Outcome::Deployed, "deployed")
        });
        format!("{}", results[0].image.as_ref().unwrap())
    });
    let mut deploys: [Vec<Figures>; 2] = Default::default();
    let mut rollbacks: [Vec<Figures>; 2] = Default::default();
    for _ in 0..RUNS {
        for (n, app) in BOTH.into_iter().enumerate() {
            let args = ["deploy", "--json", "--image", &images[0]];
            deploys[n].push(measured(&world, app, &args, "v1"));
            rollbacks[n].push(measured(&world, app, &["rollback", "--json"], "v2"));
        }
    }
    eprintln!(
        "figure: medians of {RUNS} alternating runs; 10 connections, bake 0s; flag beside reload"
    );
    for (what, runs) in [("deploy", &deploys), ("rollback", &rollbacks)] {
        let receipt = |runs: &[Figures], field: fn(&RunResult) -> Option<u64>| {
            median(
                runs.iter()
                    .filter_map(|run| field(&run.result))
                    .map(|ms| ms as f64),
            )
        };
        row(what, "healthy to switched, ms", runs, |runs| {
            receipt(runs, |result| result.receipt.healthy_to_switched_ms)
        });
        row(
            what,
            "healthy to first request, by the receipt, ms",
            runs,
            |runs| receipt(runs, |result| result.receipt.healthy_to_first_request_ms),
        );
        row(
            what,
            "healthy to first answer, as a client saw it, ms",
            runs,
            |runs| median(runs.iter().map(|run| run.first_request_ms)),
        );
        row(what, "all steps but pull and boot, s", runs, |runs| {
            median(runs.iter().map(|run| ours(&run.result)))
        });
        row(what, "wall clock without pull and boot, s", runs, |runs| {
            median(runs.iter().map(|run| {
                run.result.took_seconds - seconds(&run.result, |name| NOT_OURS.contains(&name))
            }))
        });
        row(what, "agent's peak of memory, MiB", runs, |runs| {
            receipt(runs, |result| result.receipt.agent_memory_bytes) / f64::from(1 << 20)
        });
        for step in &runs[0][0].result.steps {
            row(what, &format!("  step {}, s", step.name), runs, |runs| {
                median(
                    runs.iter()
                        .map(|run| seconds(&run.result, |name| name == step.name)),
                )
            });
        }
    }
    let size = std::fs::metadata(binary()).unwrap().len() as f64 / f64::from(1 << 20);
    eprintln!("figure: the binary has {size:.2} MiB");
}

/// One run under a light load, and when a client first saw the new release.
fn measured(world: &World, app: App, args: &[&str], version: &str) -> Figures {
    let began = SystemTime::now();
    let load = Load::new(world.http())
        .connections(10)
        .post_share(50)
        .think(Duration::ZERO..=Duration::from_millis(20))
        .paths("/", "/echo")
        .host_header(app.host())
        .start()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let run = run(world, app, args, &[]);
    let report = load.stop_blocking();
    let result = run.expect(Outcome::Deployed, "deployed");
    let seen = report.first_seen(version).unwrap();
    let since = began.duration_since(SystemTime::UNIX_EPOCH).unwrap() + seen;
    let events = format!(
        "grep -h step_done.*await_healthy /var/lib/pct-deploy/{}/events/{}.jsonl | \
         sed 's/.*\"at_ms\":\\([0-9]*\\).*/\\1/'",
        app.state(),
        result.deployment_id.as_ref().unwrap()
    );
    let healthy: f64 = world.ask_host(&events).parse().unwrap();
    Figures {
        first_request_ms: since.as_secs_f64() * 1e3 - healthy,
        result,
    }
}

#[test]
#[ignore = "measures; run it by `make bench`"]
fn a_killed_slot() {
    let world = beside_each_other();
    let mut bad: [Vec<f64>; 2] = Default::default();
    let deploy = |app: App, version: &str, bake: &str| {
        let args = Release::new(version).build_args();
        let more = [("BUILD_ARGS", args.as_str()), ("BAKE", bake)];
        world.spawn(&["deploy", "--json"], &[app.settings(), &more].concat())
    };
    for app in BOTH {
        deploy(app, "v1", "0s")
            .wait()
            .expect(Outcome::Deployed, "deployed");
    }
    for _ in 0..3 {
        for (n, app) in BOTH.into_iter().enumerate() {
            let load = Load::new(world.http())
                .connections(20)
                .think(Duration::ZERO..=Duration::from_millis(10))
                .host_header(app.host())
                .start()
                .unwrap();
            let run = deploy(app, "v2", "30s");
            world.wait_until("the watch has begun", |world| {
                let events = format!("tail -qn1 /var/lib/pct-deploy/{}/open.jsonl", app.state());
                let noted = world.on_host(&events).stdout;
                String::from_utf8_lossy(&noted)
                    .to_lowercase()
                    .contains("bake")
            });
            world.ask_host(&format!("docker kill {}", app.slot("hello-2")));
            let result = run.wait().result();
            assert_eq!(result.outcome, Outcome::RolledBack);
            let report = load.stop_blocking();
            bad[n].push((report.sent - report.ok) as f64);
        }
    }
    row(
        "kill",
        "bad answers when the new slot dies in its watch",
        &bad,
        |runs| median(runs.iter().copied()),
    );
}

fn row<T>(what: &str, name: &str, runs: &[T; 2], of: impl Fn(&T) -> f64) {
    let [flag, reload] = runs;
    eprintln!(
        "figure: {what:<9} {name:<50} {:>9.3} {:>9.3}",
        of(flag),
        of(reload)
    );
}

fn seconds(result: &RunResult, counts: impl Fn(&str) -> bool) -> f64 {
    let steps = result.steps.iter().filter(|step| counts(&step.name));
    steps.map(|step| step.seconds).sum()
}

fn ours(result: &RunResult) -> f64 {
    seconds(result, |name| !NOT_OURS.contains(&name))
}

/// Not a number when there is nothing.
pub(in crate::figures) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(low), values.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        (_, _) => f64::NAN,
    }
}

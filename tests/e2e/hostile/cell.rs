//! One hostile release under one load: deployed, judged, and the world put right for the next.

use std::fmt;
use std::thread::sleep;
use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::result::RunResult;
use sandbox::load::{Load, LoadReport, Running};

use super::{USUAL_MS, disk};
use crate::world::{Release, World};

/// The product's promise is 100 ms; this machine may have other things to do.
const BACK_MS: u64 = 250;
/// When a user gives up.
const PATIENCE: Duration = Duration::from_secs(2);
const BAD: &str = "bad";

/// What users send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Requests {
    GetAndPost,
    Get,
}

/// What must see that the release is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The watch over real traffic: `smoke-paths` names only what works.
    ByWatch,
    /// The paths that are asked before anyone is sent there, as they are by default.
    Before,
}

/// A host where a good release is live.
pub(super) struct Scene {
    world: World,
    good: String,
}

/// What came of one.
pub(super) struct Row {
    name: &'static str,
    requests: Requests,
    seen: Seen,
    result: RunResult,
    report: LoadReport,
    pub(super) problems: Vec<String>,
}

impl Row {
    pub(super) fn stayed_live(&self) -> bool {
        self.result.outcome == Outcome::Deployed
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receipt = &self.result.receipt;
        let watched = receipt.bake.as_ref().map(|bake| bake.watched_ms);
        let ms = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        write!(
            f,
            "{:<22} {:<8} {:<24} {:>8} {:>6} {:>6} {:>9} {:>8}",
            self.name,
            match self.requests {
                Requests::GetAndPost => "GET POST",
                Requests::Get => "GET",
            },
            format!(
                "{} {}",
                self.result.outcome.as_str(),
                self.result.reason_code
            ),
            self.report.sent,
            bad(&self.report),
            self.report.by_version.get(BAD).map_or(0, |seen| seen.count),
            ms(watched),
            ms(receipt.flip_back_ms)
        )
    }
}

/// Requests that were not answered with 200 in time.
fn bad(report: &LoadReport) -> u64 {
    report.sent - report.ok + report.unsent + report.connect_errors
}

impl Scene {
    pub(super) fn begin(mut world: World) -> Self {
        disk::mount(&world);
        for (key, value) in [
            ("bake", "6s"),
            ("drain-timeout", "2s"),
            ("stop-timeout", "2s"),
        ] {
            world.set(key, value);
        }
        let good = Release::new("v1").slow_ms(USUAL_MS);
        let live = world.deploy(&good).expect(Outcome::Deployed, "deployed");
        Self {
            world,
            good: live.image.unwrap().to_string(),
        }
    }

    pub(super) fn end(self) {
        disk::unmount(&self.world);
    }

    /// Some 400 requests/s. The image is built within a second here, and what the old slot answers meanwhile is all
    /// there is to compare with: a few hundred requests, against which 5 % are beyond chance.
    fn load(&self, requests: Requests) -> Running {
        Load::new(self.world.http())
            .connections(20)
            .post_share(match requests {
                Requests::GetAndPost => 50,
                Requests::Get => 0,
            })
            .think(Duration::ZERO..=Duration::from_millis(60))
            .request_timeout(PATIENCE)
            .paths("/", "/echo")
            .start()
            .unwrap()
    }

    /// Plays one cell; what is wrong is told and put right.
    pub(super) fn play(
        &mut self,
        name: &'static str,
        release: fn(Release) -> Release,
        requests: Requests,
        seen: Seen,
    ) -> Row {
        let paths = match seen {
            Seen::ByWatch => "/health",
            Seen::Before => "",
        };
        self.world.set("smoke-paths", paths);
        let world = &self.world;
        let slots = slots(world);
        let load = self.load(requests);
        sleep(Duration::from_secs(1));
        let run = world.deploy(&release(Release::new(BAD)));
        // Long enough for what hung to be given up, and for the good release to be seen again.
        sleep(PATIENCE);
        let report = load.stop_blocking();
        let full = disk::is_full(world);
        disk::make_room(world);
        let mut row = Row {
            name,
            requests,
            seen,
            result: run.result(),
            report,
            problems: Vec::new(),
        };
        let mut problems = wrong(&row, &slots);
        if name.contains("disk") && !full {
            problems.push("the disk was not full".to_owned());
        }
        if slots != self::slots(world) {
            problems.push(format!("{slots} ran before, {} after", self::slots(world)));
        }
        if world.serves().as_deref() != Some("v1") {
            problems.push(format!("{:?} serves", world.serves()));
        }
        row.problems = problems
            .into_iter()
            .map(|problem| format!("{name} ({requests:?}): {problem}"))
            .collect();
        if !row.problems.is_empty() {
            self.put_right();
        }
        row
    }

    /// The good release again, whatever it takes.
    fn put_right(&self) {
        let world = &self.world;
        world.on_host("sudo -u ec2-user env HOME=/home/ec2-user /var/lib/pct-deploy/bin/current agent recover");
        if world.serves().as_deref() != Some("v1") {
            world
                .deploy_image(&self.good)
                .expect(Outcome::Deployed, "deployed");
        }
    }
}

/// The slots that run.
fn slots(world: &World) -> String {
    world.ask_host("docker ps --format '{{.Names}}' | grep 'hello-[12]-' | sort | tr '\\n' ' '")
}

/// What must be so of every hostile release.
fn wrong(row: &Row, slots: &str) -> Vec<String> {
    let (result, report) = (&row.result, &row.report);
    let mut problems = Vec::new();
    if result.outcome != Outcome::RolledBack {
        let why = result.receipt.bake.as_ref().map(|bake| &bake.why);
        problems.push(format!("{}: {why:?}", result.outcome.as_str()));
    }
    if !result
        .slot
        .as_deref()
        .is_some_and(|slot| slots.contains(slot))
    {
        problems.push(format!("{:?} is told to be live", result.slot));
    }
    match (row.seen, result.receipt.flip_back_ms) {
        (Seen::ByWatch, Some(ms)) if ms > BACK_MS => {
            problems.push(format!("back only after {ms} ms"));
        }
        (Seen::ByWatch, None) => problems.push("nothing went back".to_owned()),
        (Seen::Before, Some(_)) => problems.push("users were sent there".to_owned()),
        (Seen::ByWatch, Some(_)) | (Seen::Before, None) => {}
    }
    if row.seen == Seen::Before && !(report.is_clean() && result.reason_code == "smoke-failed") {
        problems.push(format!("{}, {report}", result.reason_code));
    }
    // The good release was the last to answer.
    let good = report.by_version.get("v1").map(|seen| seen.last_seen);
    if good.is_none_or(|at| at + Duration::from_secs(1) < report.duration) {
        problems.push(format!(
            "the good release answered last at {good:?}: {report}"
        ));
    }
    problems
}

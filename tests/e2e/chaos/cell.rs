//! One fault at one step: struck, waited out, judged.

use std::fmt;
use std::time::{Duration, Instant};

use pct_deploy::protocol::outcome::Outcome;
use sandbox::load::LoadReport;

use super::fault::Fault;
use crate::world::{Release, Started, World};

/// The host with two releases that take turns.
pub(super) struct Scene {
    world: World,
    images: [String; 2],
    next: usize,
}

/// What came of it.
pub(super) struct Row {
    fault: Fault,
    step: &'static str,
    outcome: String,
    report: LoadReport,
    closed_after: Duration,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bad: u64 = self.report.non_200.values().sum();
        write!(
            f,
            "{:<15} {:<15} {:<24} {:>8} {:>5} {:>8} {:>7.1}",
            self.fault.name(),
            self.step,
            self.outcome,
            self.report.ok,
            self.report.lost + self.report.broken + self.report.timeouts,
            bad + self.report.connect_errors,
            self.closed_after.as_secs_f64()
        )
    }
}

/// Some two tenths of a second of this load's POSTs; 111 were the most on a quiet machine.
const MOST_BAD: u64 = 200;
const CLOSED_WITHIN: Duration = Duration::from_secs(90);

impl Scene {
    pub(super) fn begin(mut world: World) -> Self {
        world.set("bake", "500ms");
        world.set("lock-wait", "60s");
        let images = ["v1", "v2"].map(|version| {
            let run = world.deploy(&Release::new(version));
            format!(
                "{}",
                run.expect(Outcome::Deployed, "deployed").image.unwrap()
            )
        });
        Self {
            world,
            images,
            next: 0,
        }
    }

    fn image(&self) -> &str {
        self.images.get(self.next % 2).unwrap()
    }

    fn spawn(&self) -> Started {
        self.world.spawn(
            &["deploy", "--json"],
            &[("IMAGE", self.image()), ("APP", "hello")],
        )
    }

    /// Plays one cell and asserts that it ends well.
    pub(super) fn play(&mut self, fault: Fault, step: &'static str, line: u32) -> Row {
        let world = &self.world;
        let at = format!("{} before {step}", fault.name());
        fault.prepare(world);
        world.ask_host(&format!("echo 'stop {line}' >/run/pct-deploy-fault"));
        let live = world
            .ask_host("test -e /var/lib/pct-deploy/hello/live-2 && echo hello-1 || echo hello-2");
        world.ask_host(&format!("echo {live} >/tmp/new-slot"));
        let load = world.load();
        let mut run = self.spawn();
        world.wait_until(&format!("the worker stands still ({at})"), |world| {
            world
                .on_host("ps -eo stat,args | grep -q '^T.*agent wor[k]'")
                .status
                .success()
        });
        let second = (fault == Fault::SecondDeploy).then(|| self.spawn());
        fault.strike(world, &mut run);
        let struck = Instant::now();
        world.on_host("rm -f /run/pct-deploy-fault; pkill -CONT -f 'agent wor[k]'");
        if fault != Fault::DiskFull {
            fault.mend(world);
        }
        let run = run.wait();
        fault.mend(world);
        if let Some(second) = second {
            // It waited for the first, and finds its release live, or deploys it when the first one went back.
            let second = second.wait();
            assert_eq!(second.code, Some(0), "{at}: {}", second.stderr);
        }
        let outcome = match serde_json::from_str::<serde_json::Value>(&run.stdout) {
            Ok(result) => format!(
                "{} {}",
                word(&result, "outcome"),
                word(&result, "reason_code")
            ),
            Err(_) => "runner gone".to_owned(),
        };
        let closed_after = self.closed(struck, &at);
        world.wait_until(&format!("the site serves ({at})"), |world| {
            world.serves().is_some()
        });
        let report = load.stop_blocking();
        self.judge(fault, &report, &at);
        // Whatever is live now, the other release is next, and it must go through.
        let live = world.serves();
        self.next = usize::from(live.as_deref() == Some("v1"));
        fault.clean_up(world);
        world
            .run(
                &["deploy", "--json"],
                &[("IMAGE", self.image()), ("APP", "hello")],
            )
            .expect(Outcome::Deployed, "deployed");
        self.next += 1;
        Row {
            fault,
            step,
            outcome,
            report,
            closed_after,
        }
    }

    /// When the journal is closed by whoever is at work, or else by recovery.
    fn closed(&self, struck: Instant, at: &str) -> Duration {
        let world = &self.world;
        let open = || {
            world
                .on_host("test -e /var/lib/pct-deploy/hello/open.jsonl")
                .status
                .success()
        };
        let at_work = || {
            world
                .on_host("pgrep -f 'agent (work|recover)'")
                .status
                .success()
        };
        while open() && at_work() {
            assert!(
                struck.elapsed() < CLOSED_WITHIN,
                "{at}: the journal is still open"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        if open() {
            world.ask_host("sudo -u ec2-user env HOME=/home/ec2-user /var/lib/pct-deploy/bin/current agent recover");
            assert!(!open(), "{at}: recovery left the journal open");
        }
        struck.elapsed()
    }

    /// What people noticed. Whoever is killed is not allowed to cost a request, but for nginx and the server itself.
    fn judge(&self, fault: Fault, report: &LoadReport, at: &str) {
        let running = self
            .world
            .ask_host("docker ps --format '{{.Names}}' | grep -c 'hello-[12]-' || true");
        assert_eq!(running, "1", "{at}: exactly one slot runs");
        match fault {
            Fault::NginxKilled | Fault::Reboot | Fault::DockerKilled => {}
            Fault::SlotKilled => {
                // Nginx sends a POST once: it fails while it goes to the dead slot, which the watch sees within
                // a quarter of a second, or which is started again. Nothing hangs and nothing is cut.
                let bad: u64 = report.non_200.values().sum();
                let other = report.non_200.keys().any(|status| *status != 502);
                let cut = report.lost + report.broken + report.timeouts;
                assert!(!other && cut == 0 && bad <= MOST_BAD, "{at}: {report}");
            }
            Fault::AgentKilled
            | Fault::RunnerKilled
            | Fault::ConnectionCut
            | Fault::DiskFull
            | Fault::RegistryGone
            | Fault::SecondDeploy => assert!(report.is_clean(), "{at}: {report}"),
        }
    }
}

fn word(result: &serde_json::Value, key: &str) -> String {
    result
        .get(key)
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned()
}

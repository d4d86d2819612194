//! Runs that tests tell about.

use super::context::RunContext;
use crate::error::{Failure, Reason};
use crate::protocol::outcome::Outcome;
use crate::protocol::receipt::{
    BakeReport, BakeVerdict, PredictedLoss, Probes, Receipt, Served, SwitchKind,
};
use crate::protocol::result::{FailedStage, RESULT_VERSION, RunResult, StageResult, StepOutcome};
use crate::protocol::series::{Point, Series};
use crate::protocol::slot::PerSlot;

/// Where they run.
pub(super) fn context() -> RunContext {
    let text = |text: &str| Some(text.to_owned());
    let slot = |name: &str| name.parse().unwrap();
    RunContext {
        app: "pct-backend".parse().ok(),
        slots: Some(PerSlot {
            one: slot("pct-backend-1"),
            two: slot("pct-backend-2"),
        }),
        repository: text("o/r"),
        pull_request: Some(7),
        commit: "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b".parse().ok(),
        tag: None,
        place: None,
        is_rollback: false,
        head_ref: text("feature/<x>"),
        actor: text("kim"),
        event_name: text("pull_request"),
        workflow: text("Backend CD"),
        job: text("deploy"),
        action: text("pct-deploy"),
        server_url: text("https://github.com"),
        api_url: None,
        run_id: text("42"),
        run_attempt: text("1"),
    }
}

fn step(name: &str, started_at: f64, seconds: f64) -> StageResult {
    StageResult {
        name: name.to_owned(),
        started_at,
        seconds,
        outcome: StepOutcome::Done,
    }
}

fn served(requests: u64, server_errors: u64, p50: f64, p99: f64) -> Served {
    Served {
        requests,
        not_ok: server_errors + 3,
        server_errors,
        p50_ms: Some(p50),
        p99_ms: Some(p99),
        ..Served::default()
    }
}

/// Five seconds around the switch.
fn series() -> Series {
    let counts = [(1180, 0), (1204, 0), (610, 588), (0, 1197), (0, 1190)];
    let points = (-2..).zip(counts).map(|(second, (old, new))| Point {
        second,
        old,
        new,
        bad: 0,
    });
    Series {
        step_seconds: 1,
        points: points.collect(),
    }
}

/// A deploy as it should be.
pub(super) fn deployed() -> RunResult {
    let digest = format!("sha256:{}", "a1".repeat(32));
    RunResult {
        version: RESULT_VERSION,
        outcome: Outcome::Deployed,
        reason_code: "deployed".to_owned(),
        release: "0123456789ab".parse().ok(),
        image: format!("user/pct-backend@{digest}").parse().ok(),
        digest: digest.parse().ok(),
        slot: Some("pct-backend-2".to_owned()),
        previous_slot: Some("pct-backend-1".to_owned()),
        previous_release: "ba9876543210".parse().ok(),
        slots: PerSlot::default(),
        took_seconds: 41.234,
        requests_total: Some(48_213),
        requests_failed: Some(0),
        deployment_id: "20260131T235959Z-0a1b2c".parse().ok(),
        slack_sent: None,
        steps: vec![
            step("gate", 0.0, 0.1),
            step("build", 0.1, 20.0),
            step("await_healthy", 22.5, 8.1),
        ],
        receipt: Receipt {
            switch: Some(SwitchKind::Flag),
            traffic: Some(PerSlot {
                one: served(46_101, 0, 3.2, 41.0),
                two: served(1872, 0, 3.4, 44.4),
            }),
            baseline: Some(served(52_004, 1, 3.1, 39.6)),
            series: Some(series()),
            probes: Some(Probes {
                sent: 240,
                lost: 0,
                failed: 0,
            }),
            predicted_loss: None,
            bake: Some(BakeReport {
                verdict: BakeVerdict::Good,
                why: String::new(),
                new: served(812, 0, 3.4, 44.4),
                watched_ms: 5000,
            }),
            cut_connections: Some(0),
            bytes_pulled: Some(3_600_000),
            healthy_to_switched_ms: Some(12),
            healthy_to_first_request_ms: Some(15),
            flip_back_ms: None,
            agent_memory_bytes: Some(9_600_000),
            slot_memory_bytes: Some(316_100_000),
            ..Receipt::default()
        },
        failure: None,
    }
}

/// The same by a reload, which lost five requests.
pub(super) fn reloaded() -> RunResult {
    let mut result = deployed();
    result.requests_failed = Some(5);
    result.receipt.switch = Some(SwitchKind::Reload);
    result.receipt.predicted_loss = Some(PredictedLoss {
        requests_per_second: 120.0,
        round_trip_ms: 40.0,
        requests: 4.8,
    });
    result
}

/// A release that ran out of memory.
pub(super) fn rolled_back() -> RunResult {
    let mut result = deployed();
    result.outcome = Outcome::RolledBack;
    result.reason_code = "oom-killed".to_owned();
    result.slot = Some("pct-backend-1".to_owned());
    result.requests_total = None;
    result.requests_failed = None;
    result.receipt = Receipt {
        bytes_pulled: Some(3_600_000),
        ..Receipt::default()
    };
    if let Some(step) = result.steps.last_mut() {
        step.outcome = StepOutcome::Failed;
    }
    result.failure = Some(FailedStage {
        name: Some("await_healthy".to_owned()),
        failure: Failure {
            reason: Reason::OomKilled,
            chain: vec![
                "`pct-backend-2` ended while it started".to_owned(),
                "the kernel killed it: out of memory".to_owned(),
            ],
            hints: vec!["raise `limits.memory`".to_owned()],
            log_tail: vec![
                "Started ```boot```".to_owned(),
                "<!channel> & Killed".to_owned(),
            ],
        },
    });
    result
}

/// A release that answered people with errors and was taken back.
pub(super) fn baked_away() -> RunResult {
    let mut result = deployed();
    result.outcome = Outcome::RolledBack;
    result.reason_code = "bake-failed".to_owned();
    result.slot = Some("pct-backend-1".to_owned());
    result.requests_failed = Some(37);
    result.steps = vec![
        step("gate", 0.0, 0.1),
        StageResult {
            outcome: StepOutcome::Undone,
            ..step("switch_traffic", 30.6, 0.012)
        },
        StageResult {
            outcome: StepOutcome::Failed,
            ..step("bake", 30.7, 1.2)
        },
    ];
    result.receipt.traffic = Some(PerSlot {
        one: served(46_101, 0, 3.2, 41.0),
        two: served(412, 37, 5.0, 220.0),
    });
    result.receipt.bake = Some(BakeReport {
        verdict: BakeVerdict::Worse,
        why: "9.0 % of 5xx, 2 % allowed".to_owned(),
        new: served(400, 36, 5.0, 220.0),
        watched_ms: 1200,
    });
    result.receipt.cut_connections = None;
    result.receipt.flip_back_ms = Some(4);
    result.failure = Some(FailedStage {
        name: Some("bake".to_owned()),
        failure: Failure {
            reason: Reason::BakeFailed,
            chain: vec!["`pct-backend-2` answers worse than `pct-backend-1`".to_owned()],
            hints: vec!["look at the log of `pct-backend-2`".to_owned()],
            log_tail: vec!["java.lang.NullPointerException".to_owned()],
        },
    });
    result
}

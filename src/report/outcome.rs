//! How a run ended, in one line and in a title.

use super::context::RunContext;
use super::text;
use crate::config::types::Language;
use crate::protocol::outcome::Outcome;
use crate::protocol::result::{FailedStage, RunResult};

/// How it ended, on one line, in English: the last line of every run.
pub fn outcome_line(result: &RunResult) -> String {
    line(result, Language::English)
}

/// How it ended, on one line. Holds text of the host: escape it for where it goes.
pub fn line(result: &RunResult, language: Language) -> String {
    match language {
        Language::English => english(result),
        Language::Korean => korean(result),
    }
}

fn english(result: &RunResult) -> String {
    let took = text::seconds(result.took_seconds);
    let stage = failed_stage(result);
    let serving = match &result.slot {
        Some(slot) => format!("{slot} serves as before"),
        None => "nothing was switched".to_owned(),
    };
    match result.outcome {
        Outcome::Deployed => {
            let release = named(result.release.as_ref(), "release ", "the new release");
            let slot = named(result.slot.as_ref(), " on ", "");
            let before = match &result.previous_slot {
                Some(previous) => format!(" (before: {previous})"),
                None => String::new(),
            };
            let lost = match lost(result) {
                Some((lost, of)) => format!(", {lost} of {of} requests lost"),
                None => String::new(),
            };
            let note = note(result).map_or_else(String::new, |why| format!(" ({why})"));
            format!("deployed {release}{slot}{before} in {took}{lost}{note}")
        }
        Outcome::Unchanged => {
            let release = named(result.release.as_ref(), "release ", "the release");
            let slot = named(result.slot.as_ref(), " on ", "");
            format!("unchanged: {release} is live already{slot}, {took}")
        }
        Outcome::Skipped => format!("skipped: {}", result.reason_code),
        Outcome::Cancelled if is_open(result) => {
            format!("cancelled after {took}: the host has not settled yet and does so by itself")
        }
        Outcome::Cancelled => format!("cancelled after {took}: {serving}"),
        Outcome::Failed => match cause(result) {
            Some(cause) => format!("failed{stage}, the host was not changed: {cause}"),
            None => format!("failed{stage}, the host was not changed"),
        },
        Outcome::RolledBack => {
            format!("rolled back{stage} ({}): {serving}", result.reason_code)
        }
        Outcome::Stuck => {
            let hint = result
                .failure
                .as_ref()
                .and_then(|f| f.failure.hints.first());
            let hint = hint.map_or_else(String::new, |hint| format!(": {hint}"));
            format!(
                "stuck{stage} ({}), a person is needed{hint}",
                result.reason_code
            )
        }
    }
}

fn korean(result: &RunResult) -> String {
    let took = text::seconds(result.took_seconds);
    let stage = match result.failure.as_ref().and_then(|f| f.name.as_deref()) {
        Some(stage) => format!("{stage} 단계에서 실패"),
        None => "실패".to_owned(),
    };
    let serving = match &result.slot {
        Some(slot) => format!("{slot}에서 기존 릴리스가 계속 서비스 중입니다"),
        None => "전환된 것은 없습니다".to_owned(),
    };
    match result.outcome {
        Outcome::Deployed => {
            let release = named(result.release.as_ref(), "릴리스 ", "새 릴리스");
            let slot = named(result.slot.as_ref(), " → ", "");
            let before = match &result.previous_slot {
                Some(previous) => format!(" (이전: {previous})"),
                None => String::new(),
            };
            let lost = match lost(result) {
                Some((lost, of)) => format!(", 요청 {of}건 중 유실 {lost}건"),
                None => String::new(),
            };
            let note = note(result).map_or_else(String::new, |why| format!(" ({why})"));
            format!("{release}{slot}{before}, {took} 소요{lost}{note}")
        }
        Outcome::Unchanged => {
            let slot = named(result.slot.as_ref(), " ", "");
            format!("같은 릴리스가 이미 서비스 중입니다{slot}, {took} 소요")
        }
        Outcome::Skipped => format!(
            "배포 조건에 맞지 않아 건너뛰었습니다: {}",
            result.reason_code
        ),
        Outcome::Cancelled if is_open(result) => {
            format!("{took} 후 취소됨: 서버가 아직 정리 중이며 스스로 마무리합니다")
        }
        Outcome::Cancelled => format!("{took} 후 취소됨: {serving}"),
        Outcome::Failed => match cause(result) {
            Some(cause) => format!("{stage}, 서버는 변경되지 않았습니다: {cause}"),
            None => format!("{stage}, 서버는 변경되지 않았습니다"),
        },
        Outcome::RolledBack => format!("{stage} ({}): {serving}", result.reason_code),
        Outcome::Stuck => format!("{stage} ({}): 직접 조치가 필요합니다", result.reason_code),
    }
}

/// A title that says how it went, with the app's name.
pub fn title(result: &RunResult, context: &RunContext, language: Language) -> String {
    let app = app(result, context);
    let (mark, english, korean) = match result.outcome {
        Outcome::Deployed => ("✅", "deployed", "배포 성공"),
        Outcome::Unchanged => ("✅", "unchanged", "변경 없음"),
        Outcome::Skipped => ("⏭️", "skipped", "건너뜀"),
        Outcome::Cancelled => ("⏹️", "cancelled", "취소됨"),
        Outcome::Failed => ("❌", "deploy failed", "배포 실패"),
        Outcome::RolledBack => ("↩️", "rolled back", "롤백됨"),
        Outcome::Stuck => ("🚨", "stuck, a person is needed", "조치 필요"),
    };
    match (language, app) {
        (Language::English, Some(app)) => format!("{mark} {app} {english}"),
        (Language::English, None) => format!("{mark} {english}"),
        (Language::Korean, Some(app)) => format!("{mark} {app} {korean}"),
        (Language::Korean, None) => format!("{mark} {korean}"),
    }
}

/// The app's name, from the settings or else from the image.
pub fn app(result: &RunResult, context: &RunContext) -> Option<String> {
    let named = context.app.as_ref().map(ToString::to_string);
    named.or_else(|| {
        let image = result.image.as_ref()?;
        Some(image.repository.last_part().to_owned())
    })
}

/// What was served, lost and used: one fact each, only what was measured.
pub fn receipt(result: &RunResult) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some((lost, of)) = lost(result) {
        facts.push(format!("{lost} of {of} requests lost"));
    }
    if let Some(ms) = result.receipt.healthy_to_switched_ms {
        facts.push(format!("{ms} ms from healthy to switched"));
    }
    if let Some(cut) = result.receipt.cut_connections {
        facts.push(format!("{cut} requests cut when the old slot stopped"));
    }
    if let Some(bytes) = result.receipt.bytes_pulled {
        facts.push(format!("{} pulled by the host", text::bytes(bytes)));
    }
    facts
}

/// Whether a cancelled run asked the host for a swap and did not hear how that ended.
fn is_open(result: &RunResult) -> bool {
    let step = result.failure.as_ref().and_then(|f| f.name.as_ref());
    result.deployment_id.is_some() && result.slot.is_none() && step.is_none()
}

/// Why a run that ended well is not quite as it should be.
fn note(result: &RunResult) -> Option<String> {
    result
        .failure
        .as_ref()
        .map(|failed| failed.failure.summary())
}

fn lost(result: &RunResult) -> Option<(String, String)> {
    let (failed, total) = (result.requests_failed?, result.requests_total?);
    Some((text::count(failed), text::count(total)))
}

fn failed_stage(result: &RunResult) -> String {
    match &result.failure {
        Some(FailedStage {
            name: Some(name), ..
        }) => format!(" in {name}"),
        Some(FailedStage { name: None, .. }) | None => String::new(),
    }
}

fn cause(result: &RunResult) -> Option<String> {
    let failed = result.failure.as_ref()?;
    Some(failed.failure.summary()).filter(|text| !text.is_empty())
}

fn named<T: ToString>(value: Option<&T>, before: &str, without: &str) -> String {
    match value {
        Some(value) => format!("{before}{}", value.to_string()),
        None => without.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::protocol::outcome::Failure;
    use crate::protocol::receipt::Receipt;
    use crate::protocol::result::{RESULT_VERSION, StepOutcome, StepResult};

    /// A deploy as it should be.
    pub(in crate::report) fn deployed() -> RunResult {
        let hex = "0123456789ab";
        let step = |name: &str, started_at: f64, seconds: f64| StepResult {
            name: name.to_owned(),
            started_at,
            seconds,
            outcome: StepOutcome::Done,
        };
        let digest = format!("sha256:{}", "a1".repeat(32));
        RunResult {
            version: RESULT_VERSION,
            outcome: Outcome::Deployed,
            reason_code: "deployed".to_owned(),
            release: hex.parse().ok(),
            image: format!("user/pct-backend@{digest}").parse().ok(),
            digest: digest.parse().ok(),
            slot: Some("pct-backend-2".to_owned()),
            previous_slot: Some("pct-backend-1".to_owned()),
            previous_release: "ba9876543210".parse().ok(),
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
                cut_connections: Some(0),
                bytes_pulled: Some(3_600_000),
                healthy_to_switched_ms: Some(12),
                ..Receipt::default()
            },
            failure: None,
        }
    }

    /// A release that ran out of memory.
    pub(in crate::report) fn rolled_back() -> RunResult {
        let mut result = deployed();
        result.outcome = Outcome::RolledBack;
        result.reason_code = "oom-killed".to_owned();
        result.slot = Some("pct-backend-1".to_owned());
        result.requests_total = None;
        result.requests_failed = None;
        if let Some(step) = result.steps.last_mut() {
            step.outcome = StepOutcome::Failed;
        }
        result.failure = Some(FailedStage {
            name: Some("await_healthy".to_owned()),
            failure: Failure {
                reason: "oom-killed".to_owned(),
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

    #[test]
    fn one_line_says_how_it_ended() {
        assert_eq!(
            outcome_line(&deployed()),
            "deployed release 0123456789ab on pct-backend-2 (before: pct-backend-1) in 41.2s, 0 of 48,213 requests lost"
        );
        assert_eq!(
            outcome_line(&rolled_back()),
            "rolled back in await_healthy (oom-killed): pct-backend-1 serves as before"
        );
        let with = |outcome| {
            let mut result = rolled_back();
            result.outcome = outcome;
            outcome_line(&result)
        };
        assert_eq!(
            with(Outcome::Failed),
            "failed in await_healthy, the host was not changed: `pct-backend-2` ended while it started: the kernel killed it: out of memory"
        );
        assert_eq!(
            with(Outcome::Stuck),
            "stuck in await_healthy (oom-killed), a person is needed: raise `limits.memory`"
        );
        assert_eq!(with(Outcome::Skipped), "skipped: oom-killed");
        assert_eq!(
            with(Outcome::Cancelled),
            "cancelled after 41.2s: pct-backend-1 serves as before"
        );
        let mut open = rolled_back();
        (open.outcome, open.slot) = (Outcome::Cancelled, None);
        open.failure.as_mut().unwrap().name = None;
        assert_eq!(
            outcome_line(&open),
            "cancelled after 41.2s: the host has not settled yet and does so by itself"
        );
        open.deployment_id = None;
        assert_eq!(
            outcome_line(&open),
            "cancelled after 41.2s: nothing was switched"
        );
        assert_eq!(
            with(Outcome::Unchanged),
            "unchanged: release 0123456789ab is live already on pct-backend-1, 41.2s"
        );
    }

    #[test]
    fn korean_readers_get_korean() {
        let context = RunContext::default();
        let ko = Language::Korean;
        assert_eq!(title(&deployed(), &context, ko), "✅ pct-backend 배포 성공");
        assert_eq!(title(&rolled_back(), &context, ko), "↩️ pct-backend 롤백됨");
        assert_eq!(
            line(&deployed(), ko),
            "릴리스 0123456789ab → pct-backend-2 (이전: pct-backend-1), 41.2s 소요, 요청 48,213건 중 유실 0건"
        );
        assert_eq!(
            line(&rolled_back(), ko),
            "await_healthy 단계에서 실패 (oom-killed): pct-backend-1에서 기존 릴리스가 계속 서비스 중입니다"
        );
    }

    #[test]
    fn the_receipt_holds_only_what_was_measured() {
        assert_eq!(
            receipt(&deployed()),
            [
                "0 of 48,213 requests lost",
                "12 ms from healthy to switched",
                "0 requests cut when the old slot stopped",
                "3.4 MiB pulled by the host",
            ]
        );
        let mut result = deployed();
        result.requests_total = None;
        result.receipt = Receipt::default();
        assert!(receipt(&result).is_empty());
    }

    #[test]
    fn the_app_is_named_before_there_is_an_image() {
        let mut result = deployed();
        result.image = None;
        let mut context = RunContext::default();
        assert_eq!(title(&result, &context, Language::English), "✅ deployed");
        context.app = "parking".parse().ok();
        let title = title(&result, &context, Language::English);
        assert_eq!(title, "✅ parking deployed");
    }
}

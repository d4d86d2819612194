//! How a run ended, in one line and in a title.

use super::context::RunContext;
use super::{receipt, text};
use crate::config::types::Language;
use crate::protocol::outcome::Outcome;
use crate::protocol::result::{FailedStage, RunResult};

/// How it ended, on one line, in English.
pub fn outcome_line(result: &RunResult, context: &RunContext) -> String {
    line(result, context, Language::English)
}

/// How it ended, on one line. Holds text of the host: escape it for where it goes.
pub fn line(result: &RunResult, context: &RunContext, language: Language) -> String {
    let lost = receipt::lost(result, language);
    let lost = lost.map_or_else(String::new, |lost| format!(", {lost}"));
    let bad = receipt::bad_answers(result, context, language);
    match language {
        Language::English => english(result, &lost, bad.as_deref()),
        Language::Korean => korean(result, &lost, bad.as_deref()),
    }
}

fn english(result: &RunResult, lost: &str, bad: Option<&str>) -> String {
    let took = text::seconds(result.took_seconds);
    let stage = failed_stage(result);
    let serving = match (&result.slot, bad) {
        (Some(slot), Some(bad)) => format!("{slot} serves again; {bad}"),
        (Some(slot), None) => format!("{slot} serves as before"),
        (None, Some(bad)) => bad.to_owned(),
        (None, None) => "nothing was switched".to_owned(),
    };
    match result.outcome {
        Outcome::Deployed => {
            let release = named(result.release.as_ref(), "release ", "the new release");
            let slot = named(result.slot.as_ref(), " on ", "");
            let before = match &result.previous_slot {
                Some(previous) => format!(" (before: {previous})"),
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
            format!(
                "cancelled after {took}: the host is still finishing and will complete on its own"
            )
        }
        Outcome::Cancelled => format!("cancelled after {took}: {serving}"),
        Outcome::Failed => match cause(result) {
            Some(cause) => format!("failed{stage}, your app was not touched: {cause}"),
            None => format!("failed{stage}, your app was not touched"),
        },
        Outcome::RolledBack => {
            format!("rolled back{stage} ({}): {serving}", result.reason_code)
        }
        Outcome::Stuck => {
            let hint = cure(result);
            format!(
                "stuck{stage} ({}), manual action needed{hint}",
                result.reason_code
            )
        }
    }
}

fn korean(result: &RunResult, lost: &str, bad: Option<&str>) -> String {
    let took = text::seconds(result.took_seconds);
    let stage = match result.failure.as_ref().and_then(|f| f.name.as_deref()) {
        Some(stage) => format!("{stage} 단계에서 실패"),
        None => "실패".to_owned(),
    };
    let serving = match (&result.slot, bad) {
        (Some(slot), Some(bad)) => {
            format!("{slot}에서 기존 릴리스가 다시 서비스 중입니다. {bad}")
        }
        (Some(slot), None) => format!("{slot}에서 기존 릴리스가 계속 서비스 중입니다"),
        (None, Some(bad)) => bad.to_owned(),
        (None, None) => "전환된 것은 없습니다".to_owned(),
    };
    match result.outcome {
        Outcome::Deployed => {
            let release = named(result.release.as_ref(), "릴리스 ", "새 릴리스");
            let slot = named(result.slot.as_ref(), " → ", "");
            let before = match &result.previous_slot {
                Some(previous) => format!(" (이전: {previous})"),
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
            Some(cause) => format!("{stage}, 앱은 그대로입니다: {cause}"),
            None => format!("{stage}, 앱은 그대로입니다"),
        },
        Outcome::RolledBack => format!("{stage} ({}): {serving}", result.reason_code),
        Outcome::Stuck => {
            let hint = cure(result);
            format!(
                "{stage} ({}), 직접 조치가 필요합니다{hint}",
                result.reason_code
            )
        }
    }
}

/// A title that says how it went, with the app's name.
pub fn title(result: &RunResult, context: &RunContext, language: Language) -> String {
    let app = app(result, context);
    let (english, korean) = match result.outcome {
        Outcome::Deployed => ("deployed", "배포 성공"),
        Outcome::Unchanged => ("unchanged", "변경 없음"),
        Outcome::Skipped => ("skipped", "건너뜀"),
        Outcome::Cancelled => ("cancelled", "취소됨"),
        Outcome::Failed => ("deploy failed", "배포 실패"),
        Outcome::RolledBack => ("rolled back", "롤백됨"),
        Outcome::Stuck => ("stuck, manual action needed", "조치 필요"),
    };
    let mark = mark(result.outcome);
    match (language, app) {
        (Language::English, Some(app)) => format!("{mark} {app} {english}"),
        (Language::English, None) => format!("{mark} {english}"),
        (Language::Korean, Some(app)) => format!("{mark} {app} {korean}"),
        (Language::Korean, None) => format!("{mark} {korean}"),
    }
}

/// How it ended, in one character.
pub fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deployed | Outcome::Unchanged => "✅",
        Outcome::Skipped => "⏭️",
        Outcome::Cancelled => "⏹️",
        Outcome::Failed => "❌",
        Outcome::RolledBack => "↩️",
        Outcome::Stuck => "🚨",
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

/// Whether a cancelled run asked the host for a swap and did not hear how that ended.
pub(super) fn is_open(result: &RunResult) -> bool {
    let step = result.failure.as_ref().and_then(|f| f.name.as_ref());
    result.deployment_id.is_some() && result.slot.is_none() && step.is_none()
}

/// Why a run that ended well is not quite as it should be.
pub(super) fn note(result: &RunResult) -> Option<String> {
    result
        .failure
        .as_ref()
        .map(|failed| failed.failure.summary())
}

/// What a person is to type, as the host said it.
fn cure(result: &RunResult) -> String {
    let failed = result.failure.as_ref();
    let hint = failed.and_then(|failed| failed.failure.hints.first());
    hint.map_or_else(String::new, |hint| format!(": {hint}"))
}

pub(super) fn failed_stage(result: &RunResult) -> String {
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

pub(super) fn named<T: ToString>(value: Option<&T>, before: &str, without: &str) -> String {
    match value {
        Some(value) => format!("{before}{}", value.to_string()),
        None => without.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{baked_away, context, deployed, rolled_back};

    #[test]
    fn one_line_says_how_it_ended() {
        assert_eq!(
            outcome_line(&deployed(), &context()),
            "deployed release 0123456789ab on pct-backend-2 (before: pct-backend-1) in 41.2s, 0 of 48,213 requests lost"
        );
        assert_eq!(
            outcome_line(&rolled_back(), &context()),
            "rolled back in await_healthy (oom-killed): pct-backend-1 serves as before"
        );
        let with = |outcome| {
            let mut result = rolled_back();
            result.outcome = outcome;
            outcome_line(&result, &context())
        };
        assert_eq!(
            with(Outcome::Failed),
            "failed in await_healthy, your app was not touched: `pct-backend-2` ended while it started: the kernel killed it: out of memory"
        );
        assert_eq!(
            with(Outcome::Stuck),
            "stuck in await_healthy (oom-killed), manual action needed: raise `limits.memory`"
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
            outcome_line(&open, &RunContext::default()),
            "cancelled after 41.2s: the host is still finishing and will complete on its own"
        );
        open.deployment_id = None;
        assert_eq!(
            outcome_line(&open, &RunContext::default()),
            "cancelled after 41.2s: nothing was switched"
        );
        assert_eq!(
            with(Outcome::Unchanged),
            "unchanged: release 0123456789ab is live already on pct-backend-1, 41.2s"
        );
    }

    #[test]
    fn a_bake_that_went_back_says_how_many_answers_were_bad() {
        assert_eq!(
            outcome_line(&baked_away(), &context()),
            "rolled back in bake (bake-failed): pct-backend-1 serves again; 37 of 412 answers of the new slot were 5xx before traffic was back"
        );
        assert_eq!(
            line(&baked_away(), &context(), Language::Korean),
            "bake 단계에서 실패 (bake-failed): pct-backend-1에서 기존 릴리스가 다시 서비스 중입니다. 트래픽을 되돌리기 전 새 슬롯의 응답 412건 중 5xx 37건"
        );
    }

    #[test]
    fn korean_readers_get_korean() {
        let nobody = RunContext::default();
        let ko = Language::Korean;
        assert_eq!(title(&deployed(), &nobody, ko), "✅ pct-backend 배포 성공");
        assert_eq!(title(&rolled_back(), &nobody, ko), "↩️ pct-backend 롤백됨");
        assert_eq!(
            line(&deployed(), &context(), ko),
            "릴리스 0123456789ab → pct-backend-2 (이전: pct-backend-1), 41.2s 소요, 요청 48,213건 중 유실 0건"
        );
        assert_eq!(
            line(&rolled_back(), &context(), ko),
            "await_healthy 단계에서 실패 (oom-killed): pct-backend-1에서 기존 릴리스가 계속 서비스 중입니다"
        );
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

//! How a run ended, in one line and in a title.

use super::context::RunContext;
use super::words::Deployed;
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
    let words = language.words();
    let took = &text::seconds(result.took_seconds);
    let reason = &result.reason_code;
    let step = result.failure.as_ref().and_then(|f| f.name.as_deref());
    let release = result.release.as_ref().map(ToString::to_string);
    let (release, slot) = (release.as_deref(), result.slot.as_deref());
    let serving = || {
        let bad = receipt::bad_answers(result, context, language);
        words.serving(slot, bad.as_deref())
    };
    match result.outcome {
        Outcome::Deployed => words.deployed(&Deployed {
            release,
            slot,
            previous_slot: result.previous_slot.as_deref(),
            took,
            lost: receipt::lost(result, language).as_deref(),
            note: note(result).as_deref(),
        }),
        Outcome::Unchanged => words.unchanged(release, slot, took),
        Outcome::Skipped => words.skipped(reason),
        Outcome::Cancelled if is_open(result) => words.still_finishing(took),
        Outcome::Cancelled => words.cancelled(took, &serving()),
        Outcome::Failed => words.failed(step, note(result).as_deref()),
        Outcome::RolledBack => words.rolled_back(step, reason, &serving()),
        Outcome::Stuck => {
            let failed = result.failure.as_ref();
            // What a person is to type, as the host said it.
            let hint = failed.and_then(|failed| failed.failure.hints.first());
            words.stuck(step, reason, hint.map(String::as_str))
        }
    }
}

/// A title that says how it went, with the app's name.
pub fn title(result: &RunResult, context: &RunContext, language: Language) -> String {
    let (mark, ended) = (mark(result.outcome), language.words().ended(result.outcome));
    match app(result, context) {
        Some(app) => format!("{mark} {app} {ended}"),
        None => format!("{mark} {ended}"),
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

/// What failed: also why a run that ended well is not quite as it should be.
pub(super) fn note(result: &RunResult) -> Option<String> {
    result
        .failure
        .as_ref()
        .map(|failed| failed.failure.summary())
}

pub(super) fn failed_stage(result: &RunResult) -> String {
    match &result.failure {
        Some(FailedStage {
            name: Some(name), ..
        }) => format!(" in {name}"),
        Some(FailedStage { name: None, .. }) | None => String::new(),
    }
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

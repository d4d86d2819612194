//! Korean.

use super::{Deployed, Labels, Words, after, within};
use crate::protocol::outcome::Outcome;
use crate::protocol::receipt::{
    BakeReport, BakeVerdict, NotMeasured, PredictedLoss, Probes, Served, SwitchKind,
};
use crate::protocol::result::StepOutcome;
use crate::report::text::{bytes, count, figure, millis, seconds};

pub(super) struct Korean;

const LABELS: Labels = Labels {
    release: "릴리스",
    image: "이미지",
    slot: "슬롯",
    before: "이전",
    commit: "커밋",
    pull_request: "풀 리퀘스트",
    took: "소요 시간",
    reason: "사유",
    record: "서버 기록",

    receipt: "측정 결과",
    slot_columns: ["슬롯", "요청", "2xx·3xx 아님", "5xx", "p50", "p99"],
    slot_before: "전환 전",
    slot_old: "이전",
    slot_new: "신규",
    no_visitors: "방문자 없음, ",

    failed: "실패",
    caused_by: "원인",
    hint: "조치 방법",
    log: "로그의 마지막 줄",

    timeline: "타임라인",
    step_columns: ["단계", "위치", "시작", "초", "결과"],
    runner: "러너",
    host: "서버",

    traffic: "전환 전후 트래픽",
    seconds_axis: "전환 시점 기준(초)",
    requests_axis: "초당 요청 수",

    more: "이번 실행의 상세 정보",

    run: "실행 로그",
    pull_request_link: "PR",
    commit_link: "커밋",
    run_page: "실행 로그와 타임라인",
    failed_step: "실패한 단계",
    cause: "원인",
    what_to_do: "조치 방법",
    cut: "생략",
};

impl Words for Korean {
    fn labels(&self) -> &'static Labels {
        &LABELS
    }

    fn ended(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Deployed => "배포 성공",
            Outcome::Unchanged => "변경 없음",
            Outcome::Skipped => "건너뜀",
            Outcome::Cancelled => "취소됨",
            Outcome::Failed => "배포 실패",
            Outcome::RolledBack => "롤백됨",
            Outcome::Stuck => "조치 필요",
        }
    }

    fn deployed(&self, told: &Deployed<'_>) -> String {
        let release = told.release.map_or_else(
            || "새 릴리스".to_owned(),
            |release| format!("릴리스 {release}"),
        );
        let slot = after(" → ", told.slot);
        let before = within("이전: ", told.previous_slot);
        let lost = after(", ", told.lost);
        let note = within("", told.note);
        format!("{release}{slot}{before}, {} 소요{lost}{note}", told.took)
    }

    fn unchanged(&self, _release: Option<&str>, slot: Option<&str>, took: &str) -> String {
        let slot = after(" ", slot);
        format!("같은 릴리스가 이미 서비스 중입니다{slot}, {took} 소요")
    }

    fn skipped(&self, reason: &str) -> String {
        format!("배포 조건에 맞지 않아 건너뛰었습니다: {reason}")
    }

    fn cancelled(&self, took: &str, serving: &str) -> String {
        format!("{took} 후 취소됨: {serving}")
    }

    fn still_finishing(&self, took: &str) -> String {
        format!("{took} 후 취소됨: 서버가 아직 정리 중이며 스스로 마무리합니다")
    }

    fn failed(&self, step: Option<&str>, cause: Option<&str>) -> String {
        let cause = after(": ", cause);
        format!("{}, 앱은 그대로입니다{cause}", failure(step))
    }

    fn rolled_back(&self, step: Option<&str>, reason: &str, serving: &str) -> String {
        format!("{} ({reason}): {serving}", failure(step))
    }

    fn stuck(&self, step: Option<&str>, reason: &str, hint: Option<&str>) -> String {
        let hint = after(": ", hint);
        format!("{} ({reason}), 직접 조치가 필요합니다{hint}", failure(step))
    }

    fn serving(&self, slot: Option<&str>, bad: Option<&str>) -> String {
        match (slot, bad) {
            (Some(slot), Some(bad)) => {
                format!("{slot}에서 기존 릴리스가 다시 서비스 중입니다. {bad}")
            }
            (Some(slot), None) => format!("{slot}에서 기존 릴리스가 계속 서비스 중입니다"),
            (None, Some(bad)) => bad.to_owned(),
            (None, None) => "전환된 것은 없습니다".to_owned(),
        }
    }

    fn lost(&self, lost: u64, of: u64) -> String {
        let (shown, of) = (count(lost), count(of));
        match lost {
            0 => format!("요청 {of}건 중 유실 0건"),
            _ => format!("요청 {of}건 중 유실 또는 5xx {shown}건"),
        }
    }

    fn lost_of_ours(&self, lost: u64, of: u64) -> String {
        let (shown, of) = (count(lost), count(of));
        match lost {
            0 => format!("자체 요청 {of}건 정상"),
            _ => format!("자체 요청 {of}건 중 유실 또는 비정상 응답 {shown}건"),
        }
    }

    fn not_proven(&self, of: u64) -> String {
        format!("요청 {}건 응답 (슬롯의 응답인지는 미확인)", count(of))
    }

    fn bad_answers(&self, bad: u64, of: u64) -> String {
        let (bad, of) = (count(bad), count(of));
        format!("트래픽을 되돌리기 전 새 슬롯의 응답 {of}건 중 5xx {bad}건")
    }

    fn baked(&self, bake: &BakeReport) -> String {
        let word = match bake.verdict {
            BakeVerdict::Good => "양호",
            BakeVerdict::Inconclusive => "판단 보류",
            BakeVerdict::Worse => "이전 릴리스보다 나쁨",
        };
        let why = within("", Some(bake.why.trim()));
        let watched = seconds(std::time::Duration::from_millis(bake.watched_ms).as_secs_f64());
        let errors = some("5xx", bake.new.server_errors);
        match bake.new.requests {
            0 => format!("베이크: {word}{why}, {watched}"),
            of => format!(
                "베이크: {word}{why}, {watched} 동안 요청 {}건{errors}",
                count(of)
            ),
        }
    }

    fn switched(&self, kind: SwitchKind) -> &'static str {
        match kind {
            SwitchKind::Flag => "리로드 없이 플래그로 전환",
            SwitchKind::Reload => "nginx 리로드로 전환",
        }
    }

    fn predicted(&self, loss: PredictedLoss) -> String {
        let rate = figure(loss.requests_per_second);
        let trip = millis(loss.round_trip_ms);
        let about = match figure(loss.requests.round()).as_str() {
            "0" => "1건 미만이".to_owned(),
            more => format!("약 {more}건이"),
        };
        format!(
            "초당 {rate}건, 왕복 {trip}에서 리로드하면 요청 {about} 유실될 수 있음 (`pct-deploy provision` 후 0건)"
        )
    }

    fn probed(&self, probes: Probes) -> String {
        let sent = count(probes.sent);
        let bad: Vec<String> = [(probes.lost, "유실"), (probes.failed, "비정상 응답")]
            .into_iter()
            .filter(|(bad, _)| *bad > 0)
            .map(|(bad, what)| format!("{}건 {what}", count(bad)))
            .collect();
        if bad.is_empty() {
            format!("자체 요청 {sent}건 모두 정상")
        } else {
            format!("자체 요청 {sent}건 중 {}", bad.join(", "))
        }
    }

    fn healthy_to_switched(&self, ms: u64) -> String {
        format!("정상 확인부터 전환까지 {} ms", count(ms))
    }

    fn healthy_to_first_request(&self, ms: u64) -> String {
        format!("정상 확인부터 새 슬롯의 첫 요청까지 {} ms", count(ms))
    }

    fn flip_back(&self, ms: u64) -> String {
        format!("되돌리기로 결정한 뒤 트래픽 복구까지 {} ms", count(ms))
    }

    fn cut_connections(&self, cut: u64) -> String {
        format!("이전 슬롯 종료 시 끊긴 요청 {}건", count(cut))
    }

    fn pulled(&self, size: u64) -> String {
        format!("서버가 내려받은 용량 {}", bytes(size))
    }

    fn memory(&self, slot: Option<u64>, agent: Option<u64>) -> String {
        let parts = [("새 슬롯", slot), ("에이전트", agent)];
        let parts = parts
            .into_iter()
            .filter_map(|(who, size)| Some(format!("{who} {}", bytes(size?))));
        let parts: Vec<String> = parts.collect();
        format!("최대 메모리: {}", parts.join(", "))
    }

    fn not_measured(&self, what: &NotMeasured) -> String {
        let what = match what {
            NotMeasured::NoTrafficLog => {
                "사용자 요청 (`switch: reload`에서는 nginx가 기록하지 않음, `pct-deploy provision` 후 가능)"
            }
            NotMeasured::OwnAccessLog { location } => {
                return format!(
                    "측정 안 됨: `{location}`의 요청 (자체 `access_log`가 있어 nginx가 기록하지 않음)"
                );
            }
            NotMeasured::SilentLog => "사용자 요청 (커널에는 보이지만 트래픽 로그에는 없음)",
            NotMeasured::EarlierFormat => {
                "슬롯별 응답 시간과 상태 (이전 버전의 nginx 파일, `pct-deploy provision` 재실행 필요)"
            }
            NotMeasured::TooFewRequests => "새 슬롯의 사용자 응답 품질 (요청이 너무 적음)",
            NotMeasured::NoBaseline => "이전 슬롯과의 차이 (전환 전 요청이 너무 적음)",
            NotMeasured::NoQuietTime => {
                "새 컨테이너 시작 전 응답 시간 (그때까지 요청이 너무 적어 전환 전 전체로 비교)"
            }
            NotMeasured::NoListener => "자체 요청 (이 서버에서 응답하는 nginx 리스너 없음)",
            NotMeasured::NotProven => {
                "자체 요청에 슬롯이 응답했는지 여부 (슬롯까지 도달했다는 근거 없음)"
            }
            NotMeasured::Unknown => "더 새로운 버전만 아는 항목",
        };
        format!("측정 안 됨: {what}")
    }

    fn served(&self, label: &str, served: &Served) -> String {
        let mut line = format!("{label}: 요청 {}건", count(served.requests));
        line += &some("2xx·3xx 아님", served.not_ok);
        line += &some("5xx", served.server_errors);
        for (name, time) in [("p50", served.p50_ms), ("p99", served.p99_ms)] {
            line += &time.map_or_else(String::new, |ms| format!(", {name} {}", millis(ms)));
        }
        line += &some("다른 슬롯이 대신 응답", served.retried);
        line + &some("응답 없음", served.unanswered)
    }

    fn slot(&self, number: u8) -> String {
        format!("슬롯 {number}")
    }

    fn step_ended(&self, outcome: StepOutcome) -> &'static str {
        match outcome {
            StepOutcome::Done => "완료",
            StepOutcome::Failed => "❌ **실패**",
            StepOutcome::Undone => "↩️ 되돌림",
            StepOutcome::Cancelled => "⏹️ 취소",
        }
    }

    /// In English, like the step's name before it.
    fn step_note(&self, outcome: StepOutcome) -> &'static str {
        match outcome {
            StepOutcome::Done => "",
            StepOutcome::Failed => "failed",
            StepOutcome::Undone => "undone",
            StepOutcome::Cancelled => "cancelled",
        }
    }

    fn traffic(&self, old: f64, new: f64, failed: u64) -> String {
        let (old, new) = (figure(old), figure(new));
        let failed = match failed {
            0 => "실패한 요청 없음".to_owned(),
            some => format!("🟥 실패한 요청 {}건", count(some)),
        };
        format!("🟦 이전 슬롯: 초당 최대 {old}건 · 🟩 새 슬롯: 초당 최대 {new}건 · {failed}")
    }

    fn lines_left_out(&self, lines: usize) -> String {
        format!("(앞부분 {lines}줄 생략)")
    }
}

fn failure(step: Option<&str>) -> String {
    match step {
        Some(step) => format!("{step} 단계에서 실패"),
        None => "실패".to_owned(),
    }
}

/// Nothing about none.
fn some(what: &str, of: u64) -> String {
    match of {
        0 => String::new(),
        of => format!(", {what} {}건", count(of)),
    }
}

//! What a run did to the people who used the site: facts in words, and the figures of each slot. Pure.
//!
//! Only what was measured is said; what is `null` in the result is left out here.

use super::context::RunContext;
use super::{text, unmeasured};
use crate::config::types::Language;
use crate::protocol::outcome::Outcome;
use crate::protocol::receipt::{
    BakeReport, BakeVerdict, NotMeasured, PredictedLoss, Probes, Served, SwitchKind,
};
use crate::protocol::result::RunResult;

/// The facts of a receipt, one each, the one that matters most first. Holds text of the host.
pub fn facts(result: &RunResult, context: &RunContext, language: Language) -> Vec<String> {
    let receipt = &result.receipt;
    let ms = |value: Option<u64>, english: &str, korean: &str| {
        let value = text::count(value?);
        Some(match language {
            Language::English => format!("{value} ms {english}"),
            Language::Korean => format!("{korean} {value} ms"),
        })
    };
    let all = [
        lost(result, language),
        bad_answers(result, context, language),
        receipt.bake.as_ref().map(|bake| baked(bake, language)),
        receipt
            .switch
            .map(|kind| switched(kind, language).to_owned()),
        receipt.predicted_loss.map(|loss| predicted(loss, language)),
        // Without visitors the first fact is about them.
        receipt
            .probes
            .filter(|probes| probes.sent > 0 && !only_ours(result))
            .map(|probes| probed(probes, language)),
        ms(
            receipt.healthy_to_switched_ms,
            "from healthy to switched",
            "정상 확인부터 전환까지",
        ),
        ms(
            receipt.healthy_to_first_request_ms,
            "from healthy to the first request on the new slot",
            "정상 확인부터 새 슬롯의 첫 요청까지",
        ),
        ms(
            receipt.flip_back_ms,
            "from the decision to go back until traffic was back",
            "되돌리기로 결정한 뒤 트래픽 복구까지",
        ),
        receipt.cut_connections.filter(|cut| *cut > 0).map(|cut| {
            let cut = text::count(cut.into());
            match language {
                Language::English => format!("{cut} requests cut when the old slot stopped"),
                Language::Korean => format!("이전 슬롯 종료 시 끊긴 요청 {cut}건"),
            }
        }),
        receipt
            .bytes_pulled
            .filter(|bytes| *bytes > 0)
            .map(|bytes| {
                let bytes = text::bytes(bytes);
                match language {
                    Language::English => format!("{bytes} pulled by the host"),
                    Language::Korean => format!("서버가 내려받은 용량 {bytes}"),
                }
            }),
        memory(result, language),
    ];
    let missing = receipt.not_measured.iter();
    let missing = missing.map(|what| unmeasured::sentence(what, language));
    all.into_iter().flatten().chain(missing).collect()
}

/// Requests of people in the window, when they were measured.
fn visitors(result: &RunResult) -> Option<u64> {
    let traffic = result.receipt.traffic.as_ref()?;
    Some(traffic.one.requests + traffic.two.requests)
}

/// Whether every request of the window was one of our own.
fn only_ours(result: &RunResult) -> bool {
    let sent = result.receipt.probes.map(|probes| probes.sent);
    sent.is_some() && sent == result.requests_total
}

/// "0 of 48,213 requests lost": what is said first, and in the outcome line.
pub(super) fn lost(result: &RunResult, language: Language) -> Option<String> {
    let (failed, total) = (result.requests_failed?, result.requests_total?);
    if total == 0 {
        return None;
    }
    let (lost, of) = (text::count(failed), text::count(total));
    let missing = &result.receipt.not_measured;
    if failed == 0 && missing.contains(&NotMeasured::NotProven) {
        // Something answered, and nothing shows that it was a slot.
        return Some(match language {
            Language::English => format!("{of} requests answered, by what is not proven"),
            Language::Korean => format!("요청 {of}건 응답 (슬롯의 응답인지는 미확인)"),
        });
    }
    if only_ours(result) {
        return Some(ours(result, failed, &of, language));
    }
    Some(match (language, failed) {
        (Language::English, 0) => format!("0 of {of} requests lost"),
        (Language::English, _) => format!("{lost} of {of} requests lost or answered with 5xx"),
        (Language::Korean, 0) => format!("요청 {of}건 중 유실 0건"),
        (Language::Korean, _) => format!("요청 {of}건 중 유실 또는 5xx {lost}건"),
    })
}

/// The same when nobody but us asked for anything.
fn ours(result: &RunResult, failed: u64, of: &str, language: Language) -> String {
    // Where nothing is logged, nobody knows whether there were visitors.
    let nobody = match (visitors(result), language) {
        (Some(0), Language::English) => "no visitors; ",
        (Some(0), Language::Korean) => "방문자 없음, ",
        (_, _) => "",
    };
    let lost = text::count(failed);
    let probes = match (language, failed) {
        (Language::English, 0) => format!("{of} probes fine"),
        (Language::English, _) => format!("{lost} of {of} probes lost or answered badly"),
        (Language::Korean, 0) => format!("자체 요청 {of}건 정상"),
        (Language::Korean, _) => format!("자체 요청 {of}건 중 유실 또는 비정상 응답 {lost}건"),
    };
    format!("{nobody}{probes}")
}

/// What the new slot answered people before traffic went back; `None` when it did not.
pub(super) fn bad_answers(
    result: &RunResult,
    context: &RunContext,
    language: Language,
) -> Option<String> {
    match result.outcome {
        // A rollback stays where it went, whatever a bake saw.
        Outcome::Deployed | Outcome::Unchanged | Outcome::Skipped => return None,
        Outcome::Cancelled | Outcome::Failed | Outcome::RolledBack | Outcome::Stuck => {}
    }
    let worse = |bake: &BakeReport| match bake.verdict {
        BakeVerdict::Worse => Some(bake.new),
        BakeVerdict::Good | BakeVerdict::Inconclusive => None,
    };
    let baked = result.receipt.bake.as_ref().and_then(worse);
    if baked.is_none() && result.receipt.flip_back_ms.is_none() {
        return None;
    }
    // The log goes on after the verdict until traffic is back, so it knows more than the watch.
    let served = new_slot(result, context)
        .or(baked)
        .filter(|served| served.requests > 0)?;
    let (bad, of) = (
        text::count(served.server_errors),
        text::count(served.requests),
    );
    Some(match language {
        Language::English => {
            format!("{bad} of {of} answers of the new slot were 5xx before traffic was back")
        }
        Language::Korean => format!("트래픽을 되돌리기 전 새 슬롯의 응답 {of}건 중 5xx {bad}건"),
    })
}

/// The figures of one slot in one window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Which slot, and when. Holds a name of the host.
    pub(super) label: String,
    pub(super) served: Served,
}

impl Row {
    /// The row as a line.
    pub(super) fn line(&self, language: Language) -> String {
        let Served {
            requests,
            not_ok,
            server_errors,
            client_errors: _,
            retried,
            unanswered,
            p50_ms,
            p99_ms,
        } = self.served;
        let (requests, label) = (text::count(requests), &self.label);
        let mut line = match language {
            Language::English => format!("{label}: {requests} requests"),
            Language::Korean => format!("{label}: 요청 {requests}건"),
        };
        let more = |count: u64, english: &str, korean: &str| match (count, language) {
            (0, _) => String::new(),
            (count, Language::English) => format!(", {} {english}", text::count(count)),
            (count, Language::Korean) => format!(", {korean} {}건", text::count(count)),
        };
        line += &more(not_ok, "neither 2xx nor 3xx", "2xx·3xx 아님");
        line += &more(server_errors, "with 5xx", "5xx");
        for (name, time) in [("p50", p50_ms), ("p99", p99_ms)] {
            line += &time.map_or_else(String::new, |ms| format!(", {name} {}", text::millis(ms)));
        }
        let other = "answered by the other slot";
        line += &more(retried, other, "다른 슬롯이 대신 응답");
        line + &more(unanswered, "without an answer", "응답 없음")
    }
}

/// The old slot before the switch, then both slots while traffic moved; none that nobody asked.
pub(super) fn rows(result: &RunResult, context: &RunContext, language: Language) -> Vec<Row> {
    let receipt = &result.receipt;
    let (before, old, new) = match language {
        Language::English => ("before", "old", "new"),
        Language::Korean => ("전환 전", "이전", "신규"),
    };
    let mut rows = Vec::new();
    if let Some(served) = receipt.baseline {
        let label = match &result.previous_slot {
            Some(slot) => format!("{slot} ({before})"),
            None => before.to_owned(),
        };
        rows.push(Row { label, served });
    }
    let is_asked = |row: &Row| row.served.requests + row.served.unanswered > 0;
    let Some(traffic) = receipt.traffic else {
        rows.retain(is_asked);
        return rows;
    };
    let names = context.slots.as_ref();
    let one = names.map(|slots| slots.one.as_str());
    let two = names.map(|slots| slots.two.as_str());
    for (name, number, served) in [(one, 1, traffic.one), (two, 2, traffic.two)] {
        let age = match name {
            Some(name) if result.previous_slot.as_deref() == Some(name) => Some(old),
            Some(_) if result.previous_slot.is_some() => Some(new),
            Some(_) | None => None,
        };
        let label = match (name, age, language) {
            (Some(name), Some(age), _) => format!("{name} ({age})"),
            (Some(name), None, _) => name.to_owned(),
            (None, _, Language::English) => format!("slot {number}"),
            (None, _, Language::Korean) => format!("슬롯 {number}"),
        };
        rows.push(Row { label, served });
    }
    rows.retain(is_asked);
    rows
}

/// What the slot answered that was to take over, once its place is known.
fn new_slot(result: &RunResult, context: &RunContext) -> Option<Served> {
    let (traffic, slots) = (result.receipt.traffic?, context.slots.as_ref()?);
    let old = result.previous_slot.as_deref()?;
    match (slots.one.as_str() == old, slots.two.as_str() == old) {
        (true, false) => Some(traffic.two),
        (false, true) => Some(traffic.one),
        (true, true) | (false, false) => None,
    }
}

/// A percentile; nothing was answered without one.
pub(super) fn latency(ms: Option<f64>) -> String {
    ms.map_or_else(|| "–".to_owned(), text::millis)
}

fn switched(kind: SwitchKind, language: Language) -> &'static str {
    match (kind, language) {
        (SwitchKind::Flag, Language::English) => "switched by the flag, without a reload",
        (SwitchKind::Flag, Language::Korean) => "리로드 없이 플래그로 전환",
        (SwitchKind::Reload, Language::English) => "switched by an nginx reload",
        (SwitchKind::Reload, Language::Korean) => "nginx 리로드로 전환",
    }
}

fn predicted(loss: PredictedLoss, language: Language) -> String {
    let rate = text::figure(loss.requests_per_second);
    let trip = text::millis(loss.round_trip_ms);
    let requests = loss.requests.round();
    match language {
        Language::English => {
            let about = match text::figure(requests).as_str() {
                "0" => "less than one request".to_owned(),
                "1" => "about 1 request".to_owned(),
                more => format!("about {more} requests"),
            };
            format!(
                "a reload at {rate} req/s and {trip} loses {about}; `pct-deploy provision` makes it 0"
            )
        }
        Language::Korean => {
            let about = match text::figure(requests).as_str() {
                "0" => "1건 미만이".to_owned(),
                more => format!("약 {more}건이"),
            };
            format!(
                "초당 {rate}건, 왕복 {trip}에서 리로드하면 요청 {about} 유실될 수 있음 (`pct-deploy provision` 후 0건)"
            )
        }
    }
}

fn baked(bake: &BakeReport, language: Language) -> String {
    let word = match (bake.verdict, language) {
        (BakeVerdict::Good, Language::English) => "good",
        (BakeVerdict::Inconclusive, Language::English) => "inconclusive",
        (BakeVerdict::Worse, Language::English) => "worse than the old release",
        (BakeVerdict::Good, Language::Korean) => "양호",
        (BakeVerdict::Inconclusive, Language::Korean) => "판단 보류",
        (BakeVerdict::Worse, Language::Korean) => "이전 릴리스보다 나쁨",
    };
    let why = match bake.why.trim() {
        "" => String::new(),
        why => format!(" ({why})"),
    };
    let watched = text::seconds(std::time::Duration::from_millis(bake.watched_ms).as_secs_f64());
    let (requests, errors) = (bake.new.requests, bake.new.server_errors);
    let errors = match (errors, language) {
        (0, _) => String::new(),
        (errors, Language::English) => format!(", {} with 5xx", text::count(errors)),
        (errors, Language::Korean) => format!(", 5xx {}건", text::count(errors)),
    };
    let of = text::count(requests);
    match (language, requests) {
        (Language::English, 0) => format!("bake: {word}{why}, {watched}"),
        (Language::English, _) => {
            format!("bake: {word}{why}, {of} requests in {watched}{errors}")
        }
        (Language::Korean, 0) => format!("베이크: {word}{why}, {watched}"),
        (Language::Korean, _) => {
            format!("베이크: {word}{why}, {watched} 동안 요청 {of}건{errors}")
        }
    }
}

fn probed(probes: Probes, language: Language) -> String {
    let sent = text::count(probes.sent);
    let (lost, failed) = match language {
        Language::English => (" lost", " with a bad answer"),
        Language::Korean => ("건 유실", "건 비정상 응답"),
    };
    let bad: Vec<String> = [(probes.lost, lost), (probes.failed, failed)]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{}{what}", text::count(count)))
        .collect();
    match (language, bad.as_slice()) {
        (Language::English, []) => format!("{sent} requests of our own, all fine"),
        (Language::English, bad) => format!("{sent} requests of our own: {}", bad.join(", ")),
        (Language::Korean, []) => format!("자체 요청 {sent}건 모두 정상"),
        (Language::Korean, bad) => format!("자체 요청 {sent}건 중 {}", bad.join(", ")),
    }
}

fn memory(result: &RunResult, language: Language) -> Option<String> {
    let (slot, agent) = match language {
        Language::English => ("new slot", "agent"),
        Language::Korean => ("새 슬롯", "에이전트"),
    };
    let parts: Vec<String> = [
        (slot, result.receipt.slot_memory_bytes),
        (agent, result.receipt.agent_memory_bytes),
    ]
    .into_iter()
    .filter_map(|(who, bytes)| Some(format!("{who} {}", text::bytes(bytes?))))
    .collect();
    if parts.is_empty() {
        return None;
    }
    Some(match language {
        Language::English => format!("memory at most: {}", parts.join(", ")),
        Language::Korean => format!("최대 메모리: {}", parts.join(", ")),
    })
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;

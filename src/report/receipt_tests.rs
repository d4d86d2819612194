//! What is said about a receipt, word by word.

use super::*;
use crate::protocol::receipt::{PredictedLoss, Probes, Receipt};
use crate::report::fixtures::{baked_away, context, deployed, reloaded};

#[test]
fn a_deploy_by_the_flag_is_told_in_both_languages() {
    assert_eq!(
        facts(&deployed(), &context(), Language::English),
        [
            "0 of 48,213 requests lost",
            "bake: good, 812 requests in 5.0s",
            "switched by the flag, without a reload",
            "240 requests of our own, all fine",
            "12 ms from healthy to switched",
            "15 ms from healthy to the first request on the new slot",
            "3.4 MiB pulled by the host",
            "memory at most: new slot 301.4 MiB, agent 9.1 MiB",
        ]
    );
    assert_eq!(
        facts(&deployed(), &context(), Language::Korean),
        [
            "요청 48,213건 중 유실 0건",
            "베이크: 양호, 5.0s 동안 요청 812건",
            "리로드 없이 플래그로 전환",
            "자체 요청 240건 모두 정상",
            "정상 확인부터 전환까지 12 ms",
            "정상 확인부터 새 슬롯의 첫 요청까지 15 ms",
            "서버가 내려받은 용량 3.4 MiB",
            "최대 메모리: 새 슬롯 301.4 MiB, 에이전트 9.1 MiB",
        ]
    );
}

#[test]
fn a_reload_says_what_it_costs_and_what_cures_it() {
    let english = facts(&reloaded(), &context(), Language::English);
    assert!(english.contains(&"5 of 48,213 requests lost or answered with 5xx".to_owned()));
    assert!(english.contains(
        &"a reload at 120 req/s and 40 ms loses about 5 requests; `pct-deploy provision` makes it 0"
            .to_owned()
    ));
    let korean = facts(&reloaded(), &context(), Language::Korean);
    assert!(
        korean.contains(
            &"초당 120건, 왕복 40 ms에서 리로드하면 요청 약 5건이 유실될 수 있음 (`pct-deploy provision` 후 0건)"
                .to_owned()
        ),
        "{korean:?}"
    );
    let mut rare = reloaded();
    rare.receipt.predicted_loss = Some(PredictedLoss {
        requests_per_second: 0.2,
        round_trip_ms: 3.25,
        requests: 0.000_65,
    });
    let rare = facts(&rare, &context(), Language::English);
    let line = "a reload at 0.2 req/s and 3.3 ms loses less than one request; `pct-deploy provision` makes it 0";
    assert!(rare.contains(&line.to_owned()), "{rare:?}");
}

#[test]
fn a_bake_that_went_back_says_what_people_got() {
    let result = baked_away();
    let english = facts(&result, &context(), Language::English);
    assert_eq!(
        english[1..4],
        [
            "37 of 412 answers of the new slot were 5xx before traffic was back",
            "bake: worse than the old release (9.0 % of 5xx, 2 % allowed), 400 requests in 1.2s, 36 with 5xx",
            "switched by the flag, without a reload",
        ]
    );
    assert!(
        english.contains(&"4 ms from the decision to go back until traffic was back".to_owned())
    );
    // Without the names of the slots, the watch itself knows.
    let unnamed = bad_answers(&result, &RunContext::default(), Language::Korean);
    assert_eq!(
        unnamed.as_deref(),
        Some("트래픽을 되돌리기 전 새 슬롯의 응답 400건 중 5xx 36건")
    );
    let mut stayed = result;
    stayed.outcome = Outcome::Deployed;
    assert_eq!(bad_answers(&stayed, &context(), Language::English), None);
}

#[test]
fn each_slot_has_its_row() {
    let labels = |context: &RunContext, language| {
        let rows = rows(&deployed(), context, language);
        rows.into_iter().map(|row| row.label).collect::<Vec<_>>()
    };
    assert_eq!(
        labels(&context(), Language::English),
        [
            "pct-backend-1 (before)",
            "pct-backend-1 (old)",
            "pct-backend-2 (new)"
        ]
    );
    assert_eq!(
        labels(&RunContext::default(), Language::Korean),
        ["pct-backend-1 (전환 전)", "슬롯 1", "슬롯 2"]
    );
    let rows = rows(&deployed(), &context(), Language::English);
    assert_eq!(
        rows.last().unwrap().line(Language::English),
        "pct-backend-2 (new): 1,872 requests, 3 neither 2xx nor 3xx, p50 3.4 ms, p99 44 ms"
    );
    assert_eq!(
        rows.last().unwrap().line(Language::Korean),
        "pct-backend-2 (new): 요청 1,872건, 2xx·3xx 아님 3건, p50 3.4 ms, p99 44 ms"
    );
    assert_eq!(
        (latency(None), latency(Some(412.0))),
        ("–".to_owned(), "412 ms".to_owned())
    );
}

#[test]
fn zeros_are_not_said() {
    let mut result = deployed();
    (result.requests_total, result.requests_failed) = (Some(240), Some(0));
    result.receipt = Receipt {
        traffic: Some(Default::default()),
        baseline: Some(Served::default()),
        probes: Some(Probes {
            sent: 240,
            lost: 0,
            failed: 0,
        }),
        bake: Some(BakeReport {
            verdict: BakeVerdict::Inconclusive,
            why: "too few requests to tell".to_owned(),
            new: Served::default(),
            watched_ms: 5000,
        }),
        cut_connections: Some(0),
        bytes_pulled: Some(0),
        ..Receipt::default()
    };
    assert_eq!(
        facts(&result, &context(), Language::English),
        [
            "no visitors; 240 probes fine",
            "bake: inconclusive (too few requests to tell), 5.0s",
        ]
    );
    assert_eq!(
        facts(&result, &context(), Language::Korean),
        [
            "방문자 없음, 자체 요청 240건 정상",
            "베이크: 판단 보류 (too few requests to tell), 5.0s",
        ]
    );
    assert!(rows(&result, &context(), Language::English).is_empty());
    // Nobody knows whether there were any where nothing is logged.
    result.receipt.traffic = None;
    let words = |result: &RunResult, language| lost(result, language).unwrap_or_default();
    assert_eq!(words(&result, Language::English), "240 probes fine");
    result.requests_failed = Some(3);
    assert_eq!(
        words(&result, Language::English),
        "3 of 240 probes lost or answered badly"
    );
    assert_eq!(
        words(&result, Language::Korean),
        "자체 요청 240건 중 유실 또는 비정상 응답 3건"
    );
    result.receipt.probes = None;
    (result.requests_total, result.requests_failed) = (Some(0), Some(0));
    assert_eq!(lost(&result, Language::English), None);
}

#[test]
fn what_was_bad_about_our_own_requests_is_said() {
    let mut result = deployed();
    result.receipt.probes = Some(Probes {
        sent: 240,
        lost: 2,
        failed: 0,
    });
    let english = facts(&result, &context(), Language::English);
    let line = "240 requests of our own: 2 lost".to_owned();
    assert!(english.contains(&line), "{english:?}");
    let korean = facts(&result, &context(), Language::Korean);
    let line = "자체 요청 240건 중 2건 유실".to_owned();
    assert!(korean.contains(&line), "{korean:?}");
}

#[test]
fn what_was_not_measured_is_not_said() {
    let mut result = deployed();
    (result.requests_total, result.requests_failed) = (None, None);
    result.receipt = Receipt::default();
    assert!(facts(&result, &context(), Language::English).is_empty());
    assert!(rows(&result, &context(), Language::English).is_empty());
}

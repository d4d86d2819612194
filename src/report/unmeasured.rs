//! What could not be measured, one plain sentence each.

use crate::config::types::Language;
use crate::protocol::receipt::NotMeasured;

/// The sentence; holds text of the host.
pub(super) fn sentence(what: &NotMeasured, language: Language) -> String {
    match language {
        Language::English => format!("not measured: {}", english(what)),
        Language::Korean => format!("측정 안 됨: {}", korean(what)),
    }
}

fn english(what: &NotMeasured) -> String {
    match what {
        NotMeasured::NoTrafficLog => {
            "requests of users, which nginx does not log with `switch: reload`; `pct-deploy provision` changes that"
        }
        NotMeasured::OwnAccessLog { location } => {
            return format!(
                "requests to `{location}`, which has an `access_log` of its own, so nginx drops ours there"
            );
        }
        NotMeasured::SilentLog => {
            "requests of users: the kernel shows some, the traffic log has none of them"
        }
        NotMeasured::EarlierFormat => {
            "the slots' own times and status, which the nginx files of an earlier version do not log; run `pct-deploy provision` again"
        }
        NotMeasured::TooFewRequests => {
            "whether the new slot is as good for users: too few requests came"
        }
        NotMeasured::NoBaseline => {
            "a difference from the old slot: too few requests came before the switch"
        }
        NotMeasured::NoQuietTime => {
            "the old slot's time before the new container booted: too few requests came by then, so all before the switch were taken"
        }
        NotMeasured::NoListener => {
            "requests of our own: nginx has no listener for this app that answers on this host"
        }
        NotMeasured::NotProven => {
            "whether a slot answered our own requests: no line of the log shows it, so a file may have"
        }
        NotMeasured::Unknown => "something that only a newer version knows",
    }
    .to_owned()
}

fn korean(what: &NotMeasured) -> String {
    match what {
        NotMeasured::NoTrafficLog => {
            "사용자 요청 (`switch: reload`에서는 nginx가 기록하지 않음, `pct-deploy provision` 후 가능)"
        }
        NotMeasured::OwnAccessLog { location } => {
            return format!("`{location}`의 요청 (자체 `access_log`가 있어 nginx가 기록하지 않음)");
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
        NotMeasured::NotProven => "자체 요청에 슬롯이 응답했는지 여부 (로그에 근거 없음)",
        NotMeasured::Unknown => "더 새로운 버전만 아는 항목",
    }
    .to_owned()
}

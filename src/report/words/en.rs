//! English.

use super::{Deployed, Labels, Words, after, within};
use crate::protocol::outcome::Outcome;
use crate::protocol::receipt::{
    BakeReport, BakeVerdict, NotMeasured, PredictedLoss, Probes, Served, SwitchKind,
};
use crate::protocol::result::StepOutcome;
use crate::report::text::{bytes, count, figure, millis, seconds};

pub(super) struct English;

const LABELS: Labels = Labels {
    release: "release",
    image: "image",
    slot: "slot",
    before: "before",
    commit: "commit",
    pull_request: "pull request",
    took: "took",
    reason: "reason",
    record: "record on the host",

    receipt: "Receipt",
    slot_columns: [
        "slot",
        "requests",
        "neither 2xx nor 3xx",
        "5xx",
        "p50",
        "p99",
    ],
    slot_before: "before",
    slot_old: "old",
    slot_new: "new",
    no_visitors: "no visitors; ",

    failed: "Failed",
    caused_by: "caused by",
    hint: "hint",
    log: "Last lines of the log",

    timeline: "Timeline",
    step_columns: ["step", "where", "began", "seconds", "outcome"],
    runner: "runner",
    host: "host",

    traffic: "Traffic around the switch",
    seconds_axis: "seconds from the switch",
    requests_axis: "requests per second",

    more: "More about this run",

    run: "Run",
    pull_request_link: "PR",
    commit_link: "Commit",
    run_page: "Log and timeline of the run",
    failed_step: "Failed step",
    cause: "Cause",
    what_to_do: "What to do",
    cut: "cut",
};

impl Words for English {
    fn labels(&self) -> &'static Labels {
        &LABELS
    }

    fn ended(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Deployed => "deployed",
            Outcome::Unchanged => "unchanged",
            Outcome::Skipped => "skipped",
            Outcome::Cancelled => "cancelled",
            Outcome::Failed => "deploy failed",
            Outcome::RolledBack => "rolled back",
            Outcome::Stuck => "stuck, manual action needed",
        }
    }

    fn deployed(&self, told: &Deployed<'_>) -> String {
        let release = told.release.map_or_else(
            || "the new release".to_owned(),
            |release| format!("release {release}"),
        );
        let slot = after(" on ", told.slot);
        let before = within("before: ", told.previous_slot);
        let lost = after(", ", told.lost);
        let note = within("", told.note);
        format!(
            "deployed {release}{slot}{before} in {}{lost}{note}",
            told.took
        )
    }

    fn unchanged(&self, release: Option<&str>, slot: Option<&str>, took: &str) -> String {
        let release = release.map_or_else(
            || "the release".to_owned(),
            |release| format!("release {release}"),
        );
        let slot = after(" on ", slot);
        format!("unchanged: {release} is live already{slot}, {took}")
    }

    fn skipped(&self, reason: &str) -> String {
        format!("skipped: {reason}")
    }

    fn cancelled(&self, took: &str, serving: &str) -> String {
        format!("cancelled after {took}: {serving}")
    }

    fn still_finishing(&self, took: &str) -> String {
        format!("cancelled after {took}: the host is still finishing and will complete on its own")
    }

    fn failed(&self, step: Option<&str>, cause: Option<&str>) -> String {
        let (step, cause) = (after(" in ", step), after(": ", cause));
        format!("failed{step}, your app was not touched{cause}")
    }

    fn rolled_back(&self, step: Option<&str>, reason: &str, serving: &str) -> String {
        format!("rolled back{} ({reason}): {serving}", after(" in ", step))
    }

    fn stuck(&self, step: Option<&str>, reason: &str, hint: Option<&str>) -> String {
        let (step, hint) = (after(" in ", step), after(": ", hint));
        format!("stuck{step} ({reason}), manual action needed{hint}")
    }

    fn serving(&self, slot: Option<&str>, bad: Option<&str>) -> String {
        match (slot, bad) {
            (Some(slot), Some(bad)) => format!("{slot} serves again; {bad}"),
            (Some(slot), None) => format!("{slot} serves as before"),
            (None, Some(bad)) => bad.to_owned(),
            (None, None) => "nothing was switched".to_owned(),
        }
    }

    fn lost(&self, lost: u64, of: u64) -> String {
        let (shown, of) = (count(lost), count(of));
        match lost {
            0 => format!("0 of {of} requests lost"),
            _ => format!("{shown} of {of} requests lost or answered with 5xx"),
        }
    }

    fn lost_of_ours(&self, lost: u64, of: u64) -> String {
        let (shown, of) = (count(lost), count(of));
        match lost {
            0 => format!("{of} probes fine"),
            _ => format!("{shown} of {of} probes lost or answered badly"),
        }
    }

    fn not_proven(&self, of: u64) -> String {
        format!("{} requests answered, by what is not proven", count(of))
    }

    fn bad_answers(&self, bad: u64, of: u64) -> String {
        let (bad, of) = (count(bad), count(of));
        format!("{bad} of {of} answers of the new slot were 5xx before traffic was back")
    }

    fn baked(&self, bake: &BakeReport) -> String {
        let word = match bake.verdict {
            BakeVerdict::Good => "good",
            BakeVerdict::Inconclusive => "inconclusive",
            BakeVerdict::Worse => "worse than the old release",
        };
        let why = within("", Some(bake.why.trim()));
        let watched = seconds(std::time::Duration::from_millis(bake.watched_ms).as_secs_f64());
        let errors = some(bake.new.server_errors, "with 5xx");
        match bake.new.requests {
            0 => format!("bake: {word}{why}, {watched}"),
            of => format!(
                "bake: {word}{why}, {} requests in {watched}{errors}",
                count(of)
            ),
        }
    }

    fn switched(&self, kind: SwitchKind) -> &'static str {
        match kind {
            SwitchKind::Flag => "switched by the flag, without a reload",
            SwitchKind::Reload => "switched by an nginx reload",
        }
    }

    fn predicted(&self, loss: PredictedLoss) -> String {
        let rate = figure(loss.requests_per_second);
        let trip = millis(loss.round_trip_ms);
        let about = match figure(loss.requests.round()).as_str() {
            "0" => "less than one request".to_owned(),
            "1" => "about 1 request".to_owned(),
            more => format!("about {more} requests"),
        };
        format!(
            "a reload at {rate} req/s and {trip} loses {about}; `pct-deploy provision` makes it 0"
        )
    }

    fn probed(&self, probes: Probes) -> String {
        let sent = count(probes.sent);
        let bad: Vec<String> = [(probes.lost, "lost"), (probes.failed, "with a bad answer")]
            .into_iter()
            .filter(|(bad, _)| *bad > 0)
            .map(|(bad, what)| format!("{} {what}", count(bad)))
            .collect();
        if bad.is_empty() {
            format!("{sent} requests of our own, all fine")
        } else {
            format!("{sent} requests of our own: {}", bad.join(", "))
        }
    }

    fn healthy_to_switched(&self, ms: u64) -> String {
        format!("{} ms from healthy to switched", count(ms))
    }

    fn healthy_to_first_request(&self, ms: u64) -> String {
        let ms = count(ms);
        format!("{ms} ms from healthy to the first request on the new slot")
    }

    fn flip_back(&self, ms: u64) -> String {
        let ms = count(ms);
        format!("{ms} ms from the decision to go back until traffic was back")
    }

    fn cut_connections(&self, cut: u64) -> String {
        format!("{} requests cut when the old slot stopped", count(cut))
    }

    fn pulled(&self, size: u64) -> String {
        format!("{} pulled by the host", bytes(size))
    }

    fn memory(&self, slot: Option<u64>, agent: Option<u64>) -> String {
        let parts = [("new slot", slot), ("agent", agent)];
        let parts = parts
            .into_iter()
            .filter_map(|(who, size)| Some(format!("{who} {}", bytes(size?))));
        let parts: Vec<String> = parts.collect();
        format!("memory at most: {}", parts.join(", "))
    }

    fn not_measured(&self, what: &NotMeasured) -> String {
        let what = match what {
            NotMeasured::NoTrafficLog => {
                "requests of users, which nginx does not log with `switch: reload`; `pct-deploy provision` changes that"
            }
            NotMeasured::OwnAccessLog { location } => {
                return format!(
                    "not measured: requests to `{location}`, which has an `access_log` of its own, so nginx drops ours there"
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
                "whether a slot answered our own requests: nothing shows that they reached one, so a file may have"
            }
            NotMeasured::Unknown => "something that only a newer version knows",
        };
        format!("not measured: {what}")
    }

    fn served(&self, label: &str, served: &Served) -> String {
        let mut line = format!("{label}: {} requests", count(served.requests));
        line += &some(served.not_ok, "neither 2xx nor 3xx");
        line += &some(served.server_errors, "with 5xx");
        for (name, time) in [("p50", served.p50_ms), ("p99", served.p99_ms)] {
            line += &time.map_or_else(String::new, |ms| format!(", {name} {}", millis(ms)));
        }
        line += &some(served.retried, "answered by the other slot");
        line + &some(served.unanswered, "without an answer")
    }

    fn slot(&self, number: u8) -> String {
        format!("slot {number}")
    }

    fn step_ended(&self, outcome: StepOutcome) -> &'static str {
        match outcome {
            StepOutcome::Done => "done",
            StepOutcome::Failed => "❌ **failed**",
            StepOutcome::Undone => "↩️ undone",
            StepOutcome::Cancelled => "⏹️ cancelled",
        }
    }

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
            0 => "no failed request".to_owned(),
            1 => "🟥 failed: 1 request".to_owned(),
            more => format!("🟥 failed: {} requests", count(more)),
        };
        format!(
            "🟦 old slot: at most {old} requests per second · 🟩 new slot: at most {new} · {failed}"
        )
    }

    fn lines_left_out(&self, lines: usize) -> String {
        format!("({lines} earlier lines cut)")
    }
}

/// Nothing about none.
fn some(of: u64, what: &str) -> String {
    match of {
        0 => String::new(),
        of => format!(", {} {what}", count(of)),
    }
}

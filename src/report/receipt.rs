//! What a run did to the people who used the site: facts in words, and the figures of each slot. Pure.
//!
//! Only what was measured is said; what is `null` in the result is left out here.

use super::context::RunContext;
use super::text;
use crate::config::types::Language;
use crate::protocol::outcome::Outcome;
use crate::protocol::receipt::{BakeReport, BakeVerdict, NotMeasured, Served};
use crate::protocol::result::RunResult;
use crate::protocol::slot::PerSlot;

/// The facts of a receipt, one each, the one that matters most first. Holds text of the host.
pub fn facts(result: &RunResult, context: &RunContext, language: Language) -> Vec<String> {
    let told = [
        lost(result, language),
        bad_answers(result, context, language),
    ];
    let mut facts: Vec<String> = told.into_iter().flatten().collect();
    facts.extend(further_facts(result, language));
    facts
}

/// Those that the outcome's line does not say.
pub(super) fn further_facts(result: &RunResult, language: Language) -> Vec<String> {
    let (receipt, words) = (&result.receipt, language.words());
    let some = |count: &u64| *count > 0;
    let memory = (receipt.slot_memory_bytes, receipt.agent_memory_bytes);
    let all = [
        receipt.bake.as_ref().map(|bake| words.baked(bake)),
        receipt.switch.map(|kind| words.switched(kind).to_owned()),
        receipt.predicted_loss.map(|loss| words.predicted(loss)),
        // Without visitors the first fact is about them.
        receipt
            .probes
            .filter(|probes| probes.sent > 0 && !only_ours(result))
            .map(|probes| words.probed(probes)),
        receipt
            .healthy_to_switched_ms
            .map(|ms| words.healthy_to_switched(ms)),
        receipt
            .healthy_to_first_request_ms
            .map(|ms| words.healthy_to_first_request(ms)),
        receipt.flip_back_ms.map(|ms| words.flip_back(ms)),
        receipt
            .cut_connections
            .map(u64::from)
            .filter(some)
            .map(|cut| words.cut_connections(cut)),
        receipt
            .bytes_pulled
            .filter(some)
            .map(|bytes| words.pulled(bytes)),
        (memory != (None, None)).then(|| words.memory(memory.0, memory.1)),
    ];
    let missing = receipt.not_measured.iter();
    let missing = missing.map(|what| words.not_measured(what));
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
    let words = language.words();
    let missing = &result.receipt.not_measured;
    if failed == 0 && missing.contains(&NotMeasured::NotProven) {
        // Something answered, and nothing shows that it was a slot.
        return Some(words.not_proven(total));
    }
    if !only_ours(result) {
        return Some(words.lost(failed, total));
    }
    // Where nothing is logged, nobody knows whether there were visitors.
    let nobody = match visitors(result) {
        Some(0) => words.labels().no_visitors,
        Some(_) | None => "",
    };
    Some(format!("{nobody}{}", words.lost_of_ours(failed, total)))
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
    let words = language.words();
    Some(words.bad_answers(served.server_errors, served.requests))
}

/// The figures of one slot in one window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReceiptRow {
    /// Which slot, and when. Holds a name of the host.
    pub(super) label: String,
    pub(super) served: Served,
}

impl ReceiptRow {
    /// The row as a line.
    pub(super) fn line(&self, language: Language) -> String {
        language.words().served(&self.label, &self.served)
    }
}

/// The old slot before the switch, then both slots while traffic moved; none that nobody asked.
pub(super) fn rows(
    result: &RunResult,
    context: &RunContext,
    language: Language,
) -> Vec<ReceiptRow> {
    let receipt = &result.receipt;
    let words = language.words();
    let labels = words.labels();
    let mut rows = Vec::new();
    if let Some(served) = receipt.baseline {
        let label = match &result.previous_slot {
            Some(slot) => format!("{slot} ({})", labels.slot_before),
            None => labels.slot_before.to_owned(),
        };
        rows.push(ReceiptRow { label, served });
    }
    let is_asked = |row: &ReceiptRow| row.served.requests + row.served.unanswered > 0;
    let Some(traffic) = receipt.traffic else {
        rows.retain(is_asked);
        return rows;
    };
    let PerSlot { one, two } = slot_names(result, context);
    for (name, number, served) in [(one, 1, traffic.one), (two, 2, traffic.two)] {
        let age = match name {
            Some(name) if result.previous_slot.as_deref() == Some(name) => Some(labels.slot_old),
            Some(_) if result.previous_slot.is_some() => Some(labels.slot_new),
            Some(_) | None => None,
        };
        let label = match (name, age) {
            (Some(name), Some(age)) => format!("{name} ({age})"),
            (Some(name), None) => name.to_owned(),
            (None, _) => words.slot(number),
        };
        rows.push(ReceiptRow { label, served });
    }
    rows.retain(is_asked);
    rows
}

/// What people call the slots: as the host said, or as the settings do.
fn slot_names<'a>(result: &'a RunResult, context: &'a RunContext) -> PerSlot<Option<&'a str>> {
    PerSlot::of(|slot| {
        let said = result.slots.get(slot).as_deref();
        said.or_else(|| Some(context.slots.as_ref()?.get(slot).as_str()))
    })
}

/// What the slot answered that was to take over, once its place is known.
fn new_slot(result: &RunResult, context: &RunContext) -> Option<Served> {
    let (traffic, slots) = (result.receipt.traffic?, slot_names(result, context));
    let old = result.previous_slot.as_deref();
    old?;
    match (slots.one == old, slots.two == old) {
        (true, false) => Some(traffic.two),
        (false, true) => Some(traffic.one),
        (true, true) | (false, false) => None,
    }
}

/// A percentile; nothing was answered without one.
pub(super) fn latency(ms: Option<f64>) -> String {
    ms.map_or_else(|| "–".to_owned(), text::millis)
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;

//! Every word of the reports, one file a language.
//!
//! A further language is a file here, its variant in [`Language`] and its line in [`Language::words`]. What the host and
//! the app say (causes, hints, logs) stays as it was said, and so does the console, which is always English.

mod en;
mod ko;

use crate::config::types::Language;
use crate::protocol::outcome::Outcome;
use crate::protocol::receipt::{
    BakeReport, NotMeasured, PredictedLoss, Probes, Served, SwitchKind,
};
use crate::protocol::result::StepOutcome;

impl Language {
    /// Its words.
    pub(super) fn words(self) -> &'static dyn Words {
        match self {
            Self::English => &en::English,
            Self::Korean => &ko::Korean,
        }
    }
}

/// The sentences of a report. What is passed in may be text of the host: it is escaped by whoever shows the sentence.
pub(super) trait Words {
    /// The words without figures.
    fn labels(&self) -> &'static Labels;

    /// How it ended, in a title.
    fn ended(&self, outcome: Outcome) -> &'static str;
    fn deployed(&self, told: &Deployed<'_>) -> String;
    fn unchanged(&self, release: Option<&str>, slot: Option<&str>, took: &str) -> String;
    fn skipped(&self, reason: &str) -> String;
    fn cancelled(&self, took: &str, serving: &str) -> String;
    /// Cancelled before the host said how its part ended.
    fn still_finishing(&self, took: &str) -> String;
    fn failed(&self, step: Option<&str>, cause: Option<&str>) -> String;
    fn rolled_back(&self, step: Option<&str>, reason: &str, serving: &str) -> String;
    fn stuck(&self, step: Option<&str>, reason: &str, hint: Option<&str>) -> String;
    /// Who serves after a run that did not go through, and what users got meanwhile.
    fn serving(&self, slot: Option<&str>, bad: Option<&str>) -> String;

    /// Requests that were lost, of all in the window.
    fn lost(&self, lost: u64, of: u64) -> String;
    /// The same when all of them were ours.
    fn lost_of_ours(&self, lost: u64, of: u64) -> String;
    /// All were answered, and nothing shows that it was by a slot.
    fn not_proven(&self, of: u64) -> String;
    fn bad_answers(&self, bad: u64, of: u64) -> String;
    fn baked(&self, bake: &BakeReport) -> String;
    fn switched(&self, kind: SwitchKind) -> &'static str;
    fn predicted(&self, loss: PredictedLoss) -> String;
    fn probed(&self, probes: Probes) -> String;
    fn healthy_to_switched(&self, ms: u64) -> String;
    fn healthy_to_first_request(&self, ms: u64) -> String;
    fn flip_back(&self, ms: u64) -> String;
    fn cut_connections(&self, count: u64) -> String;
    fn pulled(&self, bytes: u64) -> String;
    /// The peaks that are known; at least one is.
    fn memory(&self, slot: Option<u64>, agent: Option<u64>) -> String;
    fn not_measured(&self, what: &NotMeasured) -> String;

    /// The figures of one slot on one line.
    fn served(&self, label: &str, served: &Served) -> String;
    /// A slot whose service has no name here.
    fn slot(&self, number: u8) -> String;

    /// How a step ended.
    fn step_ended(&self, outcome: StepOutcome) -> &'static str;
    /// The same behind its name in the chart; empty when it went well.
    fn step_note(&self, outcome: StepOutcome) -> &'static str;

    /// The chart of the switch in a line: the most requests per second of either slot, and those that failed.
    fn traffic(&self, old: f64, new: f64, failed: u64) -> String;

    /// How many lines are left out before the ones that are shown.
    fn lines_left_out(&self, count: usize) -> String;
}

/// What there is to say of a deploy that went through.
#[derive(Debug)]
pub(super) struct Deployed<'a> {
    pub(super) release: Option<&'a str>,
    pub(super) slot: Option<&'a str>,
    pub(super) previous_slot: Option<&'a str>,
    pub(super) took: &'a str,
    /// The sentence about lost requests.
    pub(super) lost: Option<&'a str>,
    /// Why it is not quite as it should be.
    pub(super) note: Option<&'a str>,
}

/// Names of rows, columns, titles and links.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) release: &'static str,
    pub(super) image: &'static str,
    pub(super) slot: &'static str,
    pub(super) before: &'static str,
    pub(super) commit: &'static str,
    pub(super) pull_request: &'static str,
    pub(super) took: &'static str,
    pub(super) reason: &'static str,
    pub(super) record: &'static str,

    pub(super) receipt: &'static str,
    /// Columns of the figures by slot.
    pub(super) slot_columns: [&'static str; 6],
    /// Behind a slot's name: before the switch, and then each one's part in it.
    pub(super) slot_before: &'static str,
    pub(super) slot_old: &'static str,
    pub(super) slot_new: &'static str,
    /// Before the sentence about our own requests when nobody else asked for anything.
    pub(super) no_visitors: &'static str,

    pub(super) failed: &'static str,
    pub(super) caused_by: &'static str,
    pub(super) hint: &'static str,
    pub(super) log: &'static str,

    pub(super) timeline: &'static str,
    pub(super) step_columns: [&'static str; 5],
    pub(super) runner: &'static str,
    pub(super) host: &'static str,

    pub(super) traffic: &'static str,
    pub(super) seconds_axis: &'static str,
    pub(super) requests_axis: &'static str,

    /// What is folded because few need it.
    pub(super) more: &'static str,

    /// Links in a message.
    pub(super) run: &'static str,
    pub(super) pull_request_link: &'static str,
    pub(super) commit_link: &'static str,
    /// A link to the run in the comment, which has less than the run shows.
    pub(super) run_page: &'static str,
    pub(super) failed_step: &'static str,
    pub(super) cause: &'static str,
    pub(super) what_to_do: &'static str,
    pub(super) cut: &'static str,
}

/// A part of a sentence behind its lead; nothing when it is missing.
fn after(lead: &str, part: Option<&str>) -> String {
    match part {
        None | Some("") => String::new(),
        Some(part) => format!("{lead}{part}"),
    }
}

/// The same in brackets.
fn within(lead: &str, part: Option<&str>) -> String {
    match after(lead, part).as_str() {
        "" => String::new(),
        part => format!(" ({part})"),
    }
}

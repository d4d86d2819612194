//! When to deploy.

use super::fields::Fields;
use super::parse::Gated;
use super::problems::Problems;
use super::raw::Raw;
use super::types::{GateConfig, LabelAfter, Mode, RequiredChecks, WriterCheck};

/// Reads the gate alone: it decides before anything else is looked at.
///
/// The problems are of its own settings; where one is wrong, the stricter value stands.
pub fn gate(raw: &Raw) -> (GateConfig, Problems) {
    let mut fields = Fields::new(raw, Problems::default());
    let writer = fields.flag("require-write", WriterCheck::Required, WriterCheck::Off);
    let after = fields.flag("remove-label", LabelAfter::Removed, LabelAfter::Kept);
    let mode = fields.flag("dry-run", Mode::DryRun, Mode::Deploy);
    let approvals = fields.int("require-approvals", 0, "write how many, or `0`");
    let checks = match fields.list("require-checks").as_slice() {
        [] => RequiredChecks::Off,
        ["all"] => RequiredChecks::All,
        names => RequiredChecks::Named(names.iter().map(|name| (*name).to_owned()).collect()),
    };
    let text = |key| fields.text(key).unwrap_or_default().to_owned();
    let gate = GateConfig {
        label: text("label"),
        base: text("base"),
        writer: writer.unwrap_or(WriterCheck::Required),
        checks,
        approvals: approvals.unwrap_or(u16::MAX),
        label_after: after.unwrap_or(LabelAfter::Removed),
        mode: mode.unwrap_or(Mode::DryRun),
    };
    (gate, fields.problems)
}

pub(super) fn check_token(fields: &mut Fields<'_>, gate: &GateConfig, gated: Gated) {
    if gated == Gated::Free || fields.raw.given("github-token").is_some() {
        return;
    }
    if gate.writer == WriterCheck::Required {
        fields.problems.add(
            "`github-token` is missing, and `require-write` asks GitHub with it",
            "write `github-token: ${{ github.token }}`, or `require-write: false` to let anyone with triage rights deploy",
        );
    } else if gate.checks != RequiredChecks::Off || gate.approvals > 0 {
        fields.problems.add(
            "`github-token` is missing, and `require-checks` and `require-approvals` ask GitHub with it",
            "write `github-token: ${{ github.token }}`",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::Source;

    fn raw(pairs: &[(&'static str, &str)]) -> Raw {
        let mut raw = Raw::default();
        for (key, text) in pairs {
            raw.offer(key, text, Source::Input);
        }
        raw
    }

    #[test]
    fn checks_are_named_one_a_line_and_may_hold_commas() {
        let checks = |text: &str| gate(&raw(&[("require-checks", text)])).0.checks;
        assert_eq!(checks(""), RequiredChecks::Off);
        assert_eq!(checks(" all "), RequiredChecks::All);
        let named = ["test (ubuntu, 21)", "all"].map(str::to_owned).to_vec();
        assert_eq!(
            checks("test (ubuntu, 21)\n\n  all"),
            RequiredChecks::Named(named)
        );
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_the_stricter_one_and_a_problem() {
        let wrong = [
            ("require-approvals", "some"),
            ("require-write", "maybe"),
            ("remove-label", "maybe"),
            ("dry-run", "maybe"),
        ];
        let (gate, problems) = gate(&raw(&wrong));
        assert_eq!(gate.approvals, u16::MAX);
        assert_eq!(gate.writer, WriterCheck::Required);
        assert_eq!(gate.label_after, LabelAfter::Removed);
        assert_eq!(gate.mode, Mode::DryRun);
        assert_eq!(problems.list().len(), wrong.len());
        let whats = problems.list().iter().map(|problem| &problem.what);
        assert!(
            whats
                .clone()
                .any(|what| what.contains("whole number from 0"))
        );
    }

    #[test]
    fn who_asks_github_needs_the_token() {
        let problems = |pairs: &[(&'static str, &str)], gated| {
            let raw = raw(pairs);
            let (gate, _) = gate(&raw);
            let mut fields = Fields::new(&raw, Problems::default());
            check_token(&mut fields, &gate, gated);
            fields.problems.list().len()
        };
        let free = ("require-write", "false");
        assert_eq!(problems(&[], Gated::ByEvent), 1);
        assert_eq!(problems(&[], Gated::Free), 0);
        assert_eq!(problems(&[free], Gated::ByEvent), 0);
        assert_eq!(
            problems(&[free, ("require-checks", "all")], Gated::ByEvent),
            1
        );
        assert_eq!(
            problems(&[free, ("require-approvals", "1")], Gated::ByEvent),
            1
        );
        let token = ("github-token", "ghs_token");
        assert_eq!(
            problems(&[token, ("require-approvals", "1")], Gated::ByEvent),
            0
        );
    }
}

//! `doctor`: what is wrong, at which end, and what to do about it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::DoctorArgs;
use super::render;
use super::start::Start;
use super::tables::clean;
use crate::error::{ExitCode, Result};
use crate::protocol::doctor::{CheckedEnd, DoctorCheck, DoctorFinding, Severity};
use crate::report::Verbosity;
use crate::runner::doctor::{self, Diagnosis};

/// What `doctor --json` prints.
#[derive(Serialize)]
struct PrintedDiagnosis<'a> {
    app: Option<&'a str>,
    server: Option<&'a str>,
    worst: Option<Severity>,
    findings: Vec<PrintedFinding<'a>>,
    passed: Vec<&'a str>,
    facts: BTreeMap<&'a str, &'a str>,
    not_checked: Option<&'a str>,
}

#[derive(Serialize)]
struct PrintedFinding<'a> {
    id: &'a str,
    end: CheckedEnd,
    severity: Severity,
    what: &'a str,
    fix: &'a str,
}

impl<'a> PrintedFinding<'a> {
    fn of(finding: &'a DoctorFinding) -> Self {
        Self {
            id: finding.check.id(),
            end: finding.check.end(),
            severity: finding.check.severity(),
            what: &finding.what,
            fix: &finding.fix,
        }
    }
}

pub(super) async fn run(start: &Start, args: &DoctorArgs) -> Result<ExitCode> {
    let by = start.asked(&args.settings, Verbosity::Answer);
    let diagnosis = Box::pin(doctor::doctor(by)).await?;
    if start.global.json {
        render::json(&printed(&diagnosis))?;
    } else {
        render::out(&text(&diagnosis, start.global.verbose > 0))?;
    }
    Ok(code(&diagnosis))
}

/// By the worst: only problems are a failure, and of settings alone they have a code of their own.
fn code(diagnosis: &Diagnosis) -> ExitCode {
    let problems = diagnosis.seen.findings.iter().map(|finding| finding.check);
    let mut problems = problems
        .filter(|check| check.severity() == Severity::Problem)
        .peekable();
    if problems.peek().is_none() {
        ExitCode::Success
    } else if problems.all(|check| check == DoctorCheck::SettingWrong) {
        ExitCode::Usage
    } else {
        ExitCode::HostUntouched
    }
}

fn printed(diagnosis: &Diagnosis) -> PrintedDiagnosis<'_> {
    let seen = &diagnosis.seen;
    let facts = seen
        .facts
        .iter()
        .map(|[name, text]| (name.as_str(), text.as_str()));
    PrintedDiagnosis {
        app: diagnosis.app.as_deref(),
        server: diagnosis.server.as_deref(),
        worst: seen.worst(),
        findings: seen.findings.iter().map(PrintedFinding::of).collect(),
        passed: seen.passed.iter().map(|check| check.id()).collect(),
        facts: facts.collect(),
        not_checked: diagnosis.not_checked.as_deref(),
    }
}

fn text(diagnosis: &Diagnosis, passed_too: bool) -> String {
    let mut text = String::new();
    let server = diagnosis.server.as_deref().unwrap_or("the server");
    for (end, name) in [
        (CheckedEnd::Runner, "from here".to_owned()),
        (CheckedEnd::Server, format!("on {}", clean(server))),
    ] {
        let lines = lines(diagnosis, end, passed_too);
        if !lines.is_empty() {
            text.push_str(&format!("{name}\n{lines}"));
        }
    }
    if let Some(why) = &diagnosis.not_checked {
        text.push_str(&format!("the server was not checked: {}\n", clean(why)));
    }
    text.push_str(&counts(diagnosis));
    text
}

fn lines(diagnosis: &Diagnosis, end: CheckedEnd, passed_too: bool) -> String {
    let seen = &diagnosis.seen;
    let mut lines = String::new();
    let findings = seen
        .findings
        .iter()
        .filter(|finding| finding.check.end() == end);
    for finding in findings {
        let (check, what) = (finding.check, clean(&finding.what));
        lines.push_str(&format!(
            "  {:<7}  {what} [{}]\n",
            check.severity().as_str(),
            check.id()
        ));
        if !finding.fix.is_empty() {
            lines.push_str(&format!("  {:<7}  fix: {}\n", "", clean(&finding.fix)));
        }
    }
    if passed_too {
        let passed = seen.passed.iter().filter(|check| check.end() == end);
        for check in passed {
            lines.push_str(&format!("  {:<7}  {}\n", "ok", check.fine()));
        }
        if end == CheckedEnd::Server {
            for [name, fact] in &seen.facts {
                lines.push_str(&format!("  {:<7}  {name} {}\n", "", clean(fact)));
            }
        }
    }
    lines
}

fn counts(diagnosis: &Diagnosis) -> String {
    let seen = &diagnosis.seen;
    let of = |severity: Severity| {
        let all = seen.findings.iter();
        let count = all
            .filter(|finding| finding.check.severity() == severity)
            .count();
        let s = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {}{s}", severity.as_str()))
    };
    let counts = [Severity::Problem, Severity::Warning, Severity::Note].map(of);
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let counts = match counts.as_slice() {
        [] => "nothing found".to_owned(),
        counts => counts.join(", "),
    };
    format!("{counts}; {} checks passed\n", seen.passed.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::doctor::Examination;

    fn with(checks: &[DoctorCheck]) -> Diagnosis {
        let mut seen = Examination::default();
        seen.note(DoctorCheck::NginxDown, []);
        for check in checks {
            seen.note(
                *check,
                [["it is \u{1b}[2Jodd".to_owned(), "do it".to_owned()]],
            );
        }
        seen.fact("nginx", "1.26.3");
        Diagnosis {
            app: Some("app".to_owned()),
            server: Some("h.example".to_owned()),
            seen,
            not_checked: None,
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        use DoctorCheck::{DiskFull, DiskLow, NoSwap, SettingOdd, SettingWrong};
        for (checks, expected) in [
            (&[][..], ExitCode::Success),
            (&[NoSwap, DiskLow, SettingOdd], ExitCode::Success),
            (&[SettingWrong, DiskLow], ExitCode::Usage),
            (&[SettingWrong, DiskFull], ExitCode::HostUntouched),
        ] {
            assert_eq!(code(&with(checks)), expected, "{checks:?}");
        }
    }

    #[test]
    fn a_finding_is_a_line_and_its_fix_another_and_what_passed_is_counted() {
        let found = with(&[
            DoctorCheck::SettingOdd,
            DoctorCheck::DiskFull,
            DoctorCheck::DiskFull,
        ]);
        assert_eq!(
            text(&found, false),
            "from here\n  warning  it is  [2Jodd [setting-odd]\n           fix: do it\n\
             on h.example\n  problem  it is  [2Jodd [disk-full]\n           fix: do it\n  \
             problem  it is  [2Jodd [disk-full]\n           fix: do it\n\
             2 problems, 1 warning; 1 checks passed\n"
        );
        let none = text(&with(&[]), true);
        assert_eq!(
            none,
            "on h.example\n  ok       nginx runs\n           nginx 1.26.3\nnothing found; 1 checks passed\n"
        );
        let unreached = Diagnosis {
            not_checked: Some("no way".to_owned()),
            ..with(&[])
        };
        assert!(text(&unreached, false).starts_with("the server was not checked: no way\n"));
    }

    #[test]
    fn the_documented_object_is_the_one_that_is_printed() {
        let page = include_str!("../../docs/doctor.md");
        let (_, example) = page.split_once("```json\n").unwrap();
        let example = example.split("```").next().unwrap();
        let mut found = with(&[DoctorCheck::DiskFull]);
        found.seen.findings[0].what =
            "the disk of `/var/lib/docker` has 12 MiB left, at least 256 MiB are needed".to_owned();
        found.seen.findings[0].fix =
            "free some space on the host: `docker image prune -a`, `docker system df`, `df -h`"
                .to_owned();
        let documented: serde_json::Value = serde_json::from_str(example).unwrap();
        assert_eq!(serde_json::to_value(printed(&found)).unwrap(), documented);
    }
}

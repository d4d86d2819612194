//! Whether the checks of a commit are green.

use super::Refusal;
use super::show::short;
use crate::clients::github::{Check, CheckState};
use crate::config::types::RequiredChecks;
use crate::error::Reason;

/// What is not as it must be, all of it at once. `run` is our own run, whose jobs cannot wait for
/// themselves.
pub(in crate::runner) fn refusal(
    required: &RequiredChecks,
    found: &[Check],
    run: Option<&str>,
) -> Option<Refusal> {
    let wrong = match required {
        RequiredChecks::Off => return None,
        RequiredChecks::All => wrong_of_all(found, run),
        RequiredChecks::Named(names) => names
            .iter()
            .flat_map(|name| wrong_of(name, found))
            .collect(),
    };
    if wrong.is_empty() {
        return None;
    }
    let text = format!(
        "the checks of the commit are not green: {}",
        wrong.join(", ")
    );
    Some(Refusal::new(Reason::ChecksNotGreen, text))
}

/// Two apps may give their checks one name; then both count.
fn wrong_of(name: &str, found: &[Check]) -> Vec<String> {
    let same: Vec<&Check> = found.iter().filter(|check| check.name == name).collect();
    match same.as_slice() {
        [] => vec![format!("`{}` is missing", short(name))],
        same => same.iter().filter_map(|check| wrong(check)).collect(),
    }
}

fn wrong_of_all(found: &[Check], run: Option<&str>) -> Vec<String> {
    let is_own = |check: &Check| run.is_some_and(|run| is_of_run(check, run));
    // The job that asks, as an earlier run of it on this commit is called too: were that one to
    // count, a deploy that failed could never be tried again.
    let asking: Vec<&str> = found
        .iter()
        .filter(|check| is_own(check) && check.state == CheckState::Pending)
        .map(|check| check.name.as_str())
        .collect();
    let others: Vec<&Check> = found
        .iter()
        .filter(|check| !is_own(check) && !asking.contains(&check.name.as_str()))
        .collect();
    if others.is_empty() {
        return vec!["there is none".to_owned()];
    }
    others.into_iter().filter_map(wrong).collect()
}

fn is_of_run(check: &Check, run: &str) -> bool {
    let rest = check.url.split_once("/actions/runs/").map(|(_, rest)| rest);
    rest.is_some_and(|rest| rest.split('/').next() == Some(run))
}

fn wrong(check: &Check) -> Option<String> {
    let how = match check.state {
        CheckState::Green => return None,
        CheckState::Pending => "is not done",
        CheckState::Red => "has failed",
    };
    Some(format!("`{}` {how}", short(&check.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, state: CheckState, run: &str) -> Check {
        Check {
            name: name.to_owned(),
            state,
            url: format!("https://github.com/o/r/actions/runs/{run}/job/5"),
        }
    }

    fn text(required: &RequiredChecks, found: &[Check]) -> Option<String> {
        refusal(required, found, Some("42")).map(|refusal| refusal.text)
    }

    #[test]
    fn a_named_check_must_be_there_and_green() {
        let named = |names: &[&str]| {
            RequiredChecks::Named(names.iter().map(|name| (*name).to_owned()).collect())
        };
        let found = [
            check("test", CheckState::Green, "1"),
            check("lint", CheckState::Pending, "1"),
            check("build", CheckState::Green, "1"),
            check("build", CheckState::Red, "2"),
        ];
        assert_eq!(text(&named(&["test"]), &found), None);
        assert_eq!(text(&RequiredChecks::Off, &found), None);
        let all = text(&named(&["test", "lint", "build", "Test"]), &found).unwrap();
        assert!(
            all.ends_with("`lint` is not done, `build` has failed, `Test` is missing"),
            "{all}"
        );
    }

    #[test]
    fn all_means_every_one_but_our_own() {
        let ours = check("deploy", CheckState::Pending, "42");
        let others = check("test", CheckState::Green, "1");
        let earlier = check("deploy", CheckState::Red, "41");
        let good = [ours.clone(), others.clone(), earlier];
        assert_eq!(text(&RequiredChecks::All, &good), None);
        let alone = text(&RequiredChecks::All, std::slice::from_ref(&ours)).unwrap();
        assert!(alone.ends_with("there is none"), "{alone}");
        let red = [ours, others, check("lint", CheckState::Red, "420")];
        assert!(
            text(&RequiredChecks::All, &red)
                .unwrap()
                .ends_with("`lint` has failed")
        );
    }
}

//! A workflow of GitHub's that uses this action, and what keeps it from working. Format: the workflow syntax of GitHub
//! Actions.

use yaml_serde::Value;

/// What the token needs, from the README's workflow.
const NEEDED: [(&str, &str); 3] = [
    ("contents", "read"),
    ("pull-requests", "write"),
    ("deployments", "write"),
];

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkflowFault {
    /// Nothing that the gate lets through starts it.
    NeverStarts,
    /// Its token lacks these, as `deployments: write`.
    Lacks(Vec<String>),
    /// No checkout comes before.
    NoCheckout,
}

/// The faults of a workflow; `None` for one that does not use this action.
pub fn faults(text: &str) -> Option<Vec<WorkflowFault>> {
    let root: Value = yaml_serde::from_str(text).ok()?;
    let jobs = root.get("jobs")?.as_mapping()?;
    let mut jobs = jobs.iter().map(|(_, job)| job);
    let (job, at) = jobs.find_map(|job| Some((job, our_step(job)?)))?;
    let mut found = Vec::new();
    if !starts(&root) {
        found.push(WorkflowFault::NeverStarts);
    }
    let permissions = job.get("permissions").or(root.get("permissions"));
    let lacks = permissions.map(lacking).unwrap_or_default();
    if !lacks.is_empty() {
        found.push(WorkflowFault::Lacks(lacks));
    }
    let before = steps(job).take(at);
    if !before
        .filter_map(uses)
        .any(|uses| uses.starts_with("actions/checkout"))
    {
        found.push(WorkflowFault::NoCheckout);
    }
    Some(found)
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    let steps = job.get("steps").and_then(Value::as_sequence);
    steps.into_iter().flatten()
}

fn uses(step: &Value) -> Option<&str> {
    step.get("uses")?.as_str()
}

fn our_step(job: &Value) -> Option<usize> {
    steps(job).position(|step| uses(step).is_some_and(|uses| uses.contains("pct-deploy")))
}

/// Whether a label or a person starts it.
fn starts(root: &Value) -> bool {
    // Some readers of YAML take the word for `true`.
    let Some(on) = root.get("on").or(root.get(Value::Bool(true))) else {
        return false;
    };
    let names = |name: &str| match on {
        Value::String(text) => text == name,
        Value::Sequence(list) => list.iter().any(|word| word.as_str() == Some(name)),
        other => other.get(name).is_some(),
    };
    let pull = on.get("pull_request");
    let types = pull.and_then(|pull| pull.get("types"));
    let labeled = match types {
        Some(Value::String(word)) => word == "labeled",
        Some(Value::Sequence(list)) => list.iter().any(|word| word.as_str() == Some("labeled")),
        // Without types it is opened, reopened and new commits.
        _ => false,
    };
    labeled || names("workflow_dispatch")
}

fn lacking(permissions: &Value) -> Vec<String> {
    let has = |name: &str, level: &str| match permissions {
        Value::String(word) => word == "write-all" || (word == "read-all" && level == "read"),
        map => {
            let given = map.get(name).and_then(Value::as_str);
            given.is_some_and(|given| given == level || given == "write")
        }
    };
    let lacks = NEEDED.into_iter().filter(|(name, level)| !has(name, level));
    lacks
        .map(|(name, level)| format!("{name}: {level}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../README.md");

    fn documented() -> String {
        let (_, text) = README.split_once("```yaml\nname: deploy\n").unwrap();
        text.split("```").next().unwrap().to_owned()
    }

    #[test]
    fn the_documented_workflow_has_no_fault_and_each_line_counts() {
        let text = documented();
        assert_eq!(faults(&text), Some(Vec::new()));
        let without = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            faults(&text.replace(from, to)).unwrap()
        };
        assert_eq!(
            without("types: [labeled]", "types: [opened]"),
            [WorkflowFault::NeverStarts]
        );
        assert_eq!(
            without("actions/checkout", "actions/cache"),
            [WorkflowFault::NoCheckout]
        );
        let lacks = |name: &str| WorkflowFault::Lacks(vec![name.to_owned()]);
        assert_eq!(
            without("deployments: write", "checks: read"),
            [lacks("deployments: write")]
        );
        assert_eq!(
            without("pull-requests: write", "pull-requests: read"),
            [lacks("pull-requests: write")]
        );
        assert_eq!(faults(&text.replace("pct-deploy-action", "other")), None);
        assert_eq!(faults("not: a workflow"), None);
    }

    #[test]
    fn a_workflow_that_is_started_by_hand_starts() {
        let text =
            documented().replace("pull_request:\n    types: [labeled]", "workflow_dispatch:");
        assert_eq!(faults(&text), Some(Vec::new()));
    }
}

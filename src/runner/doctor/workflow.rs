//! The workflows of the working directory that use this action.

use std::fs;

use crate::config::workflow::{WorkflowFault, faults};
use crate::protocol::doctor::{DoctorCheck, Examination};

const FOLDER: &str = ".github/workflows";

/// Reads them, when there are some.
pub(super) fn look(seen: &mut Examination) {
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|end| end == "yml" || end == "yaml")
    });
    paths.sort();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if let Some(found) = faults(&text) {
            note(seen, &path.display().to_string(), found);
        }
    }
}

fn note(seen: &mut Examination, name: &str, found: Vec<WorkflowFault>) {
    let mut never = Vec::new();
    let mut lacks = Vec::new();
    let mut blind = Vec::new();
    for fault in found {
        match fault {
            WorkflowFault::NeverStarts => never.push([
                format!(
                    "`{name}` starts neither when a label is set nor by hand, so it never deploys"
                ),
                "write `on: pull_request` with the type `labeled`, as in the README".to_owned(),
            ]),
            WorkflowFault::Lacks(permissions) => lacks.push([
                format!("the token of `{name}` lacks `{}`", permissions.join("`, `")),
                "add it under `permissions:`, as in the README".to_owned(),
            ]),
            WorkflowFault::NoCheckout => blind.push([
                format!("`{name}` checks nothing out before it deploys"),
                "put a step with `actions/checkout` before, as in the README".to_owned(),
            ]),
        }
    }
    seen.note(DoctorCheck::WorkflowNeverStarts, never);
    seen.note(DoctorCheck::WorkflowLacksPermission, lacks);
    seen.note(DoctorCheck::WorkflowLacksCheckout, blind);
}

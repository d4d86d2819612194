//! What the sandbox is.

use std::path::Path;
use std::process::Command;

/// A setting of the sandbox, from the environment or from the file that `scripts/sandbox` writes.
pub(crate) fn setting(name: &str) -> String {
    if let Ok(value) = std::env::var(name) {
        return value;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sandbox/env");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let prefix = format!("{name}=");
    let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
    value
        .unwrap_or_else(|| panic!("{name} is unknown: run `scripts/sandbox up --v1`"))
        .to_owned()
}

/// Runs a program that must succeed and returns what it printed.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The same, but how it ends does not matter.
pub(crate) fn try_run(program: &str, args: &[&str]) {
    drop(Command::new(program).args(args).output());
}

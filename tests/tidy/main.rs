//! The rules of the house, checked on the source: floors, fences, and documents that agree with the code.
//!
//! `UPDATE=1 cargo test --test tidy` rewrites what is generated: the inputs in `action.yml` and the
//! tables between the `settings:begin` and `settings:end` marks in `docs/settings.md` and `README.md`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end at the first surprise"
)]

mod checks;
#[path = "../hints/mod.rs"]
mod commands;
mod documents;
mod hints;
mod literals;
mod names;
mod prose;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every source file by its path below `src`, whole.
fn sources() -> BTreeMap<String, String> {
    let src = root().join("src");
    let name = |path: &Path| {
        path.strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    files(&src)
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The product's part of a file: without comments and without what comes after `#[cfg(test)]`.
fn product(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn is_test_file(name: &str) -> bool {
    ["_tests.rs", "/tests.rs"]
        .iter()
        .any(|end| name.ends_with(end))
        || name.contains("/tests/")
}

/// The floors that a folder may use beside its own.
fn below(floor: &str) -> &'static [&'static str] {
    match floor {
        "error" | "secret" | "random" => &[],
        "protocol" => &["error", "secret"],
        "config" => &["error", "secret", "protocol"],
        "clients" => &["error", "secret", "random", "protocol"],
        "host" => &["error", "secret", "random", "protocol", "clients"],
        // Reports speak of settings: both are on one floor, and config knows nothing of reports.
        "report" => &["error", "secret", "random", "protocol", "clients", "config"],
        "runner" => &[
            "error", "secret", "random", "protocol", "clients", "config", "report",
        ],
        "agent" => &["error", "secret", "protocol", "host"],
        "cli" => &[
            "error", "secret", "protocol", "clients", "config", "report", "host", "runner", "agent",
        ],
        other => panic!("`{other}` has no floor: add it here and to ARCHITECTURE.md"),
    }
}

#[test]
fn imports_only_go_down() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let floor = name.split(['/', '.']).next().unwrap();
        if matches!(floor, "lib" | "main") {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for rest in line.split("crate::").skip(1) {
                let used: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                if used.is_empty() {
                    wrong.push(format!(
                        "{name}:{}: write one path per `use crate::`",
                        index + 1
                    ));
                } else if used != floor && !below(floor).contains(&used.as_str()) {
                    wrong.push(format!(
                        "{name}:{}: `{floor}` must not use `{used}`",
                        index + 1
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports only go down a floor:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn each_outside_client_stays_behind_its_fence() {
    let fences: &[(&str, &[&str])] = &[
        ("bollard", &["clients/docker/", "runner/image/", "host/"]),
        ("openssh", &["runner/remote/"]),
        ("octocrab", &["clients/github/"]),
        ("reqwest", &["clients/"]),
        (
            "process::Command",
            &["clients/", "host/linux/", "runner/remote/"],
        ),
        (
            "env::var",
            &[
                "cli/environment.rs",
                "clients/environment.rs",
                "host/",
                "report/console.rs",
            ],
        ),
        ("yaml_serde", &["config/", "host/"]),
        ("clap", &["cli/"]),
    ];
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if is_test_file(&name) {
            continue;
        }
        let text = product(&text);
        for (word, allowed) in fences {
            let used = text.contains(&format!("{word}::"))
                || text.contains(&format!("use {word}"))
                || (word.contains("::") && text.contains(word));
            if used && !allowed.iter().any(|place| name.starts_with(place)) {
                wrong.push(format!(
                    "{name}: `{word}` belongs in {}",
                    allowed.join(", ")
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "a client has left its place:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn files_are_short_and_finished() {
    let mut wrong = Vec::new();
    let tests = files(&root().join("tests")).into_iter().map(|path| {
        let name = path
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    for (name, text) in sources().into_iter().chain(tests) {
        let lines = text.lines().count();
        if lines > 400 {
            wrong.push(format!("{name}: {lines} lines, split it"));
        }
        if name == "tests/tidy/main.rs" {
            continue;
        }
        for word in [
            "todo!(",
            "unimplemented!(",
            "#[ignore]",
            "dbg!(",
            "FIXME",
            "TODO",
        ] {
            if text.contains(word) {
                wrong.push(format!("{name}: `{word}` is left"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

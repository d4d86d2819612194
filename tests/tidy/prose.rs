//! What people read: line length, words that are ours alone, and the two READMEs beside each other.

use std::fs;
use std::path::PathBuf;

use crate::root;

/// The longest line of prose in a document.
const LINE: usize = 120;

/// Every document that a person writes.
fn documents() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["", "docs", "examples/hello", "examples/parking"] {
        let mut paths: Vec<PathBuf> = fs::read_dir(root().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "md"))
            .collect();
        paths.sort();
        for path in paths {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(found.len() > 10, "{} documents", found.len());
    found
}

/// The lines of a document that are neither code nor a table, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            return None;
        }
        let is_table = line.trim_start().starts_with('|');
        (!in_code && !is_table).then_some((at + 1, line))
    })
}

#[test]
fn prose_is_wrapped() {
    for (name, text) in documents() {
        for (at, line) in prose(&text) {
            let length = line.chars().count();
            let unbreakable = !line.trim().contains(' ');
            assert!(
                length <= LINE || unbreakable,
                "{name}:{at}: {length} characters"
            );
        }
    }
}

/// Words that mean something to its authors alone, or to no speaker of English.
#[test]
fn users_read_the_words_of_the_field() {
    let dialect = [
        "seed's",
        "the seed",
        "mend",
        "mended",
        "anew",
        "looks away",
        "look away",
        "befell",
        "people's",
    ];
    // The settings' descriptions are in the README.
    for (name, text) in documents() {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower
            .split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
            .collect();
        for phrase in dialect {
            let parts: Vec<&str> = phrase.split(' ').collect();
            let found = words.windows(parts.len()).any(|window| window == parts);
            assert!(!found, "{name}: `{phrase}`");
        }
    }
}

/// What a document is made of, without its generated parts: headings by level, code, tables by their rows.
fn skeleton(text: &str) -> Vec<String> {
    let (mut parts, mut code, mut generated, mut rows) = (Vec::new(), None::<usize>, false, 0);
    for line in text.lines() {
        if line.starts_with("<!-- ") {
            generated = line.contains(":begin");
            continue;
        }
        if line.starts_with("```") {
            match code.take() {
                Some(lines) => parts.push(format!("{lines} lines of code")),
                None => code = Some(0),
            }
            continue;
        }
        if let Some(lines) = &mut code {
            *lines += 1;
            continue;
        }
        if generated {
            continue;
        }
        if line.starts_with('|') {
            rows += 1;
            continue;
        }
        if rows > 0 {
            parts.push(format!("a table of {rows} rows"));
            rows = 0;
        }
        if line.starts_with('#') {
            let level = line.split(' ').next().unwrap_or_default();
            parts.push(level.to_owned());
        }
    }
    parts
}

#[test]
fn both_readmes_have_the_same_sections_tables_and_diagram() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let (english, korean) = (read("README.md"), read("README.ko.md"));
    let sorted = |text: &str| {
        let mut parts = skeleton(text);
        // The order of what is inside a section is the language's own.
        parts.sort();
        parts
    };
    assert_eq!(sorted(&english), sorted(&korean));
    let diagram = |text: &str| text.split("```").nth(1).unwrap_or_default().to_owned();
    assert!(
        diagram(&english).contains("bake"),
        "the first code is the diagram"
    );
    assert_eq!(diagram(&english), diagram(&korean));
}

//! What reports say is in one file a language.

use crate::{is_test_file, product, sources};

/// Where the languages' words are.
const WORDS: &str = "report/words/";

/// Some reports are always in English; beyond that nobody may ask which language it is.
fn chooses_by_language(line: &str) -> bool {
    let named = line.split("Language::").skip(1);
    let other = named.clone().any(|rest| !rest.starts_with("English"));
    let compares = ["=>", "==", "!=", "matches!", "if let", "let else"]
        .iter()
        .any(|sign| line.contains(sign));
    let asks = line.contains("match ") && line.contains("language");
    other || asks || (named.count() > 0 && compares)
}

#[test]
fn no_report_asks_which_language_it_is_in() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if !name.starts_with("report/") || name.starts_with(WORDS) || is_test_file(&name) {
            continue;
        }
        let text = product(&text);
        let lines = text.lines().filter(|line| chooses_by_language(line));
        wrong.extend(lines.map(|line| format!("{name}: {}", line.trim())));
    }
    assert!(
        wrong.is_empty(),
        "say it in src/{WORDS}:\n{}",
        wrong.join("\n")
    );
    for line in [
        "match language {",
        "    Language::Korean => 1,",
        "    (Language::English, 0) => 1,",
        "if language == Language::English {",
    ] {
        assert!(chooses_by_language(line), "{line}");
    }
    assert!(!chooses_by_language("let english = Language::English;"));
}

#[test]
fn korean_is_in_its_own_file_alone() {
    let is_hangul = |c: char| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}');
    let mut found = Vec::new();
    for (name, text) in sources() {
        if !is_test_file(&name) && product(&text).contains(is_hangul) {
            found.push(name);
        }
    }
    assert_eq!(found, [format!("{WORDS}ko.rs")]);
}

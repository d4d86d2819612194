//! A type's name is declared once in the crate, in tests too: whoever reads it, or searches for it, finds one type.

use std::collections::BTreeMap;

use crate::sources;

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn name_at_start(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// The type that a line declares, with or without a visibility.
fn declared(line: &str) -> Option<String> {
    let mut line = line.trim_start();
    if let Some(rest) = line.strip_prefix("pub") {
        line = match rest.strip_prefix('(') {
            Some(scope) => scope.split_once(')')?.1,
            None => rest,
        };
        line = line.trim_start();
    }
    line = line.strip_prefix("unsafe ").unwrap_or(line);
    ["struct ", "enum ", "union ", "trait ", "type "]
        .iter()
        .find_map(|word| line.strip_prefix(word))
        .map(name_at_start)
        .filter(|name| !name.is_empty())
}

/// Whether a block begins in which `type` means an associated type.
fn has_associated_types(line: &str) -> bool {
    let line = line.trim_start();
    let is_impl = line.starts_with("impl ") || line.starts_with("impl<");
    is_impl || (declared(line).is_some() && line.contains("trait ") && line.ends_with('{'))
}

/// The type that `macro!(Name, …)` or `macro! { Name { … } }` at the start of a line declares.
fn declared_by_macro(line: &str, after: &[&str]) -> Option<String> {
    let opened = line.strip_suffix("!(").or(line.strip_suffix("! {"))?;
    let is_call = opened.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let first = after
        .iter()
        .map(|line| line.trim_start())
        .find(|line| !line.starts_with("//") && !line.starts_with("#["))?;
    let name = name_at_start(first);
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase());
    let rest = &first[name.len()..];
    (is_call && is_name && (rest == "," || rest == " {")).then_some(name)
}

/// The types that a file declares, with their lines. Relies on the formatting of rustfmt.
fn types(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut block_with_associated = None;
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let is_associated =
            block_with_associated.is_some() && line.trim_start().starts_with("type ");
        let name = declared(line).or_else(|| declared_by_macro(line, &lines[at + 1..]));
        if let Some(name) = name.filter(|_| !is_associated) {
            found.push((name, at + 1));
        }
        if block_with_associated == Some(indent(line)) && line.trim() == "}" {
            block_with_associated = None;
        } else if block_with_associated.is_none()
            && has_associated_types(line)
            && !line.ends_with('}')
        {
            block_with_associated = Some(indent(line));
        }
    }
    found
}

#[test]
fn a_type_name_is_declared_once() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources() {
        for (name, line) in types(&text) {
            let place = format!("src/{file}:{line}");
            places.entry(name).or_default().push(place);
        }
    }
    assert!(places.contains_key("Plan") && places.contains_key("Repository"));
    let twice: Vec<String> = places
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("`{name}`: {}", places.join(", ")))
        .collect();
    assert!(
        twice.is_empty(),
        "say in the name what sets it apart:\n{}",
        twice.join("\n")
    );
}

#[test]
fn every_kind_of_declaration_is_seen() {
    let text = "\
pub struct Unit;
pub(super) enum Choice { A }
pub(in crate::agent) struct Generic<'a, H> {
}
type Alias<T> = Vec<T>;
pub(crate) trait Door {
    type Key: Clone;
}
impl<H> Door for Generic<'_, H>
where
    H: Sized,
{
    type Key = u8;

    fn open() {
        struct Inner;
    }
}
impl Door for Unit {}
mod tests {
    type InTests = u8;
}
checked_name!(
    /// A comment.
    ByCall,
    \"words\",
);
named! {
    #[derive(Debug)]
    ByBlock {
    }
}
languages! {
    English = \"en\",
}
";
    let names: Vec<String> = types(text).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "Unit", "Choice", "Generic", "Alias", "Door", "Inner", "InTests", "ByCall", "ByBlock"
        ]
    );
}

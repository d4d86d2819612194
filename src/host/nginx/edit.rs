//! The edit of the user's own lines after which the flag decides: requests are passed on to a variable of ours, an
//! include of ours sets it, and the file that named the slot names that include instead.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::lexer::{Kind, NginxToken, tokens};
use super::statements::of_files;
use super::switch_file::{SwitchFile, Through};
use crate::protocol::ids::AppName;

/// The first line of a file of the user's that named a slot: where the include is that decides now.
const POINTER: &str = "# pct-deploy include ";

/// The include that a switch file names since it was edited.
pub fn pointed_to(text: &str) -> Option<&str> {
    let line = text.strip_prefix(POINTER)?.lines().next()?;
    line.starts_with('/').then_some(line)
}

/// What has to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchEdit {
    /// The variable that the include has to set.
    pub variable: String,
    /// In the order in which they can be written; the switch file is the last one.
    pub files: Vec<EditedFile>,
}

/// A file of the user's, as it is and as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    pub path: String,
    pub before: String,
    pub after: String,
}

/// Lines that are not ours to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEdit {
    #[error("nothing passes requests on to what `{0}` says")]
    Unused(String),
    #[error("`{said};` in `{file}` changes the path, which a variable cannot do there")]
    Path { file: String, said: String },
    #[error("`{0};` in it is more than the address of a slot")]
    More(String),
    #[error("`{0};` in it sends requests elsewhere, too")]
    Elsewhere(String),
}

/// The configuration whose lines are changed.
#[derive(Debug)]
pub struct EditedSite<'a> {
    /// Every file that nginx reads with its text, in nginx's order.
    pub files: &'a [(String, String)],
    /// The file that names the live slot.
    pub switch: &'a str,
    /// Where the include will be.
    pub include: &'a str,
    pub app: &'a AppName,
}

type Edits = BTreeMap<String, BTreeMap<(usize, usize), String>>;

impl EditedSite<'_> {
    /// Finds what has to be changed for a switch file that names slots in this way.
    pub fn edit(&self, found: &SwitchFile) -> Result<SwitchEdit, NoEdit> {
        let variable = self.variable();
        let heads = self.heads(found)?;
        let mut edits = Edits::new();
        self.passed(&heads, &variable, &mut edits)?;
        if edits.is_empty() {
            return Err(NoEdit::Unused(self.switch.to_owned()));
        }
        self.removed(found, &mut edits)?;
        edits
            .entry(self.switch.to_owned())
            .or_default()
            .insert((0, 0), format!("{POINTER}{}\n", self.include));
        let mut files: Vec<EditedFile> = edits
            .iter()
            .filter_map(|(path, edits)| {
                let before = self.text(path)?;
                Some(EditedFile {
                    path: path.clone(),
                    before: before.to_owned(),
                    after: changed(before, edits),
                })
            })
            .collect();
        files.sort_by_key(|file| file.path == self.switch);
        Ok(SwitchEdit { variable, files })
    }

    fn text(&self, path: &str) -> Option<&str> {
        let file = self.files.iter().find(|(name, _)| name == path)?;
        Some(&file.1)
    }

    /// One that nobody uses.
    fn variable(&self) -> String {
        let letters = self.app.as_str().chars();
        let plain: String = letters
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let mut variable = format!("$pct_to_{plain}");
        while self.files.iter().any(|(_, text)| text.contains(&variable)) {
            variable.push('_');
        }
        variable
    }

    /// How `proxy_pass` begins where it passes requests on to the live slot, and whether the rest is a path of its own:
    /// with a variable it always was.
    fn heads(&self, found: &SwitchFile) -> Result<BTreeMap<String, Head>, NoEdit> {
        let mut heads = BTreeMap::new();
        for place in found.places() {
            let scheme = if place.has_scheme { "" } else { "http://" };
            match &place.through {
                Through::Set(_) | Through::Map(_) if !place.rest.is_empty() => {
                    return Err(NoEdit::More(place.statement.clone()));
                }
                Through::Set(variable) | Through::Map(variable) => {
                    let name = variable.trim_start_matches('$');
                    heads.insert(format!("{scheme}${name}"), Head::Variable);
                    heads.insert(format!("{scheme}${{{name}}}"), Head::Variable);
                }
                Through::Upstream(name) => {
                    heads.insert(format!("http://{name}"), Head::Static);
                }
                Through::Passed(address) => {
                    heads.insert(address.clone(), Head::Static);
                }
                Through::Redirected => return Err(NoEdit::More(place.statement.clone())),
            }
        }
        Ok(heads)
    }

    /// Every `proxy_pass` to the live slot goes to the variable, which the include sets in the `server` block.
    fn passed(
        &self,
        heads: &BTreeMap<String, Head>,
        variable: &str,
        edits: &mut Edits,
    ) -> Result<(), NoEdit> {
        let mut open: Vec<(&str, NginxToken)> = Vec::new();
        for (file, token) in of_files(self.files) {
            match token.kind {
                Kind::Open => open.push((file, token)),
                Kind::Close => drop(open.pop()),
                Kind::Simple => {
                    let target = token.words.get(1).filter(|_| token.is("proxy_pass"));
                    let found = target.and_then(|word| {
                        let (head, kind) =
                            heads.iter().find(|(head, _)| begins(&word.text, head))?;
                        Some((word, *kind, word.text.get(head.len()..)?))
                    });
                    let server = open.iter().rfind(|(_, block)| block.is("server"));
                    let (Some((word, head, rest)), Some((in_file, server))) = (found, server)
                    else {
                        continue;
                    };
                    let location = open.iter().rfind(|(_, block)| block.is("location"));
                    let before = rewritten(head, rest, location.map(|(_, block)| block));
                    let Some(before) = before else {
                        return Err(NoEdit::Path {
                            file: file.to_owned(),
                            said: token.said(),
                        });
                    };
                    let rest = if rest.contains('$') || head == Head::Variable {
                        rest
                    } else {
                        ""
                    };
                    let of_file = edits.entry(file.to_owned()).or_default();
                    of_file.insert(pair(&word.at), format!("{variable}{rest}"));
                    if !before.is_empty() {
                        of_file.insert((token.at.start, token.at.start), before);
                    }
                    let line = self.include_line(in_file, server.at.end);
                    let of_file = edits.entry((*in_file).to_owned()).or_default();
                    of_file.insert((server.at.end, server.at.end), line);
                }
            }
        }
        Ok(())
    }

    /// The include as the first line of a block that begins before `at`.
    fn include_line(&self, file: &str, at: usize) -> String {
        let after = self
            .text(file)
            .and_then(|text| text.get(at..))
            .unwrap_or_default();
        let blank = after.trim_start_matches([' ', '\t', '\r']);
        let indent = blank.strip_prefix('\n').map(|lines| {
            let lines = lines.trim_start_matches(['\r', '\n']);
            let end = lines.find(|c| c != ' ' && c != '\t').unwrap_or(0);
            lines.get(..end).unwrap_or_default()
        });
        match indent {
            Some(indent) => format!("\n{indent}include {};", self.include),
            None => format!(" include {};", self.include),
        }
    }

    /// What named the slot goes: statements, and whole blocks that were there for that.
    fn removed(&self, found: &SwitchFile, edits: &mut Edits) -> Result<(), NoEdit> {
        let places: BTreeSet<usize> = found.places().iter().map(|place| place.at.start).collect();
        let text = self.text(self.switch).unwrap_or_default();
        let mut open: Option<(NginxToken, bool)> = None;
        let mut elsewhere = None;
        for token in tokens(text) {
            let names = places.range(token.at.clone()).next().is_some();
            match (token.kind, &mut open) {
                (Kind::Open, _) if token.is("upstream") || token.is("map") => {
                    open = Some((token, false));
                    elsewhere = None;
                }
                (Kind::Simple, None) if names && token.is("set") => {
                    remove(self.switch, text, token.at, edits);
                }
                (Kind::Simple, Some((block, names_slot))) => {
                    *names_slot |= names;
                    if !names && block.is("upstream") && token.is("server") {
                        elsewhere = Some(token.said());
                    }
                }
                (Kind::Close, Some((block, names_slot))) => {
                    if *names_slot {
                        if let Some(said) = elsewhere.take() {
                            return Err(NoEdit::Elsewhere(said));
                        }
                        remove(self.switch, text, block.at.start..token.at.end, edits);
                    }
                    open = None;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What `proxy_pass` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Variable,
    Static,
}

/// Whether an address begins with this one, and does not go on with it.
fn begins(text: &str, head: &str) -> bool {
    let rest = text.strip_prefix(head).map(|rest| rest.chars().next());
    rest.is_some_and(|next| next.is_none_or(|next| matches!(next, '/' | '?' | '$')))
}

/// What has to stand before a `proxy_pass` that had a path of its own; `None` where nothing would do.
fn rewritten(head: Head, rest: &str, location: Option<&NginxToken>) -> Option<String> {
    if head == Head::Variable || rest.is_empty() || rest.contains('$') {
        return Some(String::new());
    }
    let words: Vec<&str> = location?
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let prefix = match words.as_slice() {
        ["location", prefix] | ["location", "^~", prefix] if prefix.starts_with('/') => *prefix,
        _ => return None,
    };
    if prefix == rest {
        return Some(String::new());
    }
    let is_plain = |text: &str| {
        let mut letters = text.chars();
        letters.all(|c| c.is_ascii_alphanumeric() || "/-_.~".contains(c))
    };
    if !is_plain(prefix) || !is_plain(rest) {
        return None;
    }
    let escaped = prefix.replace('.', "\\.");
    Some(format!("rewrite ^{escaped}(.*)$ {rest}$1 break; "))
}

fn pair(at: &Range<usize>) -> (usize, usize) {
    (at.start, at.end)
}

/// With the line, when nothing else stands in it.
fn remove(file: &str, text: &str, at: Range<usize>, edits: &mut Edits) {
    let before = text.get(..at.start).unwrap_or_default();
    let after = text.get(at.end..).unwrap_or_default();
    let line = before.trim_end_matches([' ', '\t']);
    let rest = after.trim_start_matches([' ', '\t', '\r']);
    let is_alone =
        (line.is_empty() || line.ends_with('\n')) && (rest.is_empty() || rest.starts_with('\n'));
    let at = if is_alone {
        let end = text.len() - rest.len();
        line.len()..(end + usize::from(!rest.is_empty()))
    } else {
        at
    };
    edits
        .entry(file.to_owned())
        .or_default()
        .insert(pair(&at), String::new());
}

fn changed(text: &str, edits: &BTreeMap<(usize, usize), String>) -> String {
    let mut changed = String::new();
    let mut from = 0;
    for ((start, end), new) in edits {
        changed.push_str(text.get(from..*start).unwrap_or_default());
        changed.push_str(new);
        from = *end;
    }
    changed.push_str(text.get(from..).unwrap_or_default());
    changed
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;

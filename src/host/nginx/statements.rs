//! nginx's syntax, as far as it takes to know which statement is in which block.
//!
//! `nginx -T` prints one file after the other; [`blocks`] puts what is included back where it is included.

use super::glob;

/// No configuration nests includes deeper; nginx itself has no such limit and needs none.
const DEEPEST: u32 = 16;

/// A block, or the whole configuration: what it says itself, and the blocks in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) words: Vec<String>,
    pub(super) statements: Vec<Vec<String>>,
    pub(super) blocks: Vec<Self>,
}

impl Block {
    /// Whether one of its own statements includes the file.
    pub(super) fn includes(&self, file: &str) -> bool {
        self.statements.iter().any(|words| {
            matches!(words.as_slice(), [name, path] if name == "include" && glob::matches(path, file))
        })
    }

    /// Every block of this name in it, however deep.
    pub(super) fn all(&self, name: &str) -> Vec<&Self> {
        let mut found = Vec::new();
        for block in &self.blocks {
            if is(&block.words, name) {
                found.push(block);
            }
            found.extend(block.all(name));
        }
        found
    }
}

/// Whether words are a statement, or begin a block, of this name.
pub(super) fn is(words: &[String], name: &str) -> bool {
    words.first().is_some_and(|word| word == name)
}

/// A configuration as `nginx -T` prints it, in the order nginx reads it. An `include` stands beside what it includes,
/// but for the file `unread`.
pub(super) fn blocks(config: &str, unread: &str) -> Block {
    let mut open = vec![Block::default()];
    for statement in statements(config, unread) {
        match statement {
            Statement::Open(words) => open.push(Block {
                words,
                ..Block::default()
            }),
            Statement::Simple(words) => {
                if let Some(block) = open.last_mut() {
                    block.statements.push(words);
                }
            }
            Statement::Close => close(&mut open),
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().unwrap_or_default()
}

fn close(open: &mut Vec<Block>) {
    if open.len() > 1
        && let Some(block) = open.pop()
        && let Some(outer) = open.last_mut()
    {
        outer.blocks.push(block);
    }
}

fn statements(config: &str, unread: &str) -> Vec<Statement> {
    let mut files = files(config);
    files.retain(|(name, _)| name.is_empty() || *name != unread);
    let mut all = Vec::new();
    if let Some((name, first)) = files.first() {
        let prefix = name.rsplit_once('/').map_or(PREFIX, |(folder, _)| folder);
        read(&files, prefix, first, DEEPEST, &mut all);
    }
    all
}

/// Every simple statement of a text but the one that sets `variable`, and every block by its first words.
pub fn statements_beside(text: &str, variable: &str) -> Vec<String> {
    let other = |statement: Statement| match statement {
        Statement::Simple(words) => {
            let sets =
                matches!(words.as_slice(), [set, name, _] if set == "set" && name == variable);
            (!sets).then(|| words.join(" "))
        }
        Statement::Open(words) => Some(words.join(" ")),
        Statement::Close => None,
    };
    Statements::new(text).filter_map(other).collect()
}

/// The text of each statement without its comments' ends and its `;`, and where it begins; what a block holds counts.
pub(super) fn statements_at(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let skipped = rest.len() - rest.trim_start().len();
            let start = at + skipped;
            let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
            if rest.starts_with('#') {
                at = start + rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            let end = rest.find([';', '{', '}', '#']).unwrap_or(rest.len());
            // A comment begins where a word could; it is looked at when its turn comes.
            let is_comment = rest.get(end..).is_some_and(|end| end.starts_with('#'));
            at = start + end + usize::from(!is_comment);
            if end > 0 {
                return Some((start, rest.get(..end).unwrap_or_default()));
            }
        }
    })
}

/// The files of a dump by name, in its order; a text without headers is one file.
pub(super) fn files(config: &str) -> Vec<(&str, &str)> {
    let mut files = Vec::new();
    let mut rest = config;
    let mut name = "";
    loop {
        let header = rest.match_indices(HEADER).map(|(at, _)| at);
        let next = header
            .filter(|at| *at == 0 || rest.get(..*at).is_some_and(|before| before.ends_with('\n')))
            .find_map(|at| {
                let line = rest.get(at..)?.lines().next()?;
                let name = line.strip_prefix(HEADER)?.strip_suffix(':')?;
                Some((at, line.len(), name))
            });
        let end = next.map_or(rest.len(), |(at, _, _)| at);
        let text = rest.get(..end).unwrap_or_default();
        if !name.is_empty() || !text.trim().is_empty() {
            files.push((name, text));
        }
        let Some((at, len, found)) = next else {
            return files;
        };
        name = found;
        rest = rest.get(at + len..).unwrap_or_default();
    }
}

const HEADER: &str = "# configuration file ";
/// The folder of nginx's first file, where a text does not say it.
const PREFIX: &str = "/etc/nginx";

/// `prefix` is the folder of the first file, where relative names begin.
fn read(files: &[(&str, &str)], prefix: &str, text: &str, depth: u32, all: &mut Vec<Statement>) {
    for mut statement in Statements::new(text) {
        let included = match &mut statement {
            Statement::Simple(words) => match words.as_mut_slice() {
                [name, path] if name == "include" => {
                    if !path.starts_with('/') {
                        *path = format!("{prefix}/{path}");
                    }
                    Some(path.clone())
                }
                _ => None,
            },
            Statement::Open(_) | Statement::Close => None,
        };
        all.push(statement);
        let Some(path) = included.filter(|_| depth > 0) else {
            continue;
        };
        for (_, text) in files.iter().filter(|(name, _)| glob::matches(&path, name)) {
            read(files, prefix, text, depth - 1, all);
        }
    }
}

/// One statement, its words without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Statement {
    Open(Vec<String>),
    Simple(Vec<String>),
    Close,
}

/// Splits a configuration into statements, minding quotes and comments.
struct Statements<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl<'a> Statements<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
        }
    }

    fn quoted(&mut self, quote: char) -> String {
        let mut word = String::new();
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => word.extend(self.rest.next()),
                c if c == quote => break,
                c => word.push(c),
            }
        }
        word
    }
}

impl Iterator for Statements<'_> {
    type Item = Statement;

    fn next(&mut self) -> Option<Statement> {
        let mut words: Vec<String> = Vec::new();
        let mut word = String::new();
        while let Some(c) = self.rest.next() {
            let ends_word = matches!(c, ';' | '{' | '}' | '#') || c.is_whitespace();
            // `${name}` is part of a word.
            let brace_of_variable = c == '{' && word.ends_with('$');
            if ends_word && !brace_of_variable {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                match c {
                    ';' => return Some(Statement::Simple(words)),
                    '{' => return Some(Statement::Open(words)),
                    '}' => return Some(Statement::Close),
                    '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                    _ => {}
                }
                continue;
            }
            match c {
                '"' | '\'' if word.is_empty() => words.push(self.quoted(c)),
                c => word.push(c),
            }
            if brace_of_variable {
                for c in self.rest.by_ref() {
                    word.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_included_stands_where_it_is_included() {
        let dump = "# configuration file /etc/nginx/nginx.conf:\nhttp { include conf.d/*.conf; a 1; }\n\n\
                    # configuration file /etc/nginx/conf.d/x.conf:\nserver { include /x.inc; }\n\n\
                    # configuration file /x.inc:\nset $a b;\n";
        assert_eq!(files(dump).len(), 3);
        let text: Vec<String> = statements(dump, "")
            .into_iter()
            .map(|statement| match statement {
                Statement::Open(words) => format!("{}{{", words.join(" ")),
                Statement::Simple(words) => words.join(" "),
                Statement::Close => "}".to_owned(),
            })
            .collect();
        assert_eq!(
            text,
            [
                "http{",
                "include /etc/nginx/conf.d/*.conf",
                "server{",
                "include /x.inc",
                "set $a b",
                "}",
                "a 1",
                "}"
            ]
        );
    }
}

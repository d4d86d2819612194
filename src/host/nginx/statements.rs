//! Which statement of a configuration is in which block.
//!
//! `nginx -T` prints one file after the other; [`blocks`] puts what is included back where it is included.

use super::glob;
use super::lexer::{Kind, NginxToken, tokens};

/// No configuration nests includes deeper; nginx itself has no such limit and needs none.
const DEEPEST: u32 = 16;

/// A block, or the whole configuration: what it says itself, and the blocks in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) words: Vec<String>,
    /// The file that it begins in.
    pub(super) file: String,
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

    /// Whether a statement in it, however deep, includes the file.
    pub(super) fn includes_somewhere(&self, file: &str) -> bool {
        self.includes(file)
            || self
                .blocks
                .iter()
                .any(|block| block.includes_somewhere(file))
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
    for (file, token) in statements(config, unread) {
        let words = token.words.into_iter().map(|word| word.text).collect();
        match token.kind {
            Kind::Open => open.push(Block {
                words,
                file: file.to_owned(),
                ..Block::default()
            }),
            Kind::Simple => {
                if let Some(block) = open.last_mut() {
                    block.statements.push(words);
                }
            }
            Kind::Close => close(&mut open),
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

/// Each with the file that it stands in; the paths of includes are absolute.
fn statements<'a>(config: &'a str, unread: &str) -> Vec<(&'a str, NginxToken)> {
    let mut files = files(config);
    files.retain(|(name, _)| name.is_empty() || *name != unread);
    NginxDump::read_all(files)
}

/// The statements of files by name, in nginx's order; what is included stands where it is included.
pub(super) fn of_files(files: &[(String, String)]) -> Vec<(&str, NginxToken)> {
    let files = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    NginxDump::read_all(files.collect())
}

/// Every simple statement of a text but the one that sets `variable`, and every block by its first words.
pub fn statements_beside(text: &str, variable: &str) -> Vec<String> {
    let other = |token: NginxToken| {
        let sets = token.kind == Kind::Simple
            && matches!(token.words.as_slice(), [set, name, _] if set.text == "set" && name.text == variable);
        (!sets && token.kind != Kind::Close).then(|| token.said())
    };
    tokens(text).filter_map(other).collect()
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

struct NginxDump<'a> {
    files: Vec<(&'a str, &'a str)>,
    /// The folder of the first file, where relative names begin.
    prefix: &'a str,
}

impl<'a> NginxDump<'a> {
    fn read_all(files: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, NginxToken)> {
        let mut all = Vec::new();
        if let Some((name, text)) = files.first().copied() {
            let prefix = name.rsplit_once('/').map_or(PREFIX, |(folder, _)| folder);
            Self { files, prefix }.read(name, text, DEEPEST, &mut all);
        }
        all
    }

    fn read(&self, file: &'a str, text: &str, depth: u32, all: &mut Vec<(&'a str, NginxToken)>) {
        for mut token in tokens(text) {
            let mut included = None;
            if let (Kind::Simple, [name, path]) = (token.kind, token.words.as_mut_slice())
                && name.text == "include"
            {
                if !path.text.starts_with('/') {
                    path.text = format!("{}/{}", self.prefix, path.text);
                }
                included = Some(path.text.clone());
            }
            all.push((file, token));
            let Some(path) = included.filter(|_| depth > 0) else {
                continue;
            };
            let named = |(name, _): &&(&str, &str)| glob::matches(&path, name);
            for (file, text) in self.files.iter().filter(named) {
                self.read(file, text, depth - 1, all);
            }
        }
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
            .map(|(_, token)| match token.kind {
                Kind::Open => format!("{}{{", token.said()),
                Kind::Simple => token.said(),
                Kind::Close => "}".to_owned(),
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

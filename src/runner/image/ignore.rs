//! Which files of a build context are sent: the rules of `.dockerignore`.
//!
//! They differ from `.gitignore`: patterns are relative to the context's root, the last match
//! wins, and a file below a matched folder is matched too. The rules are those of
//! `moby/patternmatcher`, which the docker CLI uses.

use std::path::{Component, Path};

/// The patterns of one ignore file, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct IgnoreFile {
    rules: Vec<Rule>,
}

/// A pattern that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: `{pattern}` is not a pattern")]
pub(super) struct InvalidPattern {
    line: usize,
    pattern: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    effect: Effect,
    tokens: Vec<Token>,
    /// The part before the first wildcard.
    literal: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Exclude,
    Include,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    One(char),
    /// `?`: any character but `/`.
    Any,
    /// `*`: any run without `/`.
    Run,
    /// `**/`: any number of folders.
    Folders,
    /// `**` at the end, or before a name at the very start: any run.
    Everything,
    /// `[a-z]`
    Class {
        negated: Negated,
        ranges: Vec<(char, char)>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Negated {
    Yes,
    No,
}

/// Whether a path is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Sent,
    Ignored,
}

impl IgnoreFile {
    /// Reads the text of an ignore file.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let rules = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty())
            .map(|(index, line)| {
                Rule::parse(line.trim()).ok_or_else(|| InvalidPattern {
                    line: index + 1,
                    pattern: line.trim().to_owned(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// What happens to a path, written relative to the root and with `/`.
    pub(super) fn verdict(&self, path: &str) -> Verdict {
        let mut verdict = Verdict::Sent;
        for rule in &self.rules {
            let outcome = match rule.effect {
                Effect::Exclude => Verdict::Ignored,
                Effect::Include => Verdict::Sent,
            };
            if outcome != verdict && with_parents(path).any(|path| rule.matches(path)) {
                verdict = outcome;
            }
        }
        verdict
    }

    /// Whether a `!` pattern may bring back something below an ignored folder.
    pub(super) fn may_send_below(&self, folder: &str) -> bool {
        let below = format!("{folder}/");
        self.rules.iter().any(|rule| match rule.effect {
            Effect::Exclude => false,
            Effect::Include => {
                let has_wildcard = rule.literal.chars().count() < rule.tokens.len();
                rule.literal.starts_with(&below)
                    || (has_wildcard && below.starts_with(&rule.literal))
            }
        })
    }
}

/// A path and every folder above it, outermost first.
fn with_parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/')
        .filter_map(|(end, _)| path.get(..end))
        .chain([path])
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let (effect, pattern) = match line.strip_prefix('!') {
            Some(rest) => (Effect::Include, rest.trim()),
            None => (Effect::Exclude, line),
        };
        if pattern.is_empty() {
            return None;
        }
        let tokens = tokens(&clean(pattern))?;
        let literal = tokens
            .iter()
            .map_while(|token| match token {
                Token::One(c) => Some(*c),
                Token::Any
                | Token::Run
                | Token::Folders
                | Token::Everything
                | Token::Class { .. } => None,
            })
            .collect();
        Some(Self {
            effect,
            tokens,
            literal,
        })
    }

    /// Walks all ways to match at once, so that no pattern takes exponential time.
    fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        // `at[i]`: the tokens so far can match the first `i` characters.
        let mut at = vec![false; path.len() + 1];
        if let Some(start) = at.first_mut() {
            *start = true;
        }
        for token in &self.tokens {
            at = token.step(&at, &path);
        }
        at.last().copied().unwrap_or(false)
    }
}

impl Token {
    fn step(&self, at: &[bool], path: &[char]) -> Vec<bool> {
        let mut next = vec![false];
        let mut seen = at.first().copied().unwrap_or(false);
        match self {
            Self::Run | Self::Everything | Self::Folders => next = vec![seen],
            Self::One(_) | Self::Any | Self::Class { .. } => {}
        }
        for (index, c) in path.iter().enumerate() {
            let before = at.get(index).copied().unwrap_or(false);
            let here = at.get(index + 1).copied().unwrap_or(false);
            let reached = match self {
                Self::One(wanted) => before && c == wanted,
                Self::Any => before && *c != '/',
                Self::Class { negated, ranges } => {
                    let inside = ranges.iter().any(|(low, high)| (low..=high).contains(&c));
                    before && inside == (*negated == Negated::No)
                }
                Self::Run => here || (*c != '/' && next.last().copied().unwrap_or(false)),
                Self::Everything => here || next.last().copied().unwrap_or(false),
                Self::Folders => here || (*c == '/' && seen),
            };
            seen = seen || here;
            next.push(reached);
        }
        next
    }
}

/// `filepath.Clean` of Go, and without a leading `/`.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // Above a root there is nothing.
            ".." if pattern.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let token = match c {
            '*' if rest.next_if_eq(&'*').is_some() => {
                let slash = rest.next_if_eq(&'/');
                if rest.peek().is_none() || (tokens.is_empty() && slash.is_none()) {
                    Token::Everything
                } else {
                    Token::Folders
                }
            }
            '*' => Token::Run,
            '?' => Token::Any,
            '[' => class(&mut rest)?,
            '\\' => Token::One(rest.next()?),
            c => Token::One(c),
        };
        tokens.push(token);
    }
    Some(tokens)
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = match rest.next_if_eq(&'^') {
        Some(_) => Negated::Yes,
        None => Negated::No,
    };
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next()? {
            ']' if !ranges.is_empty() => return Some(Token::Class { negated, ranges }),
            ']' | '-' => return None,
            '\\' => rest.next()?,
            c => c,
        };
        let high = match rest.next_if_eq(&'-') {
            None => low,
            Some(_) => match rest.next()? {
                ']' => return None,
                '\\' => rest.next()?,
                c => c,
            },
        };
        ranges.push((low, high));
    }
}

/// A path below the root with `/`; `None` when it leaves the root.
pub(super) fn relative(path: &Path) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(text: &str, path: &str) -> bool {
        IgnoreFile::parse(text).unwrap().verdict(path) == Verdict::Ignored
    }

    /// The table in Docker's documentation of `.dockerignore`.
    #[test]
    fn the_documented_examples() {
        let text = "# comment\n*/temp*\n*/*/temp*\ntemp?\n";
        for path in [
            "somedir/temporary.txt",
            "somedir/temp",
            "somedir/subdir/temporary.txt",
            "tempa",
            "tempb",
        ] {
            assert!(ignored(text, path), "{path}");
        }
        for path in ["temp", "temporary.txt", "a/b/c/temp", "# comment"] {
            assert!(!ignored(text, path), "{path}");
        }
        assert!(ignored("**/*.go", "main.go") && ignored("**/*.go", "a/b/main.go"));
        let text = "*.md\n!README.md";
        assert!(ignored(text, "x.md") && !ignored(text, "README.md"));
        let text = "*.md\n!README*.md\nREADME-secret.md";
        assert!(ignored(text, "README-secret.md") && !ignored(text, "README-a.md"));
        let text = "*.md\nREADME-secret.md\n!README*.md";
        assert!(!ignored(text, "README-secret.md"));
    }

    /// From the tests of moby/patternmatcher.
    #[test]
    fn the_matcher_agrees_with_the_original() {
        for (pattern, path, wanted) in [
            ("**", "file", true),
            ("**", "file/", true),
            ("**/", "dir/file", true),
            ("dir/**", "dir/file", true),
            ("dir/**", "dir", false),
            ("dir/**", "dir/dir2/file", true),
            ("**/dir", "dir/file", true),
            ("**/dir2/*", "dir/dir2/file", true),
            ("**/dir2/**", "dir/dir2/dir2/file", true),
            ("**file", "dir/file", true),
            ("**file", "dir/dir/otherfile", true),
            ("**/file", "dir/otherfile", false),
            ("**/file*", "dir/file.txt", true),
            ("**/file*txt", "dir/dir/file.txt", true),
            ("**/**/*.txt", "dir/dir/file.txt", true),
            ("**/**/*.txt2", "dir/dir/file.txt", false),
            ("**/*.txt", "file.txt", true),
            ("a**/*.txt", "a/file.txt", true),
            ("a**/*.txt", "a/dir/dir/file.txt", true),
            ("a[b-d]e", "ace", true),
            ("a[b-d]e", "aae", false),
            ("a[^b-d]e", "aze", true),
            (".*", ".foo", true),
            (".*", "foo", false),
            ("abc.def", "abcdef", false),
            ("abc?def", "abc/def", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("**/foo/bar", "a/b/foo/bar", true),
            ("abc/**", "abc/def/ghi", true),
            ("**/.foo", "bar/.foo", true),
            ("a(b)c/def", "a(b)c/def", true),
            ("*", "a/b", true),
            ("/docs", "docs/x", true),
            ("./docs/", "docs/x", true),
            ("a/../docs", "docs", true),
            ("docs", "a/docs", false),
        ] {
            assert_eq!(
                ignored(pattern, path.trim_end_matches('/')),
                wanted,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn an_exception_reaches_into_an_ignored_folder() {
        let file = IgnoreFile::parse("*\n!src\n! build/libs/*.jar").unwrap();
        assert_eq!(file.verdict("src/main/A.java"), Verdict::Sent);
        assert_eq!(file.verdict("build/libs/app.jar"), Verdict::Sent);
        assert_eq!(file.verdict("build/libs"), Verdict::Ignored);
        assert!(file.may_send_below("build") && file.may_send_below("build/libs"));
        assert!(!file.may_send_below("node_modules"));
        assert!(
            IgnoreFile::parse("a\n!**/keep")
                .unwrap()
                .may_send_below("a/b")
        );
        assert!(!IgnoreFile::parse("a").unwrap().may_send_below("a"));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_named_by_its_line() {
        for bad in ["ok\n[", "ok\n!", "ok\n[]a]", "ok\na\\"] {
            assert_eq!(IgnoreFile::parse(bad).unwrap_err().line, 2, "{bad}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = format!("{}b", "*a".repeat(30));
        assert!(!ignored(&pattern, &"a".repeat(200)));
    }
}

//! Which files of a build context are sent: the rules of `.dockerignore`.
//!
//! They differ from `.gitignore`: patterns are relative to the context's root, the last match
//! wins, and a file below a matched folder is matched too. The rules are those of
//! `moby/patternmatcher`, which the docker CLI uses.

use std::path::{Component, Path};

use super::pattern::Pattern;

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
    pattern: Pattern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Exclude,
    Include,
}

/// Whether a path is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inclusion {
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
    pub(super) fn verdict(&self, path: &str) -> Inclusion {
        let mut verdict = Inclusion::Sent;
        for rule in &self.rules {
            let outcome = match rule.effect {
                Effect::Exclude => Inclusion::Ignored,
                Effect::Include => Inclusion::Sent,
            };
            if outcome != verdict && rule.pattern.covers(path) {
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
            Effect::Include => rule.pattern.may_match_below(&below),
        })
    }
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
        let pattern = Pattern::parse(pattern)?;
        Some(Self { effect, pattern })
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
        IgnoreFile::parse(text).unwrap().verdict(path) == Inclusion::Ignored
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
        assert_eq!(file.verdict("src/main/A.java"), Inclusion::Sent);
        assert_eq!(file.verdict("build/libs/app.jar"), Inclusion::Sent);
        assert_eq!(file.verdict("build/libs"), Inclusion::Ignored);
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

    /// A monorepo with everything in it: the rules must not cost more than reading the folders.
    #[test]
    fn forty_thousand_paths_and_forty_rules_are_soon_decided() {
        let rules: String = (0..10)
            .map(|n| format!("**/build-{n}\n*.tmp{n}\nlib{n}/**/*.class\n!lib{n}/keep*\n"))
            .collect();
        let file = IgnoreFile::parse(&rules).unwrap();
        let began = std::time::Instant::now();
        let mut sent = 0;
        for n in 0..40_000 {
            let path = format!(
                "packages/part-{}/node_modules/some-module/dist/file-{n}.js",
                n % 97
            );
            sent += usize::from(file.verdict(&path) == Inclusion::Sent);
        }
        assert_eq!(sent, 40_000);
        // Unoptimised and on a busy machine; the way before took ten times as long.
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_secs(12), "{took:?}");
    }
}

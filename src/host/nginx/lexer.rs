//! nginx's syntax: words, and the statements and blocks that they make, each with its place in the text.

use std::ops::Range;

/// A word without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NginxWord {
    pub(super) text: String,
    /// Where it stands, quotes included.
    pub(super) at: Range<usize>,
}

/// What a statement's words come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// They end with `;`.
    Simple,
    /// They begin a block.
    Open,
    /// No words: a block ends.
    Close,
}

/// A statement, the beginning of a block, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NginxToken {
    pub(super) kind: Kind,
    pub(super) words: Vec<NginxWord>,
    /// From its first word to the sign that ends it.
    pub(super) at: Range<usize>,
}

impl NginxToken {
    /// Whether its first word is this one.
    pub(super) fn is(&self, name: &str) -> bool {
        self.words.first().is_some_and(|word| word.text == name)
    }

    /// Its words, one blank between them.
    pub(super) fn said(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }
}

/// The statements of a text, as nginx tells them apart; one that has no end is left out.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = NginxToken> {
    Lexer { text, at: 0 }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Goes past blanks and comments.
    fn skip(&mut self) {
        while let Some(c) = self.peek() {
            if c == '#' {
                let rest = self.text.get(self.at..).unwrap_or_default();
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if c.is_ascii_whitespace() {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// What a backslash, which is read, and the next letter stand for.
    fn escaped(&mut self, word: &mut String) {
        match self.take() {
            Some(c @ ('"' | '\'' | '\\')) => word.push(c),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            Some(c) => word.extend(['\\', c]),
            None => word.push('\\'),
        }
    }

    fn quoted(&mut self, quote: char) -> String {
        let mut word = String::new();
        self.at += 1;
        while let Some(c) = self.take() {
            match c {
                '\\' => self.escaped(&mut word),
                c if c == quote => break,
                c => word.push(c),
            }
        }
        word
    }

    fn bare(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek() {
            // `${name}` is part of a word.
            let is_variable = c == '{' && word.ends_with('$');
            if c.is_ascii_whitespace() || c == ';' || (c == '{' && !is_variable) {
                break;
            }
            self.at += c.len_utf8();
            if c == '\\' {
                self.escaped(&mut word);
            } else {
                word.push(c);
            }
        }
        word
    }
}

impl Iterator for Lexer<'_> {
    type Item = NginxToken;

    fn next(&mut self) -> Option<NginxToken> {
        let mut words: Vec<NginxWord> = Vec::new();
        loop {
            self.skip();
            let start = self.at;
            let kind = match self.peek()? {
                ';' => Some(Kind::Simple),
                '{' => Some(Kind::Open),
                '}' => Some(Kind::Close),
                _ => None,
            };
            if let Some(kind) = kind {
                self.at += 1;
                let first = words.first().map_or(start, |word| word.at.start);
                return Some(NginxToken {
                    kind,
                    words,
                    at: first..self.at,
                });
            }
            let text = match self.peek()? {
                quote @ ('"' | '\'') => self.quoted(quote),
                _ => self.bare(),
            };
            words.push(NginxWord {
                text,
                at: start..self.at,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_they_do_for_nginx() {
        let text = "# a; {\nset $x  'a; b';location ~ \"^/\\\"a{2}\\.\" { proxy_pass http://${up}/#x; } # }\nreturn \
                    200\n  a\\\\b; no end";
        let found: Vec<(Kind, String)> = tokens(text)
            .map(|token| {
                let words: Vec<&str> = token.words.iter().map(|word| word.text.as_str()).collect();
                (token.kind, words.join("|"))
            })
            .collect();
        let expected = [
            (Kind::Simple, "set|$x|a; b"),
            (Kind::Open, "location|~|^/\"a{2}\\."),
            (Kind::Simple, "proxy_pass|http://${up}/#x"),
            (Kind::Close, ""),
            (Kind::Simple, "return|200|a\\b"),
        ];
        assert_eq!(
            found,
            expected.map(|(kind, words)| (kind, words.to_owned()))
        );
        for token in tokens(text) {
            let at = text.get(token.at.clone()).unwrap();
            assert!(at.ends_with([';', '{', '}']), "{at}");
            for word in token.words {
                assert!(at.contains(text.get(word.at).unwrap()));
            }
        }
    }
}

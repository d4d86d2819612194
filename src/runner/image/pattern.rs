//! One pattern of an ignore file, made ready to be asked about many paths.
//!
//! A path is walked once, with every place in the pattern where a match may have got to: never exponential time, and
//! none once no place is left.

/// A pattern of `.dockerignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
    /// The part before the first wildcard.
    literal: String,
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
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// `None` for what is no pattern.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let tokens = tokens(&clean(text))?;
        let literal = tokens
            .iter()
            .map_while(|token| match token {
                Token::One(c) => Some(*c),
                _ => None,
            })
            .collect();
        Some(Self { tokens, literal })
    }

    /// Whether it matches a path or a folder above it.
    pub(super) fn covers(&self, path: &str) -> bool {
        if !path.starts_with(&self.literal) {
            return false;
        }
        let (mut places, mut next) = (MatchPositions::default(), MatchPositions::default());
        places.add(&self.tokens, 0);
        let mut rest = path;
        loop {
            if places.before.is_empty() {
                // Most patterns are here for most of a path: among the folders of `**/`, or nowhere.
                let is_among = !places.among.is_empty();
                let Some(slash) = rest.find('/').filter(|_| is_among) else {
                    return false;
                };
                rest = rest.get(slash..).unwrap_or_default();
            }
            let is_matched = places.before.last() == Some(&self.tokens.len());
            let mut chars = rest.chars();
            match chars.next() {
                None => return is_matched,
                Some('/') if is_matched => return true,
                Some(c) => places.step(&self.tokens, c, &mut next),
            }
            rest = chars.as_str();
            std::mem::swap(&mut places, &mut next);
        }
    }

    /// Whether it may match something below a folder, written with a `/` at its end.
    pub(super) fn may_match_below(&self, below: &str) -> bool {
        let has_wildcard = self.literal.chars().count() < self.tokens.len();
        self.literal.starts_with(below) || (has_wildcard && below.starts_with(&self.literal))
    }
}

/// Where in a pattern a match may have got to, in order.
#[derive(Default)]
struct MatchPositions {
    /// The tokens that come next; their number is the end of the pattern.
    before: Vec<usize>,
    /// Each `**/` that a `/` is needed to get out of.
    among: Vec<usize>,
}

impl MatchPositions {
    /// Adds a place, and those behind it that need no character.
    fn add(&mut self, tokens: &[Token], first: usize) {
        for place in first..=tokens.len() {
            self.before.push(place);
            match tokens.get(place) {
                Some(Token::Run | Token::Everything) => {}
                Some(Token::Folders) => self.among.push(place),
                _ => return,
            }
        }
    }

    /// Makes `next` the places behind one more character.
    fn step(&self, tokens: &[Token], c: char, next: &mut Self) {
        next.before.clear();
        next.among.clone_from(&self.among);
        for place in &self.before {
            match tokens.get(*place) {
                Some(Token::Run) if c == '/' => {}
                Some(Token::Run | Token::Everything) => next.add(tokens, *place),
                Some(token) if token.is(c) => next.add(tokens, place + 1),
                _ => {}
            }
        }
        if c == '/' {
            for place in &self.among {
                next.add(tokens, place + 1);
            }
        }
        for places in [&mut next.before, &mut next.among] {
            places.sort_unstable();
            places.dedup();
        }
    }
}

impl Token {
    /// Whether it is this one character.
    fn is(&self, c: char) -> bool {
        match self {
            Self::One(wanted) => c == *wanted,
            Self::Any => c != '/',
            Self::Class { is_negated, ranges } => {
                let inside = ranges.iter().any(|(low, high)| (low..=high).contains(&&c));
                inside != *is_negated
            }
            Self::Run | Self::Folders | Self::Everything => false,
        }
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
    let is_negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next()? {
            ']' if !ranges.is_empty() => return Some(Token::Class { is_negated, ranges }),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        /// The places and the plain way are the same.
        #[test]
        fn both_ways_agree(
            pattern in "([ab/*?é]|\\*\\*/|\\*\\*|\\[a-b\\]|\\[\\^a\\]){1,12}",
            path in "[abcé]{1,3}(/[abcé]{0,3}){0,4}",
        ) {
            let Some(pattern) = Pattern::parse(&pattern) else { return Ok(()) };
            let plain = with_parents(&path).any(|path| walk(&pattern, path));
            prop_assert_eq!(pattern.covers(&path), plain);
        }
    }

    /// A path and every folder above it, outermost first.
    fn with_parents(path: &str) -> impl Iterator<Item = &str> {
        path.match_indices('/')
            .filter_map(|(end, _)| path.get(..end))
            .chain([path])
    }

    /// All ways to match at once, token by token.
    fn walk(pattern: &Pattern, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        // `at[i]`: the tokens so far can match the first `i` characters.
        let mut at = vec![false; path.len() + 1];
        at[0] = true;
        for token in &pattern.tokens {
            at = step(token, &at, &path);
        }
        at[path.len()]
    }

    fn step(token: &Token, at: &[bool], path: &[char]) -> Vec<bool> {
        let mut next = vec![false];
        let mut seen = at.first().copied().unwrap_or(false);
        match token {
            Token::Run | Token::Everything | Token::Folders => next = vec![seen],
            Token::One(_) | Token::Any | Token::Class { .. } => {}
        }
        for (index, c) in path.iter().enumerate() {
            let before = at.get(index).copied().unwrap_or(false);
            let here = at.get(index + 1).copied().unwrap_or(false);
            let reached = match token {
                Token::One(_) | Token::Any | Token::Class { .. } => before && token.is(*c),
                Token::Run => here || (*c != '/' && next.last().copied().unwrap_or(false)),
                Token::Everything => here || next.last().copied().unwrap_or(false),
                Token::Folders => here || (*c == '/' && seen),
            };
            seen = seen || here;
            next.push(reached);
        }
        next
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        for stars in [30, 300] {
            let pattern = Pattern::parse(&format!("{}b", "*a".repeat(stars))).unwrap();
            assert!(!pattern.covers(&"a".repeat(1000)));
        }
    }

    #[test]
    fn a_long_pattern_still_matches() {
        let name = "x".repeat(200);
        let pattern = Pattern::parse(&format!("**/{name}*")).unwrap();
        assert!(pattern.covers(&format!("a/{name}y/z")) && !pattern.covers("a/xy"));
    }
}

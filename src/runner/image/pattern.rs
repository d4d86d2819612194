//! One pattern of an ignore file, made ready to be asked about many paths.
//!
//! A path is walked once, whatever the pattern: a word of bits holds every place in the pattern where a match may
//! have got to ("bit-parallel simulation", Baeza-Yates and Gonnet 1992). So a pattern costs nothing once no way is
//! left, and never exponential time.

/// A pattern of `.dockerignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
    /// The part before the first wildcard.
    literal: String,
    /// `None` when the pattern is too long for it; then the tokens are walked one by one.
    machine: Option<Box<Machine>>,
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
                Token::Any
                | Token::Run
                | Token::Folders
                | Token::Everything
                | Token::Class { .. } => None,
            })
            .collect();
        let machine = Machine::new(&tokens).map(Box::new);
        Some(Self {
            tokens,
            literal,
            machine,
        })
    }

    /// Whether it matches a path or a folder above it.
    pub(super) fn covers(&self, path: &str) -> bool {
        match &self.machine {
            Some(machine) => machine.covers(path),
            None => with_parents(path).any(|path| self.walk(path)),
        }
    }

    /// Whether it may match something below a folder, written with a `/` at its end.
    pub(super) fn may_match_below(&self, below: &str) -> bool {
        let has_wildcard = self.literal.chars().count() < self.tokens.len();
        self.literal.starts_with(below) || (has_wildcard && below.starts_with(&self.literal))
    }

    /// The plain way: all ways to match at once, token by token.
    fn walk(&self, path: &str) -> bool {
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

/// A path and every folder above it, outermost first.
fn with_parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/')
        .filter_map(|(end, _)| path.get(..end))
        .chain([path])
}

/// The places of a pattern as bits: bit 0 is before its first token.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Machine {
    /// From which places each ASCII character leads to the next place.
    moves: [u128; 128],
    /// What leads on by one character, for every other character.
    steps: Vec<(u32, Token)>,
    /// Where any character but `/` may be passed over.
    stays_in_name: u128,
    /// Where any character may be passed over.
    stays: u128,
    /// From where nothing is needed to get one place on, or two.
    skips_one: u128,
    skips_two: u128,
    /// Where folders are passed over: only a `/` leads out.
    folders: u128,
    /// The place after the last token.
    end: u128,
}

impl Machine {
    fn new(tokens: &[Token]) -> Option<Self> {
        let mut machine = Self {
            moves: [0; 128],
            steps: Vec::new(),
            stays_in_name: 0,
            stays: 0,
            skips_one: 0,
            skips_two: 0,
            folders: 0,
            end: 0,
        };
        let mut place = 0;
        for token in tokens {
            let here = bit(place)?;
            match token {
                Token::One(_) | Token::Any | Token::Class { .. } => {
                    machine.steps.push((place, token.clone()));
                    place += 1;
                }
                Token::Run => {
                    machine.skips_one |= here;
                    place += 1;
                    machine.stays_in_name |= bit(place)?;
                }
                Token::Everything => {
                    machine.skips_one |= here;
                    place += 1;
                    machine.stays |= bit(place)?;
                }
                // A place of its own in which folders are passed over, until a `/` leads out of it.
                Token::Folders => {
                    machine.skips_one |= here;
                    machine.skips_two |= here;
                    machine.stays |= bit(place + 1)?;
                    machine.folders |= bit(place + 1)?;
                    machine.steps.push((place + 1, Token::One('/')));
                    place += 2;
                }
            }
        }
        machine.end = bit(place)?;
        for (code, moves) in (0_u8..).zip(&mut machine.moves) {
            *moves = leading_on(&machine.steps, char::from(code));
        }
        Some(machine)
    }

    fn covers(&self, path: &str) -> bool {
        let mut at = self.skip(1);
        let mut rest = path;
        loop {
            if at & !self.folders == 0 {
                // Most patterns are here for most of a path.
                let Some(slash) = rest.find('/') else {
                    return false;
                };
                rest = rest.get(slash..).unwrap_or_default();
            }
            let mut chars = rest.chars();
            let Some(c) = chars.next() else {
                return at & self.end != 0;
            };
            rest = chars.as_str();
            if c == '/' && at & self.end != 0 {
                return true;
            }
            let moves = match self.moves.get(c as usize) {
                Some(moves) => *moves,
                None => leading_on(&self.steps, c),
            };
            let stays = if c == '/' {
                self.stays
            } else {
                self.stays | self.stays_in_name
            };
            at = self.skip(((at & moves) << 1) | (at & stays));
        }
    }

    /// With every place that is reached without a character.
    fn skip(&self, mut at: u128) -> u128 {
        loop {
            let more = at | ((at & self.skips_one) << 1) | ((at & self.skips_two) << 2);
            if more == at {
                return at;
            }
            at = more;
        }
    }
}

fn bit(place: u32) -> Option<u128> {
    1_u128.checked_shl(place)
}

/// The places from which a character leads on.
fn leading_on(steps: &[(u32, Token)], c: char) -> u128 {
    let fits = steps.iter().filter(|(_, token)| token.is(c));
    fits.filter_map(|(place, _)| bit(*place))
        .fold(0, |all, one| all | one)
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
                Self::One(_) | Self::Any | Self::Class { .. } => before && self.is(*c),
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

        /// The quick way and the plain way are the same.
        #[test]
        fn both_ways_agree(
            pattern in "([ab/*?é]|\\*\\*/|\\*\\*|\\[a-b\\]|\\[\\^a\\]){1,12}",
            path in "[abcé]{1,3}(/[abcé]{0,3}){0,4}",
        ) {
            let Some(pattern) = Pattern::parse(&pattern) else { return Ok(()) };
            prop_assert!(pattern.machine.is_some());
            let plain = with_parents(&path).any(|path| pattern.walk(path));
            prop_assert_eq!(pattern.covers(&path), plain);
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        for stars in [30, 300] {
            let pattern = Pattern::parse(&format!("{}b", "*a".repeat(stars))).unwrap();
            assert_eq!(pattern.machine.is_some(), stars == 30);
            assert!(!pattern.covers(&"a".repeat(1000)));
        }
    }

    #[test]
    fn a_long_pattern_still_matches() {
        let name = "x".repeat(200);
        let pattern = Pattern::parse(&format!("**/{name}*")).unwrap();
        assert!(pattern.machine.is_none());
        assert!(pattern.covers(&format!("a/{name}y/z")) && !pattern.covers("a/xy"));
    }
}

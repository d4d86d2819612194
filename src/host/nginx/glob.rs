//! The patterns of an `include` directive, as glob(7) has them: nginx asks the C library.

/// Whether a path is one of those that a pattern names. No wildcard stands for a `/`, nor for a dot at the beginning of a
/// name.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (patterns, names) = (pattern.split('/'), path.split('/'));
    patterns.clone().count() == names.clone().count()
        && patterns.zip(names).all(|(pattern, name)| {
            let is_hidden = name.starts_with('.') && !pattern.starts_with(['.', '\\']);
            !is_hidden && is_one(pattern, name)
        })
}

fn is_one(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    let mut left = name.chars();
    match (rest.next(), left.next()) {
        (None, next) => next.is_none(),
        (Some('*'), None) => is_one(rest.as_str(), ""),
        (Some('*'), Some(_)) => is_one(rest.as_str(), name) || is_one(pattern, left.as_str()),
        (Some(_), None) => false,
        (Some('?'), Some(_)) => is_one(rest.as_str(), left.as_str()),
        (Some('['), Some(letter)) => match set(rest.as_str()) {
            Some((set, rest)) => set.has(letter) && is_one(rest, left.as_str()),
            // Without an end it is a letter like any other.
            None => letter == '[' && is_one(rest.as_str(), left.as_str()),
        },
        (Some('\\'), Some(letter)) => {
            rest.next() == Some(letter) && is_one(rest.as_str(), left.as_str())
        }
        (Some(wanted), Some(letter)) => wanted == letter && is_one(rest.as_str(), left.as_str()),
    }
}

/// What stands between `[` and `]`.
struct Set<'a> {
    letters: &'a str,
    is_negated: bool,
}

/// The set at the beginning of a text, whose `[` is read, and what comes after it.
fn set(text: &str) -> Option<(Set<'_>, &str)> {
    let letters = text.strip_prefix(['!', '^']).unwrap_or(text);
    let is_negated = letters.len() < text.len();
    // A `]` that comes first is one of the letters.
    let first = letters.chars().next()?.len_utf8();
    let end = first + letters.get(first..)?.find(']')?;
    let set = Set {
        letters: letters.get(..end)?,
        is_negated,
    };
    Some((set, letters.get(end + 1..)?))
}

impl Set<'_> {
    fn has(&self, letter: char) -> bool {
        let letters: Vec<char> = self.letters.chars().collect();
        let mut rest = letters.as_slice();
        let mut found = false;
        while let [first, tail @ ..] = rest {
            rest = match tail {
                ['-', last, after @ ..] => {
                    found |= (*first..=*last).contains(&letter);
                    after
                }
                _ => {
                    found |= *first == letter;
                    tail
                }
            };
        }
        found != self.is_negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_what_the_c_library_finds() {
        for (pattern, path) in [
            ("/etc/nginx/conf.d/*.conf", "/etc/nginx/conf.d/a.conf"),
            ("/etc/nginx/*/*.conf", "/etc/nginx/conf.d/a.conf"),
            (
                "/etc/nginx/*.d/*-url.*",
                "/etc/nginx/conf.d/service-url.inc",
            ),
            ("/etc/nginx/sites/?0-[a-c]*", "/etc/nginx/sites/10-back"),
            ("/etc/nginx/sites/[!.]*", "/etc/nginx/sites/site"),
            ("/etc/nginx/[]x]", "/etc/nginx/]"),
            ("/etc/nginx/a[-z]", "/etc/nginx/a-"),
            ("/etc/nginx/a[", "/etc/nginx/a["),
            ("/etc/nginx/a\\*", "/etc/nginx/a*"),
            ("/etc/nginx/.*", "/etc/nginx/.hidden"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/etc/nginx/*", "/etc/nginx/conf.d/a.conf"),
            ("/etc/nginx/*", "/etc/nginx/.a.conf"),
            ("/etc/nginx/?", "/etc/nginx/"),
            ("/etc/nginx/[^a]", "/etc/nginx/a"),
            ("/etc/nginx/[a-c]", "/etc/nginx/d"),
            ("/etc/nginx/a\\*", "/etc/nginx/ab"),
            ("/etc/nginx/*.conf", "/etc/nginx/a.conf.bak"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }
}

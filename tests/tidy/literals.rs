//! The strings of a source file.

/// The string literals of a file.
pub(crate) fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, after) = rest.split_at(at);
        rest = if after.starts_with("//") {
            after.split_once('\n').map_or("", |(_, next)| next)
        } else if let Some(next) = after.strip_prefix('/') {
            next
        } else if let Some(character) = after.strip_prefix('\'') {
            after_character(character)
        } else {
            let (literal, next) = string(&after[1..], before.ends_with("r#"));
            let unquoted = literal.replace("\\\"", "\"");
            found.push(unquoted.replace("\\\\", "\\"));
            next
        };
    }
    found
}

/// What comes behind a character, or a lifetime, from behind its first quote on.
fn after_character(text: &str) -> &str {
    let length = match text.strip_prefix('\\') {
        Some(escaped) => escaped[1..].find('\'').map(|end| end + 2),
        None => text.chars().next().map(char::len_utf8),
    };
    let end = length.filter(|end| text[*end..].starts_with('\''));
    end.map_or(text, |end| &text[end + 1..])
}

/// A string without its quotes, from behind the first on, and what comes after it.
fn string(text: &str, is_raw: bool) -> (&str, &str) {
    if is_raw {
        return text.split_once("\"#").unwrap();
    }
    let mut escaped = false;
    let end = text.find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    });
    let (literal, rest) = text.split_at(end.unwrap());
    (literal, &rest[1..])
}

#[test]
fn strings_are_told_from_characters_and_comments() {
    let text =
        "/* it */ // \"no\"\nlet a = 'x'; fn f<'a>() { g(\"one `x` \\\" two\", '\"', r#\"`y`\"#) }";
    assert_eq!(literals(text), ["one `x` \" two", "`y`"]);
}

//! Cuts text before its secrets are hidden. Half a secret would not be found, and shown: what is cut keeps whole words.

/// The text when it has at most `most` bytes; else its first whole words, and a mark that it was cut.
pub fn whole_words(text: &str, most: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    // With the character behind it, which may be what ends the last word.
    let room = most.saturating_sub(" ".len() + MARK.len());
    let kept = text
        .char_indices()
        .take_while(|(at, _)| *at <= room)
        .filter(|(_, c)| c.is_whitespace())
        .last()
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or_default()
        .trim_end();
    match kept {
        "" => MARK.to_owned(),
        kept => format!("{kept} {MARK}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_ends_with_a_whole_word_and_keeps_its_bounds() {
        assert_eq!(whole_words("one two", 7), "one two");
        assert_eq!(whole_words("one two three", 11), "one two …");
        assert_eq!(whole_words("one two three", 10), "one …");
        assert_eq!(whole_words("onetwothree", 9), "…");
        let secret = "s3cr3t".repeat(10);
        for before in 0..120 {
            let line = format!("{}가 {secret} end", "x".repeat(before));
            let kept = whole_words(&line, 100);
            assert!(kept.len() <= 100, "{before}");
            assert_eq!(
                kept.contains("s3"),
                kept.contains(&secret),
                "{before}: {kept}"
            );
        }
    }
}

//! How a line looks, and when a file is damaged.
//!
//! A line is `<16 hex digits> <JSON>\n`; the digits are the first 8 bytes of SHA-256 over the JSON text.
//! The JSON is `{"seq":N,"at_ms":M,"what":{…}}` with `seq` counting from 1. A last line that is
//! incomplete or does not match its sum was torn by a crash in the middle of an append and counts as never written. Anything
//! wrong before the last line is damage, which is never repaired by guessing.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::entry::{Entry, JOURNAL_VERSION};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    at_ms: u64,
    what: Entry,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::agent) struct Read {
    pub(in crate::agent) entries: Vec<Entry>,
    /// Bytes from the start that are good; what follows was torn.
    pub(in crate::agent) good: usize,
}

/// A journal that must not be acted on.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(in crate::agent) enum Damaged {
    /// A line before the last one does not match its sum, or is not ours.
    #[error("line {0} is damaged")]
    Line(usize),
    /// The numbers do not count from 1 without gaps.
    #[error("line {0} is out of sequence")]
    Sequence(usize),
    /// Written by another version.
    #[error("it has version {0}, this binary reads version {JOURNAL_VERSION}")]
    Version(u32),
}

/// One entry as a line.
pub(in crate::agent) fn encode(
    seq: u64,
    at_ms: u64,
    what: &Entry,
) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(&Line {
        seq,
        at_ms,
        what: what.clone(),
    })?;
    Ok(format!("{} {json}\n", sum(&json)))
}

/// Reads a whole file.
pub(in crate::agent) fn decode(bytes: &[u8]) -> Result<Read, Damaged> {
    let mut entries = Vec::new();
    let mut good = 0;
    let mut rest = bytes;
    while !rest.is_empty() {
        let number = entries.len() + 1;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = match end {
            Some(end) => (
                rest.get(..end).unwrap_or_default(),
                rest.get(end + 1..).unwrap_or_default(),
            ),
            None => (rest, [].as_slice()),
        };
        let parsed = end.and_then(|_| parse(line));
        match parsed {
            Some(line) if line.seq != number as u64 => return Err(Damaged::Sequence(number)),
            Some(line) => entries.push(line.what),
            None if after.is_empty() && !hides_a_line(line) => return Ok(Read { entries, good }),
            None => return Err(Damaged::Line(number)),
        }
        good = bytes.len() - after.len();
        rest = after;
    }
    match entries.first() {
        Some(Entry::Begun(begun)) if begun.version != JOURNAL_VERSION => {
            Err(Damaged::Version(begun.version))
        }
        Some(_) | None => Ok(Read { entries, good }),
    }
}

fn parse(line: &[u8]) -> Option<Line> {
    let text = std::str::from_utf8(line).ok()?;
    let (digits, json) = text.split_once(' ')?;
    (digits == sum(json)).then(|| serde_json::from_str(json).ok())?
}

/// Whether a bad line ends in a good one: then the end of a line was damaged, and nothing was torn.
fn hides_a_line(line: &[u8]) -> bool {
    (1..line.len()).any(|at| line.get(at..).and_then(parse).is_some())
}

fn sum(json: &str) -> String {
    Sha256::digest(json)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::step::Step;

    fn file(entries: &[Entry]) -> Vec<u8> {
        let lines = entries.iter().enumerate();
        lines
            .map(|(n, entry)| encode(n as u64 + 1, 5, entry).unwrap())
            .collect::<String>()
            .into()
    }

    fn three() -> Vec<Entry> {
        vec![
            Entry::Done {
                step: Step::PullImage,
            },
            Entry::Committed,
            Entry::Finished,
        ]
    }

    #[test]
    fn entries_read_back() {
        let bytes = file(&three());
        assert_eq!(
            decode(&bytes),
            Ok(Read {
                entries: three(),
                good: bytes.len()
            })
        );
        assert_eq!(
            decode(b""),
            Ok(Read {
                entries: Vec::new(),
                good: 0
            })
        );
    }

    #[test]
    fn a_torn_last_line_was_never_written_wherever_it_was_torn() {
        let (two, all) = (file(&three()[..2]), file(&three()));
        for cut in two.len()..all.len() {
            assert_eq!(
                decode(&all[..cut]),
                Ok(Read {
                    entries: three()[..2].to_vec(),
                    good: two.len()
                }),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn one_flipped_bit_before_the_last_line_is_damage() {
        let all = file(&three());
        let last = file(&three()[..2]).len();
        for at in 0..last {
            let mut bytes = all.clone();
            bytes[at] ^= 1;
            assert!(decode(&bytes).is_err(), "bit at {at}");
        }
    }

    #[test]
    fn a_missing_line_is_out_of_sequence() {
        let all = file(&three());
        let second = file(&three()[..1]).len()..file(&three()[..2]).len();
        let without = [&all[..second.start], &all[second.end..]].concat();
        assert_eq!(decode(&without), Err(Damaged::Sequence(2)));
    }
}

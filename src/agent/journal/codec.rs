//! How a line looks, when a file is damaged, and when it is another version's.
//!
//! A line is `<16 hex digits> <JSON>\n`; the digits are the first 8 bytes of SHA-256 over the JSON text. The first line
//! is the [`JournalHeader`]: it names the version of what follows, so it is read first and leniently. The others are
//! `{"seq":N,"at_ms":M,"what":{…}}` with `seq` counting from 1. Version 1 had no head ([`super::upgrade`]).
//!
//! A last line that is incomplete or does not match its sum was torn by a crash in the middle of an append and counts
//! as never written. Anything wrong before the last line is damage, which is never repaired by guessing. A line that
//! matches its sum was written whole: when it cannot be read, another version wrote it, and it is never torn.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::entry::{Entry, JOURNAL_VERSION};
use super::upgrade::FromOne;
use crate::agent::writer::Writer;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalLine {
    seq: u64,
    at_ms: u64,
    what: Entry,
}

/// The first line: readable by every version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::agent) struct JournalHeader {
    pub(in crate::agent) version: u32,
    /// The number of the run.
    pub(in crate::agent) run: u64,
    /// Unknown in version 1.
    pub(in crate::agent) written_by: Option<Writer>,
}

impl JournalHeader {
    /// The head of what we write.
    pub(in crate::agent) fn ours(run: u64, written_by: Writer) -> Self {
        Self {
            version: JOURNAL_VERSION,
            run,
            written_by: Some(written_by),
        }
    }

    /// What a first line tells, whatever else is in it. One that is an entry already is of version 1, unless it says
    /// otherwise.
    fn of(first: &Value) -> Self {
        let body = first.get("what").unwrap_or(first);
        let number = |key| body.get(key).and_then(Value::as_u64);
        let version = number("version").and_then(|version| u32::try_from(version).ok());
        let written_by = first.get("written_by").cloned();
        Self {
            version: version.unwrap_or_default(),
            run: number("run").or(number("fence")).unwrap_or_default(),
            written_by: written_by.and_then(|writer| serde_json::from_value(writer).ok()),
        }
    }
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::agent) struct Read {
    /// `None` for a file without one whole line.
    pub(in crate::agent) head: Option<JournalHeader>,
    pub(in crate::agent) entries: Vec<Entry>,
    /// Bytes from the start that are good; what follows was torn.
    pub(in crate::agent) good: usize,
    upgrade: FromOne,
}

/// A journal that must not be acted on.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub(in crate::agent) enum Unreadable {
    /// A line before the last one does not match its sum, or is not ours.
    #[error("line {0} is damaged")]
    Line(usize),
    /// The numbers do not count from 1 without gaps.
    #[error("line {0} is out of sequence")]
    Sequence(usize),
    /// Written whole, by a version that we cannot read.
    #[error("line {line} cannot be read: {why}")]
    OtherVersion {
        head: JournalHeader,
        line: usize,
        why: String,
    },
}

/// The head as a line.
pub(in crate::agent) fn encode_head(head: &JournalHeader) -> Result<String, serde_json::Error> {
    Ok(with_sum(&serde_json::to_string(head)?))
}

/// One entry as a line.
pub(in crate::agent) fn encode(
    seq: u64,
    at_ms: u64,
    what: &Entry,
) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(&JournalLine {
        seq,
        at_ms,
        what: what.clone(),
    })?;
    Ok(with_sum(&json))
}

/// Reads a whole file.
pub(in crate::agent) fn decode(bytes: &[u8]) -> Result<Read, Unreadable> {
    let mut read = Read::default();
    let (mut rest, mut number) = (bytes, 0);
    while !rest.is_empty() {
        number += 1;
        let (line, after) = first_line(rest);
        match line.strip_suffix(b"\n").and_then(whole) {
            Some(json) => read.take(number, json)?,
            None if after.is_empty() && !hides_a_line(line) => return Ok(read),
            None => return Err(Unreadable::Line(number)),
        }
        read.good = bytes.len() - after.len();
        rest = after;
    }
    Ok(read)
}

/// The number of the run and the host's time of its first entry, whichever version wrote the file: what closed
/// journals are ordered by. `None` when not even that can be read.
pub(in crate::agent) fn order(bytes: &[u8]) -> Option<(u64, u64)> {
    let (head, rest) = first_line(bytes);
    let value = |line: &[u8]| serde_json::from_str::<Value>(whole(line.trim_ascii_end())?).ok();
    let head = value(head)?;
    let at_ms = |value: &Value| value.get("at_ms").and_then(Value::as_u64);
    let began = at_ms(&head).or_else(|| at_ms(&value(first_line(rest).0)?))?;
    Some((JournalHeader::of(&head).run, began))
}

impl Read {
    fn take(&mut self, number: usize, json: &str) -> Result<(), Unreadable> {
        let other = |head: &JournalHeader, why: String| Unreadable::OtherVersion {
            head: head.clone(),
            line: number,
            why,
        };
        let value = || serde_json::from_str::<Value>(json).unwrap_or_default();
        let head = match &self.head {
            Some(head) => head,
            None => {
                let first = value();
                let head = self.head.insert(JournalHeader::of(&first));
                match (head.version, first.get("seq").is_some()) {
                    (JOURNAL_VERSION, false) => return Ok(()),
                    (1, true) => {}
                    (version, _) => return Err(other(head, format!("format {version}"))),
                }
                head
            }
        };
        let line: Result<JournalLine, _> = if head.version == 1 {
            let mut value = value();
            self.upgrade.line(&mut value);
            serde_json::from_value(value)
        } else {
            serde_json::from_str(json)
        };
        let line = line.map_err(|error| other(head, error.to_string()))?;
        if line.seq != self.entries.len() as u64 + 1 {
            return Err(Unreadable::Sequence(number));
        }
        self.entries.push(line.what);
        Ok(())
    }
}

/// The first line, with its end when it has one, and what comes after it.
fn first_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    bytes.split_at(end.map_or(bytes.len(), |end| end + 1))
}

/// The JSON text of a line that matches its sum.
fn whole(line: &[u8]) -> Option<&str> {
    let (digits, rest) = line.split_at_checked(16)?;
    // Cheap first: this is asked of every place in a torn line. What an app printed cannot look like this inside a
    // JSON text, where its quotes are escaped.
    if !rest.starts_with(b" {\"") || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let json = std::str::from_utf8(rest.get(1..)?).ok()?;
    (digits == sum(json).as_bytes()).then_some(json)
}

/// Whether a bad line ends in a good one: then the end of a line was damaged, and nothing was torn.
fn hides_a_line(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    (1..line.len()).any(|at| line.get(at..).and_then(whole).is_some())
}

pub(in crate::agent) fn with_sum(json: &str) -> String {
    format!("{} {json}\n", sum(json))
}

fn sum(json: &str) -> String {
    let mut sum = hex::encode(Sha256::digest(json));
    sum.truncate(16);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::{begun, head};
    use crate::protocol::step::Step;

    fn file(entries: &[Entry]) -> Vec<u8> {
        let lines = entries.iter().enumerate();
        let lines = lines.map(|(n, entry)| encode(n as u64 + 1, 5, entry).unwrap());
        let head = encode_head(&head()).unwrap();
        std::iter::once(head)
            .chain(lines)
            .collect::<String>()
            .into()
    }

    fn three() -> Vec<Entry> {
        let step = Step::PullImage;
        vec![Entry::Done { step }, Entry::Committed, Entry::Finished]
    }

    fn read(count: usize) -> Read {
        Read {
            head: Some(head()),
            entries: three()[..count].to_vec(),
            good: file(&three()[..count]).len(),
            upgrade: FromOne::default(),
        }
    }

    #[test]
    fn entries_read_back() {
        assert_eq!(decode(&file(&three())), Ok(read(3)));
        assert_eq!(decode(b""), Ok(Read::default()));
        assert_eq!(order(&file(&three())), Some((head().run, 5)));
    }

    #[test]
    fn a_torn_last_line_was_never_written_wherever_it_was_torn() {
        let (two, all) = (file(&three()[..2]), file(&three()));
        for cut in two.len()..all.len() {
            assert_eq!(decode(&all[..cut]), Ok(read(2)), "cut at {cut}");
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
        assert_eq!(decode(&without), Err(Unreadable::Sequence(3)));
    }

    /// What another version may have written, with a right sum each.
    #[test]
    fn a_line_that_matches_its_sum_and_cannot_be_read_is_another_versions_also_when_it_is_the_last()
    {
        let begin = [begun()];
        let known = String::from_utf8(file(&begin)).unwrap();
        let (first, second) = known.split_once('\n').unwrap();
        let json = |line: &str| line.trim_end()[17..].to_owned();
        let newer = json(first).replace("\"version\":2", "\"version\":3");
        let more = json(second).replacen("\"keep\":", "\"color\":\"red\",\"keep\":", 1);
        let less = json(second).replacen("\"folder\":\"/home/u\",", "", 1);
        let step = "{\"seq\":2,\"at_ms\":5,\"what\":{\"entry\":\"started\",\"step\":\"teleport\",\"before\":\"nothing\"}}";
        let entry = "{\"seq\":2,\"at_ms\":5,\"what\":{\"entry\":\"frozen\"}}";
        let first = format!("{first}\n");
        for (lines, line, version) in [
            (with_sum(&newer), 1, 3),
            (with_sum(&newer) + second, 1, 3),
            (first.clone() + &with_sum(&more), 2, 2),
            (first.clone() + &with_sum(&less), 2, 2),
            (known.clone() + &with_sum(step), 3, 2),
            (known.clone() + &with_sum(entry), 3, 2),
            (with_sum(&more), 1, 0),
            (with_sum("{\"not json"), 1, 0),
        ] {
            let bytes = lines.as_bytes();
            match decode(bytes) {
                Err(Unreadable::OtherVersion { head, line: at, .. }) => {
                    assert_eq!((at, head.version), (line, version), "{lines}");
                }
                other => panic!("{lines}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_long_torn_line_is_read_at_once() {
        let mut bytes = file(&three());
        bytes.extend(b"{\"log_tail\":[\"");
        bytes.extend(br#"0123456789abcdef {\"seq\":2,\"at_ms\":5}"#.repeat(40_000));
        let began = std::time::Instant::now();
        assert_eq!(decode(&bytes), Ok(read(3)));
        let took = began.elapsed();
        assert!(took.as_secs() < 5, "{took:?}");
    }
}

//! Every journal format that ever shipped, as its own code wrote it: `tests/golden/journal`.
//!
//! `v1-<commit>-<how it went>.jsonl` were written by the code of that commit on the simulated host. `v2.jsonl` has every
//! entry with every field that we write now.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::codec::{self, Unreadable};
use super::entry::{Begun, Entry, JOURNAL_VERSION, PreImage, Settings, Switch};
use super::state::{JournalPhase, JournalState};
use crate::agent::tests::{begun, failure, head, image};
use crate::protocol::outcome::LiveRelease;
use crate::protocol::plan::{Origin, Target};
use crate::protocol::slot::Slot;
use crate::protocol::step::Step;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/journal"))
}

/// The golden files of version 1, each with its name.
pub(in crate::agent) fn of_version_1() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for file in folder().read_dir().unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.starts_with("v1-") {
            let bytes = std::fs::read(folder().join(&name)).unwrap();
            all.push((name, bytes));
        }
    }
    all.sort();
    all
}

/// Every entry, with every field that can be there.
fn everything() -> Vec<Entry> {
    let Entry::Begun(first) = begun() else {
        panic!("it begins with something else");
    };
    let text = |text: &str| Some(text.to_owned());
    let mut whole = Begun {
        compose_version: text("3.8"),
        switch: Switch::Flag,
        previous: Some(LiveRelease {
            slot: Slot::Two,
            service: "web-2".to_owned(),
            release: Some("abcdef012345".parse().unwrap()),
            image: Some(image(7)),
        }),
        keep: vec![image(6), image(7)],
        releases: vec!["0123456789abcdef".parse().unwrap()],
        settings: Settings::Kept,
        ..(*first).clone()
    };
    whole.plan.target = Target::Image(image(1));
    whole.plan.fence = Some(1);
    whole.plan.site.dependencies = Some(vec!["db".parse().unwrap()]);
    whole.plan.origin = Origin {
        commit: Some("0123456789abcdef0123456789abcdef01234567".parse().unwrap()),
        by: text("kim"),
        url: text("https://github.com/o/r/actions/runs/1"),
    };
    let mut entries = vec![
        Entry::Begun(Box::new(whole)),
        Entry::Begun(Box::new((*first).clone())),
    ];
    let bytes = || Some(b"live".to_vec());
    let images = [
        PreImage::Nothing,
        PreImage::File { bytes: bytes() },
        PreImage::File { bytes: None },
        PreImage::Unkept { bytes: bytes() },
        PreImage::Include {
            bytes: bytes(),
            workers: vec![(7, 42)],
        },
    ];
    let before = images
        .into_iter()
        .chain(std::iter::repeat(PreImage::Nothing));
    for (step, before) in Step::ALL.iter().copied().zip(before) {
        entries.push(Entry::Started { step, before });
    }
    let (step, why) = (Step::Bake, failure());
    entries.extend([
        Entry::Done { step },
        Entry::Failed {
            step,
            why: why.clone(),
        },
        Entry::Committed,
        Entry::UndoStarted { step },
        Entry::Undone { step },
        Entry::UndoFailed { step, why },
        Entry::Finished,
        Entry::RolledBack,
    ]);
    entries
}

/// A new kind of entry belongs into [`everything`]: this does not compile without it.
fn kind(entry: &Entry) -> usize {
    match entry {
        Entry::Begun(_) => 0,
        Entry::Started { .. } => 1,
        Entry::Done { .. } => 2,
        Entry::Failed { .. } => 3,
        Entry::Committed => 4,
        Entry::UndoStarted { .. } => 5,
        Entry::Undone { .. } => 6,
        Entry::UndoFailed { .. } => 7,
        Entry::Finished => 8,
        Entry::RolledBack => 9,
    }
}

/// What we write is what this version of the format always was.
///
/// When this fails, the format has changed. A format that was released keeps its number for ever: give
/// [`JOURNAL_VERSION`] the next one, keep the old golden file, and teach `upgrade` to read it. While version 2 is not
/// released yet, write its file again: `UPDATE=1 cargo test --lib golden`.
#[test]
fn the_format_does_not_change_without_its_version() {
    let entries = everything();
    let kinds: BTreeSet<usize> = entries.iter().map(kind).collect();
    assert_eq!(kinds, (0..10).collect());
    let mut text = codec::encode_head(&head()).unwrap();
    for (seq, entry) in (1..).zip(&entries) {
        text.push_str(&codec::encode(seq, 1_764_000_000_000, entry).unwrap());
    }
    let path = folder().join(format!("v{JOURNAL_VERSION}.jsonl"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "see the comment of this test");
    let read = codec::decode(golden.as_bytes()).unwrap();
    assert_eq!((read.head, read.entries), (Some(head()), entries));
}

#[test]
fn every_shape_of_version_1_is_read_at_every_line() {
    let all = of_version_1();
    let commits: BTreeSet<&str> = all.iter().map(|(name, _)| &name[..10]).collect();
    assert_eq!(commits.len(), 4, "{commits:?}");
    let mut ends = BTreeSet::new();
    for (name, bytes) in &all {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for count in 1..=lines.len() {
            let open = lines[..count].concat();
            let read = codec::decode(&open).unwrap_or_else(|why| panic!("{name}, {count}: {why}"));
            assert_eq!(
                (read.good, read.entries.len()),
                (open.len(), count),
                "{name}"
            );
            assert_eq!(read.head.unwrap().version, 1, "{name}");
            let state = JournalState::of(&read.entries).unwrap().unwrap();
            let by_flag = name.contains("-flag-");
            assert_eq!(state.begun.switch == Switch::Flag, by_flag, "{name}");
            if let Some((Step::SwitchTraffic, before)) = state.owed() {
                let include = matches!(before, PreImage::Include { bytes: Some(_), .. });
                assert_eq!(include, !by_flag, "{name}: {before:?}");
            }
            if count == lines.len() {
                ends.insert(format!("{:?}", state.phase));
            }
        }
    }
    let wanted = [
        JournalPhase::Finished,
        JournalPhase::RolledBack,
        JournalPhase::Undoing,
    ];
    assert_eq!(ends, wanted.map(|phase| format!("{phase:?}")).into());
}

#[test]
fn a_line_of_version_1_that_cannot_be_read_is_another_versions() {
    for (name, bytes) in of_version_1() {
        let text = String::from_utf8(bytes).unwrap();
        let first = text.lines().next().unwrap();
        let json = first[17..].replacen("\"plan\":", "\"color\":1,\"plan\":", 1);
        let line = codec::with_sum(&json);
        match codec::decode(line.as_bytes()) {
            Err(Unreadable::OtherVersion { line: 1, head, .. }) => assert_eq!(head.version, 1),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// What the code of version 1 makes of our file: `decode` as it was from 13bae3f to 48f5351, word for word but for the
/// entries, which it could not read in less strict a way.
mod old {
    use serde::Deserialize;
    use sha2::{Digest as _, Sha256};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OldJournalLine {
        seq: u64,
        #[serde(rename = "at_ms")]
        _at_ms: u64,
        #[serde(rename = "what")]
        _what: serde_json::Value,
    }

    #[derive(Debug, PartialEq, Eq)]
    pub(super) enum Damaged {
        Line(usize),
        Sequence(usize),
    }

    /// The good bytes; what follows was rewritten.
    pub(super) fn decode(bytes: &[u8]) -> Result<usize, Damaged> {
        let (mut number, mut good, mut rest) = (0, 0, bytes);
        while !rest.is_empty() {
            number += 1;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (line, after) = match end {
                Some(end) => (&rest[..end], &rest[end + 1..]),
                None => (rest, [].as_slice()),
            };
            match end.and_then(|_| parse(line)) {
                Some(line) if line.seq != number as u64 => return Err(Damaged::Sequence(number)),
                Some(_) => {}
                None if after.is_empty() && !hides_a_line(line) => return Ok(good),
                None => return Err(Damaged::Line(number)),
            }
            good = bytes.len() - after.len();
            rest = after;
        }
        Ok(good)
    }

    fn parse(line: &[u8]) -> Option<OldJournalLine> {
        let text = std::str::from_utf8(line).ok()?;
        let (digits, json) = text.split_once(' ')?;
        (digits == sum(json)).then(|| serde_json::from_str(json).ok())?
    }

    fn hides_a_line(line: &[u8]) -> bool {
        (1..line.len()).any(|at| line.get(at..).and_then(parse).is_some())
    }

    fn sum(json: &str) -> String {
        let digits = Sha256::digest(json);
        digits
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[test]
fn version_1_refuses_our_file_and_leaves_it_alone() {
    let ours = std::fs::read(folder().join("v2.jsonl")).unwrap();
    let lines: Vec<&[u8]> = ours.split_inclusive(|byte| *byte == b'\n').collect();
    // The head and the first entry are written at once: there is no file with one line.
    for count in 2..=lines.len() {
        let open = lines[..count].concat();
        assert_eq!(old::decode(&open), Err(old::Damaged::Line(1)));
        let torn = &open[..open.len() - 1];
        assert_eq!(old::decode(torn), Err(old::Damaged::Line(1)));
    }
    // Its own it reads, and takes away what it does not understand at the end.
    let (_, own) = of_version_1().remove(0);
    assert_eq!(old::decode(&own), Ok(own.len()));
}

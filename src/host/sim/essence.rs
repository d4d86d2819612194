//! When two worlds are the same.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use super::content::{Content, Sum};
use super::world::{Disk, World};

impl World {
    /// Everything that a new agent could see or meet, without the clock and the lines that only people read, as a
    /// number: two worlds with the same essence have the same future. How releases behave is not in it: recovery asks none.
    pub(crate) fn essence(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hash_files(&self.files, &mut hasher);
        hash_files(&self.durable, &mut hasher);
        for (name, container) in &self.containers {
            (
                name,
                &container.release,
                &container.environment,
                container.running,
                container.lowered,
            )
                .hash(&mut hasher);
        }
        self.images.hash(&mut hasher);
        self.loaded.hash(&mut hasher);
        self.broken.hash(&mut hasher);
        hasher.finish()
    }
}

/// Nobody looks at the log while a journal is open, and nothing but its end removes the flag beside it.
const MEASURE: u64 = 1;
/// What no agent reads again.
const NOTHING: u64 = 0;
/// Set in the meaning of the open journal alone.
const OPEN: u64 = 1 << 63;

fn hash_files(files: &Disk, hasher: &mut DefaultHasher) {
    let (mut all, mut open, mut measured) = (0_u64, false, false);
    for (path, content) in files {
        let meaning = content.meaning(|_| meaning(path, content));
        open |= meaning >= OPEN;
        measured |= meaning == MEASURE;
        if meaning > MEASURE {
            all = (all ^ meaning).wrapping_mul(0x100_0000_01b3).rotate_left(7);
        }
    }
    (all, measured && !open).hash(hasher);
}

fn meaning(path: &Path, content: &Content) -> u64 {
    let mut hasher = DefaultHasher::new();
    if path.ends_with("measure") {
        return MEASURE;
    }
    let archived = path
        .parent()
        .is_some_and(|parent| parent.ends_with("history"));
    // Without a fault nobody needs the reserve, and it is filled again.
    let reserve = path
        .parent()
        .is_some_and(|parent| parent.ends_with("reserve"));
    if reserve || archived || path.ends_with("traffic.log") || path.ends_with("fence.json") {
        return NOTHING;
    }
    path.hash(&mut hasher);
    if path.extension().is_none_or(|end| end != "jsonl") {
        content.as_slice().hash(&mut hasher);
    } else if path
        .parent()
        .is_some_and(|parent| parent.ends_with("events"))
    {
        let log = String::from_utf8_lossy(content);
        let ends = log.matches("\"kind\":\"finished\"").count();
        (ends, log.ends_with('\n')).hash(&mut hasher);
    } else {
        content.sum(add_journal).hash(&mut hasher);
    }
    let open = if path.ends_with("open.jsonl") {
        OPEN
    } else {
        0
    };
    // The two small numbers have a meaning of their own.
    (hasher.finish() & !OPEN) | 2 | open
}

/// What a journal means: without numbers, time and sums, and without what a recovery that was cut short says again.
/// Every torn line is the same one (`agent::crash::torn` shows that it is).
fn add_journal(mut sum: Sum, lines: &[u8]) -> Sum {
    let text = String::from_utf8_lossy(lines);
    for line in text.split_inclusive('\n') {
        let what = match line.split_once("\"what\":") {
            Some((_, what)) if what.ends_with('\n') => what,
            Some(_) | None => "torn",
        };
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let line = hasher.finish();
        if line != sum.last && !what.starts_with("{\"entry\":\"undo_failed\"") {
            (sum.all, line).hash(&mut hasher);
            sum = Sum {
                all: hasher.finish(),
                last: line,
            };
        }
    }
    sum
}

/// The bytes of every file that must be as before when a swap was undone.
pub(crate) fn kept_files(world: &World) -> BTreeMap<&Path, &[u8]> {
    let own = ["events", "history", "reserve"];
    let files = world
        .files
        .iter()
        .map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
    files
        .filter(|(path, _)| {
            let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
            !own.iter().any(|name| folder == *name)
                && !path.ends_with("traffic.log")
                && !path.ends_with("fence.json")
                && !path.ends_with("release-key")
                && !path.ends_with("app.json")
        })
        .collect()
}

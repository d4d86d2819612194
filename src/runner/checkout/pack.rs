//! One commit out of the packs: an index of version 2, and an object that is stored whole.
//!
//! `actions/checkout` fetches into a pack. Its newest commits are stored whole; one that is stored as
//! a difference to another is not put together here, the caller has another way.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::protocol::ids::Commit;

/// The beginning of an object is enough.
const HEAD: u64 = 64 * 1024;

/// `\377tOc` and the version.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];

/// Where the table of names begins: after the magic and 256 counts.
const NAMES: u64 = 8 + 256 * 4;

/// The bytes of a name.
const NAME: usize = 20;

/// The compressed bytes of the commit, as many as matter.
pub(super) fn commit(folder: &Path, commit: &Commit) -> Result<Vec<u8>, String> {
    let name = bytes(commit).ok_or("its name is no SHA-1")?;
    let entries = folder.read_dir().map_err(|error| error.to_string())?;
    for entry in entries.flatten() {
        let index = entry.path();
        if index
            .extension()
            .is_some_and(|extension| extension == "idx")
        {
            let found = offset(&index, name).map_err(|error| broken(&index, &error))?;
            if let Some(offset) = found {
                let pack = index.with_extension("pack");
                return object(&pack, offset).map_err(|error| broken(&pack, &error));
            }
        }
    }
    Err("it is in no pack".to_owned())
}

fn broken(path: &Path, error: &std::io::Error) -> String {
    format!("`{}`: {error}", PathBuf::from(path).display())
}

fn bytes(commit: &Commit) -> Option<[u8; NAME]> {
    let mut name = [0; NAME];
    for (index, byte) in name.iter_mut().enumerate() {
        let digits = commit.as_str().get(index * 2..index * 2 + 2)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(name)
}

/// An open index or pack.
struct Reader(File);

impl Reader {
    fn open(path: &Path) -> std::io::Result<Self> {
        File::open(path).map(Self)
    }

    fn at<const N: usize>(&mut self, offset: u64) -> std::io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn number(&mut self, offset: u64) -> std::io::Result<u64> {
        self.at(offset)
            .map(|four| u64::from(u32::from_be_bytes(four)))
    }
}

fn invalid(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned())
}

/// Where in the pack the object is; `None` when it is not in this pack.
fn offset(index: &Path, name: [u8; NAME]) -> std::io::Result<Option<u64>> {
    let mut index = Reader::open(index)?;
    if index.at::<8>(0)? != MAGIC {
        return Err(invalid("an index of another version"));
    }
    let [first, ..] = name;
    let count = |index: &mut Reader, byte: u8| index.number(8 + u64::from(byte) * 4);
    let total = count(&mut index, u8::MAX)?;
    let mut low = match first.checked_sub(1) {
        Some(before) => count(&mut index, before)?,
        None => 0,
    };
    let mut high = count(&mut index, first)?.min(total);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: [u8; NAME] = index.at(NAMES + middle * NAME as u64)?;
        match found.cmp(&name) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return offset_of(&mut index, middle, total).map(Some),
        }
    }
    Ok(None)
}

/// After the names come the checksums, then offsets of 31 bits, then those that need more.
fn offset_of(index: &mut Reader, position: u64, total: u64) -> std::io::Result<u64> {
    const LARGE: u64 = 1 << 31;
    let small = NAMES + total * (NAME as u64 + 4);
    match index.number(small + position * 4)? {
        large if large >= LARGE => {
            let at = small + total * 4 + (large - LARGE) * 8;
            index.at(at).map(u64::from_be_bytes)
        }
        offset => Ok(offset),
    }
}

/// The object's bytes behind its type and length.
fn object(pack: &Path, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut pack = Reader::open(pack)?;
    pack.0.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    pack.0.take(HEAD).read_to_end(&mut bytes)?;
    let first = bytes.first().copied().unwrap_or_default();
    match (first >> 4) & 0b111 {
        1 => {}
        6 | 7 => return Err(invalid("it is stored as a difference")),
        _ => return Err(invalid("it is no commit")),
    }
    // The length goes on while the highest bit is set.
    let more = bytes.iter().take_while(|byte| **byte >= 0x80).count();
    bytes.drain(..(more + 1).min(bytes.len()));
    Ok(bytes)
}

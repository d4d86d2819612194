//! One commit out of the packs, by an index of version 2: `actions/checkout` fetches into a pack.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::delta;
use super::objects::inflate;
use crate::protocol::ids::Commit;

/// The most of an object that is read. A longer one is cut, and what is cut has no difference to it.
const HEAD: u64 = 64 * 1024;

/// git's own limit for differences to differences is 50, unless it is told otherwise.
const DEEPEST: u8 = 100;

/// `\377tOc` and the version.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];

/// Where the table of names begins: after the magic and 256 counts.
const NAMES: u64 = 8 + 256 * 4;

/// The bytes of a name.
const NAME: usize = 20;

/// The commit, or as much of it as matters.
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
                return object(&index, offset).map_err(|error| broken(&index, &error));
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

/// The object, put together from the differences it is stored as.
fn object(index: &Path, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut pack = Reader::open(&index.with_extension("pack"))?;
    let mut differences = Vec::new();
    let mut at = offset;
    for _ in 0..DEEPEST {
        match pack.stored(at)? {
            Stored::Whole(base) => {
                let mut rest = differences.iter().rev();
                let whole = rest.try_fold(base, |base, difference: &Vec<u8>| {
                    delta::apply(&base, difference)
                });
                return whole.ok_or_else(|| invalid("a difference does not fit"));
            }
            Stored::Difference(base, difference) => {
                differences.push(difference);
                at = match base {
                    Base::Before(distance) => at.checked_sub(distance),
                    Base::Named(name) => self::offset(index, name)?,
                }
                .ok_or_else(|| invalid("what it is a difference to is not in the pack"))?;
            }
        }
    }
    Err(invalid("it is a difference to too many others"))
}

/// How an object is stored.
enum Stored {
    Whole(Vec<u8>),
    Difference(Base, Vec<u8>),
}

/// What a difference is to.
enum Base {
    /// An object so many bytes before it.
    Before(u64),
    /// An object anywhere in the pack.
    Named([u8; NAME]),
}

impl Reader {
    /// The object at an offset: its type and length, for a difference its base, then the bytes.
    fn stored(&mut self, offset: u64) -> std::io::Result<Stored> {
        self.0.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        self.0.by_ref().take(HEAD).read_to_end(&mut bytes)?;
        let first = bytes.first().copied().unwrap_or_default();
        // The length goes on while the highest bit is set.
        let more = bytes.iter().take_while(|byte| **byte >= 0x80).count();
        let rest = bytes.get(more + 1..).unwrap_or_default();
        let whole = |bytes: &[u8]| inflate(bytes).map_err(|error| invalid(&error));
        match (first >> 4) & 0b111 {
            1 => whole(rest).map(Stored::Whole),
            6 => {
                let (distance, rest) = distance(rest).ok_or_else(|| invalid("it is cut"))?;
                Ok(Stored::Difference(Base::Before(distance), whole(rest)?))
            }
            7 => {
                let (name, rest) = rest
                    .split_first_chunk::<NAME>()
                    .ok_or_else(|| invalid("it is cut"))?;
                Ok(Stored::Difference(Base::Named(*name), whole(rest)?))
            }
            _ => Err(invalid("it is no commit")),
        }
    }
}

/// Seven bits a byte, the most significant first, and one more for every byte that goes on.
fn distance(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut distance = 0_u64;
    let mut rest = bytes;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        distance = distance.checked_mul(128)? + u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((distance, rest));
        }
        distance += 1;
    }
}

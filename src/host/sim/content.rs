//! The bytes of a file, shared between the worlds that have them.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::Path;
use std::rc::Rc;

use super::loaded::LoadedInclude;
use super::watch::OpenSwap;
use super::world::Disk;

/// A file's bytes. Copies are cheap, and what the bytes mean is found out once.
#[derive(Debug, Clone)]
pub(crate) struct Content(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes: Vec<u8>,
    meaning: OnceCell<u64>,
    loaded: OnceCell<LoadedInclude>,
    open: OnceCell<OpenSwap>,
    /// What the lines of a beginning add up to, and its length.
    beginning: Option<(usize, Sum)>,
    sum: OnceCell<Sum>,
}

/// What the lines of a file add up to.
#[derive(Debug, Clone, Copy, Default, Hash)]
pub(super) struct Sum {
    pub(super) all: u64,
    pub(super) last: u64,
}

impl Content {
    /// What the bytes mean where they are, as a number.
    pub(super) fn meaning(&self, of: impl FnOnce(&[u8]) -> u64) -> u64 {
        *self.0.meaning.get_or_init(|| of(&self.0.bytes))
    }

    /// What nginx makes of the bytes.
    pub(super) fn loaded(&self, of: impl FnOnce(&[u8]) -> LoadedInclude) -> LoadedInclude {
        *self.0.loaded.get_or_init(|| of(&self.0.bytes))
    }

    /// What the bytes say as an open journal.
    pub(super) fn open(&self, of: impl FnOnce(&[u8]) -> OpenSwap) -> OpenSwap {
        self.0.open.get_or_init(|| of(&self.0.bytes)).clone()
    }

    /// What the lines add up to; those that were added up before something was appended are not read again.
    pub(super) fn sum(&self, add: impl Fn(Sum, &[u8]) -> Sum) -> Sum {
        *self.0.sum.get_or_init(|| {
            let (length, sum) = self.0.beginning.unwrap_or_default();
            add(sum, self.0.bytes.get(length..).unwrap_or_default())
        })
    }

    /// The same with more at the end.
    pub(super) fn and(&self, more: &[u8]) -> Self {
        let whole = self.0.bytes.ends_with(b"\n");
        let sum = self.0.sum.get().filter(|_| whole);
        let beginning = match sum {
            Some(sum) => Some((self.0.bytes.len(), *sum)),
            None => self.0.beginning,
        };
        Self::beginning_with(beginning, [self.as_slice(), more].concat())
    }

    fn beginning_with(beginning: Option<(usize, Sum)>, bytes: Vec<u8>) -> Self {
        Self(Rc::new(Inner {
            bytes,
            meaning: OnceCell::new(),
            loaded: OnceCell::new(),
            open: OnceCell::new(),
            beginning,
            sum: OnceCell::new(),
        }))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::beginning_with(None, bytes)
    }
}

impl Deref for Content {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0.bytes
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || self.0.bytes == other.0.bytes
    }
}

/// The names in a folder; a folder is there with what is in it.
pub(super) fn names_in(files: &Disk, folder: &Path) -> Vec<String> {
    let inside = files
        .keys()
        .filter_map(|file| file.strip_prefix(folder).ok()?.iter().next()?.to_str())
        .map(str::to_owned);
    let names: BTreeSet<String> = inside.collect();
    names.into_iter().collect()
}

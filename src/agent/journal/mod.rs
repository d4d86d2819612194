//! The write-ahead journal of one swap: `<app>/open.jsonl`, there if and only if a swap is unfinished.
//!
//! [`entry`] is what may be written, [`codec`] how a line looks and when a file is damaged, [`state`]
//! what a list of entries means. [`file`] is the only writer. Intent is on disk before an effect, its result after
//! it; recovery reads the file back and trusts nothing else.

pub(super) mod codec;
pub(super) mod entry;
pub(super) mod file;
pub(super) mod state;

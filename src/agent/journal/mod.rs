//! The write-ahead journal of one swap: `<app>/open.jsonl`, there if and only if a swap is unfinished.
//!
//! [`entry`] is what may be written, [`codec`] how a line looks and when a file is damaged, `upgrade` reads what earlier
//! versions wrote, [`state`] is what a list of entries means. [`mod@file`] is the only writer, [`closed`] looks at the
//! journals of the past. Intent is on disk before an effect, its result after it; recovery reads the file back and
//! trusts nothing else.

pub(super) mod closed;
pub(super) mod codec;
pub(super) mod entry;
pub(super) mod file;
#[cfg(test)]
pub(super) mod golden_tests;
pub(super) mod state;
mod upgrade;

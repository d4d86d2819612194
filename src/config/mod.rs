//! Settings: one schema, three spellings, parsed once into types that cannot be wrong.
//!
//! [`schema`] holds the list of every setting; [`sources`] gathers their texts from flags, action
//! inputs, environment and file by precedence into [`raw`]; [`parse`] and the files beside it turn
//! texts into [`types`]. All [`problems`] are reported at once. The environment comes in as a map.

pub mod file;
pub mod nearest;
pub mod parse;
pub mod problems;
pub mod raw;
pub mod schema;
pub mod sources;
pub mod trust;
pub mod types;
pub mod workflow;

mod fields;
mod gate;
mod host_keys;
mod image;
mod language;
mod registries;
mod report;
mod secrets;
mod settings;
mod site;
mod slots;
mod ssh;
mod ssh_key;
mod webhook;

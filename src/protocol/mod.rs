//! What runner and agent say to each other: data only, no effects, no third-party clients.
//!
//! Both ends are the same binary, found on the host by its own hash, so versions always agree.
//! The runner sends one [`wire::Request`] line and reads [`event::Event`] lines; a cancel is a second
//! request line. Everything that is serialised anywhere lives in this folder.

pub mod event;
pub mod ids;
pub mod line;
pub mod logs;
pub mod outcome;
pub mod place;
pub mod plan;
pub mod provision;
pub mod receipt;
pub mod registry;
pub mod result;
pub mod series;
pub mod slot;
pub mod slot_spec;
pub mod span;
pub mod status;
pub mod step;
pub mod utc;
pub mod wire;

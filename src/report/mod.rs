//! What people see. A sink that fails warns; it never fails a deploy.
//!
//! [`Reporter`] prints the run while it goes and keeps its timeline. [`RunReport`] tells a run to everybody in
//! [`sinks`], at its start and at its end, and prints the outcome last; [`state`] is what its post step is going to
//! know. What they say is made by pure functions ([`summary`], [`message`], [`outcome`], [`receipt`]); each
//! outside client is in one file.

mod board;
mod chart;
mod closing;
mod commands;
mod console;
pub mod context;
pub mod deadlines;
mod events;
#[cfg(test)]
mod fixtures;
mod github;
mod heartbeat;
mod held;
mod hurry;
mod live;
mod markdown;
pub mod message;
pub mod outcome;
pub mod outputs;
mod printed;
pub mod receipt;
mod redact;
mod reporter;
mod run;
pub mod sinks;
pub mod state;
mod steps;
pub mod summary;
pub mod text;
pub mod timeline;
mod traffic;
mod words;

pub use console::ConsoleMode;
pub use reporter::{Reporter, Verbosity};
pub use run::RunReport;

//! What people see. A sink that fails warns; it never fails a deploy.
//!
//! [`Reporter`] prints the run while it goes and keeps its timeline. [`before`] opens a GitHub
//! deployment, [`after`] closes it, tells the pull request and Slack, writes the step's outputs and
//! its summary, and prints the outcome last. What they say is made by pure functions ([`summary`],
//! [`slack`]'s message, [`outcome`], [`receipt`]); each outside client is in one file.

pub mod after;
pub mod before;
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
pub mod github;
mod heartbeat;
mod held;
mod http;
mod hurry;
mod live;
mod markdown;
pub mod outcome;
pub mod outputs;
pub mod post;
mod printed;
pub mod receipt;
mod redact;
mod reporter;
pub mod slack;
pub mod state;
mod steps;
pub mod summary;
pub mod text;
pub mod timeline;
mod traffic;
mod words;

pub use console::ConsoleMode;
pub use reporter::{Reporter, Verbosity};

//! Third parties, each one once, and how what they say is read.

pub(crate) mod docker;
pub(crate) mod environment;
pub(crate) mod git;
pub mod github;
mod http;
pub(crate) mod lines;
pub(crate) mod process;
pub(crate) mod retry;
pub mod text;
pub mod webhook;

//! Clients of third parties that both roles use, and how their output is read: each one once.

pub(crate) mod docker;
pub(crate) mod environment;
pub(crate) mod lines;
pub(crate) mod process;
pub(crate) mod retry;

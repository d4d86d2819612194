//! Clients of third parties that both roles use: each one once.

pub(crate) mod docker;

//! The effect seam of the host side: the agent decides, a [`Host`] does.
//!
//! A host is the sum of its parts, one file each; whoever needs one part names that one. Every verb is atomic as its
//! comment says, few, and typed, so that a simulated host never parses an argument list. [`linux`] is the real one;
//! [`compose`] and [`mod@nginx`] are pure functions between files and values.

mod clock;
pub mod compose;
mod containers;
pub mod error;
pub mod facts;
mod files;
mod images;
pub mod linux;
mod machine;
pub mod masking;
mod network;
pub mod nginx;
pub mod overlay;
mod proxy;
pub mod release;
#[cfg(test)]
pub(crate) mod sim;

pub use clock::Clock;
pub use containers::{Containers, LogRange, OnLine, RecreatePolicy};
pub use files::{Access, Durability, Files, Held, LockAttempt, Owner};
pub use images::Images;
pub use machine::{Machine, RootWork};
pub use network::Network;
pub use proxy::Proxy;

use error::HostError;

/// What every verb returns.
pub type HostResult<T> = Result<T, HostError>;

/// Everything the agent can do to the world.
pub trait Host: Files + Containers + Images + Proxy + Network + Machine + Clock + 'static {}

impl<T: Files + Containers + Images + Proxy + Network + Machine + Clock + 'static> Host for T {}

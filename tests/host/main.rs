//! The real host against real daemons.
//!
//! `scripts/sandbox up --v1` must have run: the registry is used from here, and `server` copies
//! this very program into both servers and runs the tests of `inside` there.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::exit,
    reason = "test code"
)]

mod inside;
mod lock;
mod project;
mod registry;
mod sandbox;
mod server;

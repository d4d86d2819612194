//! GitHub and the messengers as they are on the wire: real clients, real sockets, a recording server.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod example;
mod faults;
mod finish;
mod gate;
mod github;
mod once;
mod planted;
mod post;
mod server;
mod standin;
mod webhook;
mod world;

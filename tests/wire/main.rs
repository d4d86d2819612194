//! GitHub and Slack as they are on the wire: real clients, real sockets, a recording server.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod finish;
mod github;
mod post;
mod server;
mod slack;
mod standin;
mod world;

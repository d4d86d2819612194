//! Whole deploys against real daemons: dockerd, compose, nginx, sshd, a registry.
//!
//! `scripts/sandbox up` must have run (`make test` does it). The tests take turns on one host.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::use_debug,
    reason = "test code"
)]

mod act;
mod bad_input;
mod baseline;
mod cancel;
mod chaos;
mod compose_v1;
mod crashes;
mod failures;
mod flag;
mod happy;
mod parking;
mod rollback;
mod secrets;
mod world;

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
mod as_it_ran;
mod bad_input;
mod bake;
mod baseline;
mod cancel;
mod chaos;
#[path = "../hints/mod.rs"]
mod commands;
mod crashes;
mod failures;
mod figures;
mod flag;
mod generations;
mod happy;
mod held_back;
mod hints;
mod hostile;
mod http2;
mod kept;
mod killed;
mod logs;
mod long;
mod moved;
mod owner;
mod parking;
mod provision;
mod provision_edit;
mod real_hosts;
mod registries;
mod restart;
mod rollback;
mod secrets;
mod sudoers;
mod switch;
mod tags;
mod tls;
mod two_apps;
mod two_projects;
mod world;

//! `pct-deploy` deploys a container to a small server without losing a request.
//!
//! The floors, bottom up; imports only go down, and `runner` and `agent` never meet:
//!
//! 1. [`error`], [`secret`], `random` — what can go wrong, what must not be shown, names that nobody guesses
//! 2. [`protocol`] — what the two sides say to each other
//! 3. [`clients`] — third parties that both sides talk to
//! 4. [`config`], [`report`], [`host`] — settings, what people see, effects on the host
//! 5. [`runner`] (where the command is typed) and [`agent`] (on the host)
//! 6. [`cli`] — commands
//!
//! The library exists for the binary, its tests and fuzz targets; it is not a public API.

pub mod agent;
pub mod cli;
pub mod clients;
pub mod config;
pub mod error;
pub mod host;
pub mod protocol;
mod random;
pub mod report;
pub mod runner;
pub mod secret;

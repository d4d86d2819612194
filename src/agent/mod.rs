//! The host side: decides what a [`crate::host::Host`] does.
//!
//! [`serve`] reads one request and answers with events. A swap is: take the lock, run the checks
//! ([`prepare`]), settle what goes where ([`resolve`]), then the table in [`swap`] under the engine in
//! [`saga`]. [`survey`] is the one place that looks at what is live.

#[cfg(test)]
mod crash;
mod ending;
mod events;
mod failure;
#[cfg(test)]
mod flag_tests;
mod follow;
mod history;
mod journal;
mod lock;
mod meter;
mod paths;
mod prepare;
mod provision;
mod recover;
mod reload;
mod resolve;
mod route;
mod run;
mod saga;
mod serve;
mod status;
mod steps;
mod survey;
mod swap;
#[cfg(test)]
mod tests;
mod traffic;
mod verdict;

pub use recover::recover_all;
pub use serve::{replace_file, serve};

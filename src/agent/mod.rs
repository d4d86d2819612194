//! The host side: decides what a [`crate::host::Host`] does.
//!
//! [`mod@serve`] reads one request and answers with events; a plan is carried out by [`mod@work`], a process in a session
//! of its own that [`detach`] starts and listens to. [`deploy`] is the story of a run; its steps are in the [`table`], which
//! the engine in [`saga`] runs. [`survey`] is the one place that looks at what is live.

#[cfg(test)]
mod again_tests;
mod cancel_file;
#[cfg(test)]
mod cancel_tests;
mod compose_files;
#[cfg(test)]
mod contained_tests;
#[cfg(test)]
mod crash;
mod deploy;
mod detach;
mod docker;
mod doctor;
#[cfg(test)]
mod drain_tests;
mod earlier;
mod ending;
mod events;
mod failure;
mod fence;
#[cfg(test)]
mod fence_tests;
#[cfg(test)]
mod flag_tests;
mod follow;
mod history;
mod homes;
mod journal;
mod lock;
mod logs;
mod meter;
mod named;
mod networks;
mod owner;
#[cfg(test)]
mod owner_tests;
mod paths;
mod prepare;
mod projects;
mod provision;
mod reach;
mod recover;
mod recover_all;
mod release_key;
#[cfg(test)]
mod release_tests;
mod reload;
mod reserve;
#[cfg(test)]
mod reserve_tests;
mod resolve;
mod revive;
mod rights;
mod route;
#[cfg(test)]
mod route_tests;
mod saga;
mod serve;
mod serving;
mod slot_names;
#[cfg(test)]
mod slots_tests;
mod statistics;
mod status;
mod steps;
mod stranger;
mod survey;
mod swap;
mod table;
#[cfg(test)]
mod tests;
mod traffic;
mod verdict;
#[cfg(test)]
mod version_tests;
mod wait;
#[cfg(test)]
mod watch_simulation_tests;
#[cfg(test)]
mod watch_tests;
#[cfg(test)]
mod weight_tests;
mod work;
mod writer;

pub use crate::host::linux::detached::keep_to_ourselves;
pub use recover_all::{recover_all, settle_all};
pub use serve::serve;
pub use work::work;

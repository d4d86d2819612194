//! The runner side: gate → (build → push ∥ connect → install agent → prepare) → swap → reports.
//!
//! [`deploy`] is the story, [`mod@rollback`], [`mod@status`], [`mod@provision`] and [`post`] are the shorter ones; `run` is
//! what the parts of one share, and `ending` tells how it went. `provide` makes the image, `session` reaches the host,
//! `swap` and `follow` have it deploy. [`image`] and [`remote`] hold the two outside clients; [`gate`] decides from an
//! [`event`] whether there is anything to do, [`checkout`] and [`recheck`] that it is still the commit that was asked for.

pub mod cancel;
pub mod checkout;
pub mod deploy;
pub mod doctor;
mod dry_run;
pub mod ending;
pub mod event;
pub mod exec;
mod exit;
mod follow;
#[cfg(test)]
mod follow_tests;
pub mod gate;
pub mod image;
pub mod logs;
mod plan;
pub mod post;
mod provide;
pub mod provision;
pub mod recheck;
pub mod remote;
mod result;
pub mod rollback;
mod run;
mod session;
pub mod status;
mod stdin;
mod swap;
mod worktree;

pub use run::Invocation;

//! What GitHub learns about a run: a deployment with its states, a comment, the label; and what the
//! gate asks: who may write, where a pull request stands, its checks and reviews.
//!
//! Nothing that creates something is repeated blindly: a second POST would be a second deployment or a
//! second comment. So octocrab's own retries are not compiled in; when an answer is lost we look first,
//! and everything that we create can be found again: a deployment by its run, a comment by its marker.

mod ancestry;
mod checks;
mod client;
mod comment;
mod deployment;
mod encoded;
mod labels;
mod people;
mod pulls;
mod questions;
mod reviews;

pub use ancestry::CommitPosition;
pub use checks::{Check, CheckState};
pub use client::{ApiError, Github};
pub use comment::marker;
pub use deployment::{Deployment, DeploymentHandle, DeploymentState};
pub use people::{CollaboratorAccess, HeadCommit};
pub use pulls::PullNow;
pub use reviews::ReviewVerdict;

//! What GitHub learns about a run: a deployment with its states, a comment, the label.
//!
//! Nothing that creates something is ever repeated: a second POST would be a second deployment or a
//! second comment. So octocrab's own retries are not compiled in.

mod client;
mod comment;
mod deployment;
mod people;

pub use client::{ApiError, Github};
pub use comment::marker;
pub use deployment::{Deployment, DeploymentHandle, State};
pub use people::{Access, HeadCommit};

//! What the real-daemon tests stand on: everything around `pct-deploy` that is not `pct-deploy`.
//!
//! * [`load`]: keep-alive load that knows exactly which requests were lost;
//! * [`slack`]: a Slack incoming webhook with Slack's limits and scripted misbehaviour;
//! * [`github`]: the part of GitHub's API that a deploy talks to, whose reads reflect its writes;
//! * [`engine`]: the Docker engine of another machine;
//! * [`relay`]: a TCP relay that adds delay, stalls or cuts;
//! * [`event`]: `pull_request` webhook payloads in GitHub's full shape.
//!
//! All of it runs on one runtime of its own, so a test may be synchronous, or block its own runtime
//! while a deploy runs, without starving the load or a stand-in. Handles stop what they stand for
//! when they are dropped. A [`pull`] request feeds both the event and GitHub's answers.

#![recursion_limit = "256"]
#![allow(
    clippy::disallowed_methods,
    reason = "the product's fences (clock, sleep, files) do not bind its tests' surroundings"
)]

mod background;
pub mod engine;
pub mod event;
pub mod github;
mod http;
pub mod load;
pub mod pull;
mod record;
pub mod relay;
mod shape;
pub mod slack;

pub use http::LOOPBACK;

//! The image: from a folder to a digest in a registry, through the runner's Docker daemon.
//!
//! [`client`] finds the daemon, `ignore` (with `pattern`) and `context` turn a folder into a tar stream,
//! [`mod@build`] builds it and shows what the builder prints (`output`; `progress` is BuildKit's, and `open_line` puts lines
//! together; `lost_context` knows engines that lose what they were sent), [`mod@push`] uploads it and learns its digest. All output of a build is untrusted.

mod archive;
pub mod build;
pub mod client;
mod context;
mod ignore;
mod lost_context;
mod open_line;
mod output;
mod pattern;
mod progress;
pub mod push;

pub use bollard::Docker;
pub use build::{BuiltImage, build};
pub use client::connect;
pub use push::push;

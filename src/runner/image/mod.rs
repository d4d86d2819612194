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
pub use push::{push, try_login};

use crate::config::types::BuildConfig;
use crate::error::Result;

/// Whether the context and its Dockerfile can be read.
pub fn check_files(config: &BuildConfig) -> Result<()> {
    context::BuildContext::open(config).map(|_opened| ())
}

/// Whether the daemon may lose the build context that it is sent: what and what to do.
pub async fn loses_context(docker: &Docker) -> Option<[String; 2]> {
    let version = lost_context::affected(docker).await?;
    let what = format!(
        "Docker {version} here may not find the build context that it is sent (moby#47717); the classic builder is used then"
    );
    Some([what, lost_context::CURE.to_owned()])
}

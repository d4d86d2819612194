//! Room for the way back. A release may fill the disk: its undo has to be noted and files have to be put back all the
//! same.
//!
//! `<app>/reserve` holds a few files of real bytes, synced before a swap begins. What finds the disk full is written over
//! one of them, in place, and takes its name then: that needs no byte of the file system, so nobody who goes on writing
//! can be faster, and blocks that are kept for root do not matter.

use std::path::Path;
use std::sync::LazyLock;

use super::failure::{HostResultExt as _, StepResult};
use super::paths::AppPaths;
use crate::error::Reason;
use crate::host::error::Trouble;
use crate::host::{Access, Files, HostResult, Owner};

/// The way back notes two lines a step, puts an override and a flag or an include back, and says its last word. Most
/// lines fit into a block that the journal has already; these are enough when each needs one of its own.
const SPARES: usize = 24;
/// A journal is some KiB, unless a release printed a lot before it failed.
const SIZE: usize = 64 * 1024;

/// Bytes that no file system makes smaller.
static FILL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut fill = Vec::with_capacity(SIZE);
    while fill.len() < SIZE {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        fill.extend(state.to_le_bytes());
    }
    fill
});

/// Sees to it that the reserve is whole. Comes before anything else of a swap; an error means that nothing was changed.
pub(super) async fn fill<F: Files>(host: &F, paths: &AppPaths) -> StepResult<()> {
    let filled = async {
        let there = host.list(&paths.reserve()).await?;
        if there.is_empty() {
            host.make_folder(&paths.reserve()).await?;
        }
        for name in (1..=SPARES).map(|number| number.to_string()) {
            if !there.contains(&name) {
                let spare = paths.reserve().join(name);
                host.replace(&spare, &FILL, Owner::Us, Access::Private)
                    .await?;
            }
        }
        HostResult::Ok(())
    };
    filled.await.during(
        Reason::PreflightFailed,
        "there is no room on the disk for a rollback, so nothing was started",
    )
}

/// Replaces a file of ours whole or not at all, in the reserve when the disk is full.
pub(super) async fn replace<F: Files>(
    host: &F,
    paths: &AppPaths,
    path: &Path,
    bytes: &[u8],
) -> HostResult<()> {
    let replaced = host.replace(path, bytes, Owner::Us, Access::Private).await;
    match replaced {
        Err(error) if error.trouble == Trouble::DiskFull => {
            match replace_in_place(host, paths, path, bytes).await {
                Ok(()) => Ok(()),
                // The first error is the one to tell.
                Err(_) => Err(error),
            }
        }
        other => other,
    }
}

/// Replaces a file of ours whole or not at all, with what the reserve holds and nothing else.
pub(super) async fn replace_in_place<F: Files>(
    host: &F,
    paths: &AppPaths,
    path: &Path,
    bytes: &[u8],
) -> HostResult<()> {
    let mut failed = None;
    for name in host.list(&paths.reserve()).await? {
        let spare = paths.reserve().join(name);
        match host.replace_with(&spare, path, bytes).await {
            Ok(()) => return Ok(()),
            Err(error) => failed = Some(error),
        }
        if bytes.len() > SIZE {
            // Too long for one of them: give its room up, and be quick.
            host.remove(&spare, Owner::Us).await?;
            let replaced = host.replace(path, bytes, Owner::Us, Access::Private).await;
            if replaced.is_ok() {
                return replaced;
            }
        }
    }
    let doing = || format!("write `{}`: the reserve is used up", path.display());
    Err(failed.unwrap_or_else(|| crate::host::error::HostError::new(Trouble::DiskFull, doing())))
}

/// Does what needs room on the disk, and gives up a part of the reserve for it when there is none.
pub(super) async fn with_room<F: Files, T>(
    host: &F,
    paths: &AppPaths,
    mut work: impl AsyncFnMut() -> HostResult<T>,
) -> HostResult<T> {
    loop {
        let error = match work().await {
            Err(error) if error.trouble == Trouble::DiskFull => error,
            other => return other,
        };
        let Some(name) = host.list(&paths.reserve()).await?.into_iter().next_back() else {
            return Err(error);
        };
        host.remove(&paths.reserve().join(name), Owner::Us).await?;
    }
}

//! The key that releases are named with: 32 bytes that are made once and never leave the host. A release's name is
//! public, and without a key it would let anybody check a guess of a password in its environment.

use std::path::Path;

use super::failure::{HostResultExt as _, StepResult};
use super::paths::AppPaths;
use crate::error::{Failure, Reason};
use crate::host::{Access, Host, HostResult, Owner};

const BYTES: usize = 32;

/// The key, made when there is none. Under the lock.
pub(super) async fn of<H: Host>(host: &H, paths: &AppPaths) -> StepResult<[u8; BYTES]> {
    let path = paths.release_key();
    let key = found_or_made(host, &path).await.during(
        Reason::PreflightFailed,
        format_args!("cannot use the key in `{}`", path.display()),
    )?;
    key.try_into().map_err(|_other_length| {
        let what = format!("the key in `{}` is damaged", path.display());
        Failure::new(Reason::PreflightFailed, what).hint(format!(
            "`rm {}`: the next deploy makes another, and its release gets a new name",
            path.display()
        ))
    })
}

async fn found_or_made<H: Host>(host: &H, path: &Path) -> HostResult<Vec<u8>> {
    if let Some(found) = host.read(path).await? {
        return Ok(found);
    }
    let key = host.random().await?;
    host.replace(path, &key, Owner::Us, Access::Private).await?;
    Ok(key.to_vec())
}

//! The key that releases are named with: 32 bytes that are made once and never leave the host. A release's name is
//! public, and without a key it would let anybody check a guess of a password in its environment.

use super::failure::{StepError, StepResult};
use super::paths::AppPaths;
use crate::error::Reason;
use crate::host::error::HostError;
use crate::host::{Access, Host, Owner};

const BYTES: usize = 32;

/// The key, made when there is none. Under the lock.
pub(super) async fn of<H: Host>(host: &H, paths: &AppPaths) -> StepResult<[u8; BYTES]> {
    let path = paths.release_key();
    let cannot = |error: HostError| {
        let what = format!("cannot use the key in `{}`", path.display());
        let reason = match error.trouble {
            crate::host::error::Trouble::DiskFull => Reason::DiskFull,
            _ => Reason::PreflightFailed,
        };
        StepError::host(reason, what, &error)
    };
    if let Some(found) = host.read(&path).await.map_err(cannot)? {
        return found.try_into().map_err(|_other_length| {
            let what = format!("the key in `{}` is damaged", path.display());
            StepError::new(Reason::PreflightFailed, what).hint(format!(
                "`rm {}`: the next deploy makes another, and its release gets a new name",
                path.display()
            ))
        });
    }
    let key = host.random().await.map_err(cannot)?;
    host.replace(&path, &key, Owner::Us, Access::Private)
        .await
        .map_err(cannot)?;
    Ok(key)
}

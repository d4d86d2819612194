//! Puts files in place, with a copy of what was there, and back when nginx refuses them.

use std::path::PathBuf;

use super::files::File;
use super::plan::ProvisionPlan;
use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::paths::AppPaths;
use crate::agent::reload;
use crate::error::Reason;
use crate::host::{Access, Host, Owner};
use crate::protocol::provision::Change;

/// Copies what is about to be replaced into the app's folder, then says what will be changed.
pub(super) async fn backed_up<H: Host>(
    host: &H,
    paths: &AppPaths,
    plan: &ProvisionPlan,
) -> StepResult<Vec<Change>> {
    let mut changes = plan.changes();
    let files = plan.files.iter().filter(|file| file.owner == Owner::Root);
    let files = files.map(|file| (&file.path, file.found.is_some()));
    let units = plan.units().iter();
    let units = units.map(|unit| (&unit.path, unit.found.is_some()));
    for (path, is_there) in files.chain(units) {
        if !is_there {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let copy = paths.backups().join(format!("{}-{name}", host.now_ms()));
        host.keep_copy(path, &copy, Owner::Root).await.during(
            Reason::ProvisionFailed,
            format_args!("cannot keep a copy of `{}`", path.display()),
        )?;
        let what = path.display().to_string();
        if let Some(change) = changes.iter_mut().find(|change| change.what == what) {
            change.backup = Some(copy.display().to_string());
        }
    }
    Ok(changes)
}

/// What was written so far, for the way back.
#[derive(Debug, Default)]
pub(super) struct Written {
    files: Vec<(PathBuf, Option<Vec<u8>>, Owner)>,
    loads: u32,
}

impl Written {
    /// Writes one file, or removes it.
    pub(super) async fn put<H: Host>(&mut self, host: &H, file: &File) -> StepResult<()> {
        // Owed before it is done: it may be done in spite of an error.
        self.files
            .push((file.path.clone(), file.found.clone(), file.owner));
        put(host, &file.path, file.wanted.as_deref(), file.owner).await
    }

    /// nginx is about to load what was written.
    pub(super) fn note_load(&mut self) {
        self.loads += 1;
    }

    /// Puts every byte back, the last one first: nginx's files, which it loads again when it had loaded the new ones,
    /// and only then the flag, which decides until that has happened.
    pub(super) async fn put_back<H: Host>(&self, host: &H) -> StepResult<()> {
        for owner in [Owner::Root, Owner::Us] {
            let files = self.files.iter().rev().filter(|(_, _, of)| *of == owner);
            for (path, bytes, owner) in files {
                put(host, path, bytes.as_deref(), *owner).await?;
            }
            if owner == Owner::Root && self.loads > 0 {
                reload::reload(host).await?;
            }
        }
        Ok(())
    }
}

async fn put<H: Host>(
    host: &H,
    path: &std::path::Path,
    bytes: Option<&[u8]>,
    owner: Owner,
) -> StepResult<()> {
    let done = match bytes {
        Some(bytes) => host.replace(path, bytes, owner, Access::Public).await,
        None => host.remove(path, owner).await,
    };
    done.during(
        Reason::ProvisionFailed,
        format_args!("cannot write `{}`", path.display()),
    )
}

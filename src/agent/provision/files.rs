//! A file that shall hold something.

use std::path::{Path, PathBuf};

use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::error::Reason;
use crate::host::{Host, Owner};

/// A file and what it shall hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// `None` means that it shall not be there.
    pub(super) wanted: Option<Vec<u8>>,
    pub(super) found: Option<Vec<u8>>,
    pub(super) owner: Owner,
    /// Whether nginx has to load it.
    pub(super) loaded: bool,
    pub(super) why: &'static str,
    /// What changes, where the lines are the user's own.
    pub(super) diff: Vec<String>,
}

impl File {
    /// Whether there is anything to do.
    pub(super) fn differs(&self) -> bool {
        self.wanted != self.found
    }
}

pub(super) async fn read<H: Host>(host: &H, path: &Path) -> StepResult<Option<Vec<u8>>> {
    host.read(path).await.during(
        Reason::ProvisionFailed,
        format_args!("cannot read `{}`", path.display()),
    )
}

/// An empty file of ours, unless it is there: what it holds is not ours to say.
pub(super) async fn ours<H: Host>(host: &H, path: PathBuf, why: &'static str) -> StepResult<File> {
    let found = read(host, &path).await?;
    let wanted = Some(found.clone().unwrap_or_default());
    Ok(of_ours(path, found, wanted, why))
}

fn of_ours(
    path: PathBuf,
    found: Option<Vec<u8>>,
    wanted: Option<Vec<u8>>,
    why: &'static str,
) -> File {
    File {
        path,
        wanted,
        found,
        owner: Owner::Us,
        loaded: false,
        why,
        diff: Vec::new(),
    }
}

/// The flag: whether it is there matters, not what it holds.
pub(super) async fn flag_file<H: Host>(
    host: &H,
    path: PathBuf,
    wanted: Option<Vec<u8>>,
) -> StepResult<File> {
    let found = read(host, &path).await?;
    let wanted = wanted.and(found.clone().or(Some(b"provision".to_vec())));
    let why = "the slot that takes traffic now";
    Ok(of_ours(path, found, wanted, why))
}

pub(super) async fn roots<H: Host>(
    host: &H,
    path: PathBuf,
    text: String,
    why: &'static str,
) -> StepResult<File> {
    let found = read(host, &path).await?;
    Ok(File {
        path,
        wanted: Some(text.into_bytes()),
        found,
        owner: Owner::Root,
        loaded: true,
        why,
        diff: Vec::new(),
    })
}

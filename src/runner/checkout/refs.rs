//! Where a repository keeps its parts, and the commit that `HEAD` is.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::protocol::ids::Commit;

/// More than any of the files that are read whole needs; one that is packed with a hundred thousand
/// refs is below it.
const LONGEST: u64 = 16 * 1024 * 1024;

/// How often a ref may name another one.
const MOST_HOPS: u8 = 5;

/// The two folders of a checkout.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GitDirectories {
    /// `HEAD` is here.
    own: PathBuf,
    /// Refs are here; the same one, unless it is a linked worktree.
    common: PathBuf,
}

impl GitDirectories {
    /// `.git` is the folder, or a file that names it.
    pub(super) fn open(dot_git: &Path) -> Result<Self, String> {
        let own = if dot_git.is_file() {
            let text = read(dot_git)?;
            let named = text.trim().strip_prefix("gitdir:").map(str::trim);
            let named = named.ok_or_else(|| format!("`{}` names no folder", dot_git.display()))?;
            beside(dot_git, named)
        } else {
            dot_git.to_owned()
        };
        let own = there(own)?;
        let file = own.join("commondir");
        let common = match file.exists() {
            true => there(own.join(read(&file)?.trim()))?,
            false => own.clone(),
        };
        Ok(Self { own, common })
    }
}

fn there(folder: PathBuf) -> Result<PathBuf, String> {
    match folder.is_dir() {
        true => Ok(folder),
        false => Err(format!("`{}` is not there", folder.display())),
    }
}

fn beside(file: &Path, named: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("/")).join(named)
}

/// The checked-out commit, by whatever number of names.
pub(super) fn head(places: &GitDirectories) -> Result<Commit, String> {
    let mut text = read(&places.own.join("HEAD"))?;
    for _ in 0..MOST_HOPS {
        let Some(name) = text.trim().strip_prefix("ref:").map(str::trim) else {
            let word = text.trim();
            return word
                .parse()
                .map_err(|error| format!("`HEAD` is no commit: {error}"));
        };
        if !is_ref(name) {
            return Err("`HEAD` names no ref".to_owned());
        }
        let loose = [&places.own, &places.common]
            .into_iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file());
        text = match loose {
            Some(path) => read(&path)?,
            None => packed(&places.common, name)?,
        };
    }
    Err("`HEAD` goes in circles".to_owned())
}

/// Below `refs/`, and without a way out of it.
fn is_ref(name: &str) -> bool {
    name.starts_with("refs/") && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn packed(common: &Path, name: &str) -> Result<String, String> {
    let nowhere = || format!("`HEAD` is `{name}`, which has no commit");
    let path = common.join("packed-refs");
    if !path.is_file() {
        return Err(nowhere());
    }
    let text = read(&path)?;
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let found = lines.find(|(_, named)| *named == name);
    found
        .map(|(commit, _)| commit.to_owned())
        .ok_or_else(nowhere)
}

fn read(path: &Path) -> Result<String, String> {
    let trouble = |error| format!("`{}` cannot be read: {error}", path.display());
    let file = File::open(path).map_err(trouble)?;
    let mut bytes = Vec::new();
    file.take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(trouble)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

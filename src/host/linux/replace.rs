//! Replaces a file whole or not at all. Blocks.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Result, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use super::super::HostResult;
use super::super::error::HostError;
use crate::random::random_hex;

/// The end of the name of a file that is being written.
const PARTIAL: &str = ".pct-deploy-partial";
/// A partial file as old as this has no writer any more.
const ABANDONED: Duration = Duration::from_secs(600);

/// Replaces a file of whoever we are: temp file, fsync, rename, fsync of the folder.
///
/// An existing file keeps its mode and owner, and a link to it stays a link; a new one gets `mode`.
/// Blocks. When anything fails, the disk being full above all, the old file is untouched.
pub fn replace_here(path: &Path, bytes: &[u8], mode: u32) -> HostResult<()> {
    replace(path, bytes, mode)
        .map_err(|error| HostError::io(format!("write `{}`", path.display()), error))
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let (path, old) = match path.canonicalize() {
        Ok(real) => {
            let old = real.metadata()?;
            (real, Some(old))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(error),
    };
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return Err(std::io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a plain file",
        ));
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(std::io::Error::new(
            ErrorKind::InvalidInput,
            "it is not in a folder",
        ));
    };
    sweep(folder, name);
    let temp = folder.join(temp_name(name)?);
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temp)?;
        file.write_all(bytes)?;
        let new = file.metadata()?;
        if let Some(old) = &old
            && (old.uid(), old.gid()) != (new.uid(), new.gid())
        {
            std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        let mode = old.as_ref().map_or(mode, |old| old.mode() & 0o7777);
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        std::fs::rename(&temp, &path)
    })();
    if written.is_err() {
        // The first error is the one to tell.
        drop(std::fs::remove_file(&temp));
    }
    written?;
    sync_folder(folder)
}

/// Replaces a file with bytes that are written over `spare`, in place, so that it needs no room; `spare` takes its name.
pub(super) fn replace_with(spare: &Path, path: &Path, bytes: &[u8]) -> HostResult<()> {
    let replace = || {
        let mut file = OpenOptions::new().write(true).open(spare)?;
        let room = file.metadata()?.len();
        if room < bytes.len() as u64 {
            return Err(ErrorKind::FileTooLarge.into());
        }
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_all()?;
        std::fs::rename(spare, path)?;
        let folders = [path.parent(), spare.parent()];
        folders.into_iter().flatten().try_for_each(sync_folder)
    };
    replace().map_err(|error| {
        let doing = format!(
            "write `{}` in the room of `{}`",
            path.display(),
            spare.display()
        );
        HostError::io(doing, error)
    })
}

pub(super) fn temp_name(name: &OsStr) -> Result<std::ffi::OsString> {
    // A leading dot keeps it out of include patterns such as nginx's `conf.d/*.conf`.
    let mut temp = std::ffi::OsString::from(".");
    temp.push(name);
    temp.push(format!(".{}{PARTIAL}", random_hex(8)?));
    Ok(temp)
}

/// Removes what a writer of this file left behind when it was killed. Best effort.
fn sweep(folder: &Path, name: &OsStr) {
    let Ok(entries) = folder.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let entry_name = entry.file_name();
        let bytes = entry_name.as_encoded_bytes();
        let is_partial = bytes.strip_prefix(b".").is_some_and(|rest| {
            rest.strip_prefix(name.as_encoded_bytes())
                .and_then(|rest| rest.strip_suffix(PARTIAL.as_bytes()))
                .is_some_and(|middle| middle.len() == 17 && middle.starts_with(b"."))
        });
        let is_old = || {
            let age = entry
                .metadata()
                .and_then(|meta| meta.modified())
                .map(|time| time.elapsed());
            matches!(age, Ok(Ok(age)) if age > ABANDONED)
        };
        if is_partial && is_old() {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

/// Makes renames, new names and removals in a folder survive a power cut.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    fn list(folder: &Path) -> Vec<String> {
        let names = folder.read_dir().unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_new_file_gets_the_mode_and_an_old_one_keeps_its_own() {
        let folder = folder();
        let path = folder.path().join("app.env");
        replace_here(&path, b"one", 0o600).unwrap();
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace_here(&path, b"two", 0o600).unwrap();
        assert_eq!(mode(&path), 0o640);
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(list(folder.path()), ["app.env"]);
    }

    #[test]
    fn a_spare_becomes_the_file_whole_and_a_short_one_stays_what_it_is() {
        let folder = folder();
        let of = |name: &str| folder.path().join(name);
        for (name, len) in [("short", 2), ("long", 4096)] {
            std::fs::write(of(name), vec![7; len]).unwrap();
        }
        std::fs::write(of("open.jsonl"), "old").unwrap();
        assert!(replace_with(&of("short"), &of("open.jsonl"), b"new line").is_err());
        assert_eq!(std::fs::read(of("short")).unwrap(), [7, 7]);
        assert!(replace_with(&of("none"), &of("open.jsonl"), b"new").is_err());
        assert_eq!(std::fs::read(of("open.jsonl")).unwrap(), b"old");
        replace_with(&of("long"), &of("open.jsonl"), b"new line").unwrap();
        assert_eq!(std::fs::read(of("open.jsonl")).unwrap(), b"new line");
        assert_eq!(list(folder.path()), ["open.jsonl", "short"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = folder();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        replace_here(&link, b"new", 0o644).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(&real).unwrap(), b"new");
    }

    #[test]
    fn what_a_killed_writer_left_is_swept_once_it_is_old() {
        let folder = folder();
        let path = folder.path().join("live");
        let young = folder.path().join(format!(".live.{:016x}{PARTIAL}", 1));
        let old = folder.path().join(format!(".live.{:016x}{PARTIAL}", 2));
        let other = folder.path().join(format!(".alive.{:016x}{PARTIAL}", 3));
        for (file, age) in [(&young, 0), (&old, 3600), (&other, 3600)] {
            let file = File::create(file).unwrap();
            let time = std::time::SystemTime::now() - Duration::from_secs(age);
            file.set_modified(time).unwrap();
        }
        replace_here(&path, b"", 0o644).unwrap();
        assert!(young.exists() && !old.exists() && other.exists());
    }

    #[test]
    fn a_folder_is_not_replaced() {
        let folder = folder();
        assert!(replace_here(folder.path(), b"x", 0o644).is_err());
    }
}

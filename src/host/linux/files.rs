//! Files of ours: replaced whole or not at all, appended to, listed.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Result, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::{HostError, Trouble};
use super::super::{Durability, HostResult};
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

pub(super) fn read(path: &Path) -> HostResult<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(HostError::io(format!("read `{}`", path.display()), error)),
    }
}

pub(super) fn remove(path: &Path) -> HostResult<()> {
    let removed = match std::fs::remove_file(path) {
        Err(error) if is_absent(&error) => return Ok(()),
        other => other,
    };
    removed
        .and_then(|()| path.parent().map_or(Ok(()), sync_folder))
        .map_err(|error| HostError::io(format!("remove `{}`", path.display()), error))
}

pub(super) fn rename(from: &Path, to: &Path) -> HostResult<()> {
    let renamed = std::fs::rename(from, to).and_then(|()| {
        let folders = [to.parent(), from.parent()];
        folders.into_iter().flatten().try_for_each(sync_folder)
    });
    renamed.map_err(|error| {
        HostError::io(
            format!("rename `{}` to `{}`", from.display(), to.display()),
            error,
        )
    })
}

pub(super) fn append(path: &Path, bytes: &[u8], durability: Durability) -> HostResult<()> {
    let append = || {
        let mut options = OpenOptions::new();
        options.append(true);
        let (mut file, is_new) = match options.open(path) {
            Ok(file) => (file, false),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                (options.create(true).mode(0o600).open(path)?, true)
            }
            Err(error) => return Err(error),
        };
        file.write_all(bytes)?;
        match durability {
            Durability::Written => Ok(()),
            Durability::Synced => {
                file.sync_data()?;
                let folder = path.parent().filter(|_| is_new);
                folder.map_or(Ok(()), sync_folder)
            }
        }
    };
    append().map_err(|error| HostError::io(format!("add to `{}`", path.display()), error))
}

pub(super) fn make_folder(path: &Path) -> HostResult<()> {
    let make = || {
        let missing: Vec<_> = path
            .ancestors()
            .take_while(|folder| !folder.exists())
            .collect();
        for folder in missing.iter().rev() {
            match DirBuilder::new().mode(0o755).create(folder) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    // The umask may have taken bits away.
                    std::fs::set_permissions(folder, Permissions::from_mode(0o755))?;
                    folder.parent().map_or(Ok(()), sync_folder)?;
                }
            }
        }
        if path.is_dir() {
            Ok(())
        } else {
            Err(ErrorKind::NotADirectory.into())
        }
    };
    make().map_err(|error| HostError::io(format!("make the folder `{}`", path.display()), error))
}

pub(super) fn list(path: &Path) -> HostResult<Vec<String>> {
    let list = || {
        let mut names = Vec::new();
        for entry in path.read_dir()? {
            // A name that is not UTF-8 is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    };
    match list() {
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        other => other.map_err(|error: std::io::Error| {
            HostError::io(format!("list the folder `{}`", path.display()), error)
        }),
    }
}

pub(super) fn free_bytes(path: &Path) -> HostResult<u64> {
    let doing = || format!("measure the free space at `{}`", path.display());
    for folder in path.ancestors() {
        match rustix::fs::statvfs(folder) {
            Ok(facts) => return Ok(facts.f_bavail.saturating_mul(facts.f_frsize)),
            Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(HostError::io(doing(), error.into())),
        }
    }
    Err(HostError::new(Trouble::Missing, doing()))
}

/// An absolute, link-free form of a path whose last part need not exist.
pub(super) fn resolve(home: &Path, path: &str) -> HostResult<PathBuf> {
    let whole = match path.strip_prefix('~') {
        Some("") => home.to_owned(),
        Some(rest) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        Some(_) | None => home.join(path),
    };
    let resolved = match whole.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match (whole.parent(), whole.file_name()) {
                (Some(parent), Some(name)) => parent.canonicalize().map(|parent| parent.join(name)),
                _ => Err(error),
            }
        }
        other => other,
    };
    resolved.map_err(|error| HostError::io(format!("find `{}`", whole.display()), error))
}

pub(super) fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
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

    #[test]
    fn a_new_file_gets_the_mode_and_an_old_one_keeps_its_own() {
        let folder = folder();
        let path = folder.path().join("app.env");
        replace_here(&path, b"one", 0o600).unwrap();
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace_here(&path, b"two", 0o600).unwrap();
        assert_eq!(mode(&path), 0o640);
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(list(folder.path()).unwrap(), ["app.env"]);
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
        assert_eq!(list(folder.path()).unwrap(), ["open.jsonl", "short"]);
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

    #[test]
    fn missing_things_are_not_errors() {
        let folder = folder();
        let path = folder.path().join("a/b");
        assert_eq!(read(&path).unwrap(), None);
        remove(&path).unwrap();
        assert!(list(&path).unwrap().is_empty());
        assert!(free_bytes(&path).unwrap() > 0);
    }

    #[test]
    fn appends_add_up_and_folders_are_made() {
        let folder = folder();
        let inner = folder.path().join("a/b");
        make_folder(&inner).unwrap();
        make_folder(&inner).unwrap();
        assert_eq!(mode(&inner), 0o755);
        let path = inner.join("open.jsonl");
        append(&path, b"1\n", Durability::Synced).unwrap();
        append(&path, b"2\n", Durability::Written).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"1\n2\n"[..]));
        assert_eq!(mode(&path), 0o600);
        let error = make_folder(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot make the folder `{}`", path.display())
        );
    }

    #[test]
    fn paths_start_at_home_and_lose_their_links() {
        let folder = folder();
        let home = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(home.join("real")).unwrap();
        std::os::unix::fs::symlink("real", home.join("link")).unwrap();
        let of = |path: &str| resolve(&home, path).unwrap();
        assert_eq!(of("."), home);
        assert_eq!(of("~"), home);
        assert_eq!(of("~/link"), home.join("real"));
        assert_eq!(of("link/../link/new"), home.join("real/new"));
        assert_eq!(of("/"), Path::new("/"));
        assert_eq!(
            resolve(&home, "no/such").unwrap_err().trouble,
            Trouble::Missing
        );
    }
}

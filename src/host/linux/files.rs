//! Files of ours, and root's through `sudo -n`.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::super::error::{HostError, Trouble};
use super::super::facts::Inodes;
use super::super::{Access, Durability, Files, HostResult, LockAttempt, Owner};
use super::replace::{replace_here, replace_with, sync_folder};
use super::{LinuxHost, lock, root, tail};

impl Files for LinuxHost {
    type Lock = lock::FileLock;

    async fn read(&self, path: &Path) -> HostResult<Option<Vec<u8>>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(HostError::io(format!("read `{}`", path.display()), error)),
        }
    }

    async fn replace(
        &self,
        path: &Path,
        bytes: &[u8],
        owner: Owner,
        access: Access,
    ) -> HostResult<()> {
        let mode = match access {
            Access::Public => 0o644,
            Access::Private => 0o600,
        };
        if owner == Owner::Root && !root::is_root() && !root::is_our_own(path) {
            return root::replace(path, bytes, mode).await;
        }
        let (file, bytes) = (path.to_owned(), bytes.to_owned());
        on_disk(move || replace_here(&file, &bytes, mode)).await?;
        self.faults.line_written(path);
        Ok(())
    }

    async fn replace_with(&self, spare: &Path, path: &Path, bytes: &[u8]) -> HostResult<()> {
        let (spare, file, bytes) = (spare.to_owned(), path.to_owned(), bytes.to_owned());
        on_disk(move || replace_with(&spare, &file, &bytes)).await?;
        self.faults.line_written(path);
        Ok(())
    }

    async fn remove(&self, path: &Path, owner: Owner) -> HostResult<()> {
        if owner == Owner::Root && !root::is_root() {
            return root::remove(path).await;
        }
        let path = path.to_owned();
        on_disk(move || {
            let removed = match std::fs::remove_file(&path) {
                Err(error) if is_absent(&error) => return Ok(()),
                other => other,
            };
            removed
                .and_then(|()| path.parent().map_or(Ok(()), sync_folder))
                .map_err(|error| HostError::io(format!("remove `{}`", path.display()), error))
        })
        .await
    }

    async fn keep_copy(&self, from: &Path, to: &Path, owner: Owner) -> HostResult<()> {
        root::keep_copy(from, to, owner).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> HostResult<()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        on_disk(move || {
            let renamed = std::fs::rename(&from, &to).and_then(|()| {
                let folders = [to.parent(), from.parent()];
                folders.into_iter().flatten().try_for_each(sync_folder)
            });
            renamed.map_err(|error| {
                let doing = format!("rename `{}` to `{}`", from.display(), to.display());
                HostError::io(doing, error)
            })
        })
        .await
    }

    async fn append(&self, path: &Path, bytes: &[u8], durability: Durability) -> HostResult<()> {
        let (file, bytes) = (path.to_owned(), bytes.to_owned());
        on_disk(move || append_here(&file, &bytes, durability)).await?;
        self.faults.line_written(path);
        Ok(())
    }

    async fn read_from(&self, path: &Path, from: u64, most: usize) -> HostResult<Vec<u8>> {
        tail::read_from(path, from, most)
    }

    async fn written_ms(&self, path: &Path) -> HostResult<Option<u64>> {
        let written = std::fs::metadata(path).and_then(|facts| facts.modified());
        match written {
            Ok(time) => {
                let since = time.duration_since(std::time::UNIX_EPOCH);
                let ms = since.map_or(0, |since| since.as_millis());
                Ok(Some(u64::try_from(ms).unwrap_or(u64::MAX)))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(HostError::io(
                format!("look at `{}`", path.display()),
                error,
            )),
        }
    }

    async fn empty(&self, path: &Path) -> HostResult<()> {
        tail::empty_for_nginx(path).await
    }

    async fn make_folder(&self, path: &Path) -> HostResult<()> {
        let folder = path.to_owned();
        match on_disk(move || make_folder_here(&folder)).await {
            Err(error) if error.trouble == Trouble::Denied && !root::is_root() => {
                root::make_folder(path).await
            }
            other => other,
        }
    }

    /// What an app printed, and who deployed what when, are nobody else's business.
    async fn make_private(&self, path: &Path) -> HostResult<()> {
        std::fs::set_permissions(path, Permissions::from_mode(0o700))
            .map_err(|error| HostError::io(format!("close the folder `{}`", path.display()), error))
    }

    async fn make_root_folder(&self, path: &Path) -> HostResult<()> {
        root::make_own_folder(path).await
    }

    async fn list(&self, path: &Path) -> HostResult<Vec<String>> {
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

    async fn free_bytes(&self, path: &Path) -> HostResult<u64> {
        let facts = file_system(path, "free space")?;
        Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
    }

    async fn inodes(&self, path: &Path) -> HostResult<Inodes> {
        let facts = file_system(path, "free inodes")?;
        Ok(Inodes {
            free: facts.f_favail,
            total: facts.f_files,
        })
    }

    async fn try_lock(&self, path: &Path, holder: &str) -> HostResult<LockAttempt<lock::FileLock>> {
        lock::try_lock(path, holder)
    }

    async fn resolve(&self, path: &str) -> HostResult<PathBuf> {
        resolve(&self.home, path)
    }
}

/// Runs what waits for a disk on a thread of its own: a slow one must not stop the probes.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> HostResult<T> + Send + 'static,
) -> HostResult<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(HostError::new(Trouble::Other, "use the disk").because(error)),
    }
}

fn file_system(path: &Path, what: &str) -> HostResult<rustix::fs::StatVfs> {
    let doing = || format!("measure the {what} at `{}`", path.display());
    for folder in path.ancestors() {
        match rustix::fs::statvfs(folder) {
            Ok(facts) => return Ok(facts),
            Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(HostError::io(doing(), error.into())),
        }
    }
    Err(HostError::new(Trouble::Missing, doing()))
}

fn append_here(path: &Path, bytes: &[u8], durability: Durability) -> HostResult<()> {
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

fn make_folder_here(path: &Path) -> HostResult<()> {
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

/// An absolute, link-free form of a path whose last part need not exist.
fn resolve(home: &Path, path: &str) -> HostResult<PathBuf> {
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

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn host() -> LinuxHost {
        LinuxHost::new().unwrap()
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[tokio::test]
    async fn missing_things_are_not_errors() {
        let (host, folder) = (host(), folder());
        let path = folder.path().join("a/b");
        assert_eq!(host.read(&path).await.unwrap(), None);
        host.remove(&path, Owner::Us).await.unwrap();
        assert!(host.list(&path).await.unwrap().is_empty());
        assert!(host.free_bytes(&path).await.unwrap() > 0);
    }

    #[tokio::test]
    async fn appends_add_up_and_folders_are_made() {
        let (host, folder) = (host(), folder());
        let inner = folder.path().join("a/b");
        host.make_folder(&inner).await.unwrap();
        host.make_folder(&inner).await.unwrap();
        assert_eq!(mode(&inner), 0o755);
        let path = inner.join("open.jsonl");
        host.append(&path, b"1\n", Durability::Synced)
            .await
            .unwrap();
        host.append(&path, b"2\n", Durability::Written)
            .await
            .unwrap();
        assert_eq!(
            host.read(&path).await.unwrap().as_deref(),
            Some(&b"1\n2\n"[..])
        );
        assert_eq!(mode(&path), 0o600);
        let error = host.make_folder(&path).await.unwrap_err();
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

    #[tokio::test]
    async fn a_private_folder_is_ours_alone_and_a_missing_file_has_no_time() {
        let (host, folder) = (host(), folder());
        let path = folder.path();
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        host.make_private(path).await.unwrap();
        assert_eq!(mode(path), 0o700);
        assert!(
            host.written_ms(path)
                .await
                .unwrap()
                .is_some_and(|ms| ms > 0)
        );
        assert_eq!(host.written_ms(&path.join("x")).await.unwrap(), None);
    }
}

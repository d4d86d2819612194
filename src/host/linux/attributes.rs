//! What a file is beside its bytes: where a link leads, who may look, when it was written.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::HostResult;
use super::super::error::HostError;
use super::files::{is_absent, sync_folder, temp_name};

/// Makes a link to `target`, or has the one that is there name it: whole or not at all. Within one folder by the name alone.
pub(super) fn link(path: &Path, target: &Path) -> HostResult<()> {
    let target = match (target.parent() == path.parent(), target.file_name()) {
        (true, Some(name)) => Path::new(name),
        (true, None) | (false, _) => target,
    };
    if std::fs::read_link(path).is_ok_and(|now| now == target) {
        return Ok(());
    }
    let link = || {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(ErrorKind::InvalidInput.into());
        };
        let temp = folder.join(temp_name(name)?);
        std::os::unix::fs::symlink(target, &temp)?;
        let renamed = std::fs::rename(&temp, path);
        if renamed.is_err() {
            // The first error is the one to tell.
            drop(std::fs::remove_file(&temp));
        }
        renamed.and_then(|()| sync_folder(folder))
    };
    link().map_err(|error| HostError::io(format!("link `{}`", path.display()), error))
}

/// What an app printed, and who deployed what when, are nobody else's business.
pub(super) fn make_private(path: &Path) -> HostResult<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
        .map_err(|error| HostError::io(format!("close the folder `{}`", path.display()), error))
}

pub(super) fn written_ms(path: &Path) -> HostResult<Option<u64>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_what_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("current");
        for target in ["a", "b", "b"] {
            link(&path, &folder.path().join(target)).unwrap();
            assert_eq!(std::fs::read_link(&path).unwrap(), Path::new(target));
        }
        link(&path, Path::new("/usr/bin/x")).unwrap();
        assert_eq!(std::fs::read_link(&path).unwrap(), Path::new("/usr/bin/x"));
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_private_folder_is_ours_alone_and_a_missing_file_has_no_time() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        make_private(folder.path()).unwrap();
        let mode = folder.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        assert!(written_ms(folder.path()).unwrap().is_some_and(|ms| ms > 0));
        assert_eq!(written_ms(&folder.path().join("x")).unwrap(), None);
    }
}

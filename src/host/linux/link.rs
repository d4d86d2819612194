//! A link that is made or changed whole or not at all.

use std::io::ErrorKind;
use std::path::Path;

use super::super::HostResult;
use super::super::error::HostError;
use super::replace::{sync_folder, temp_name};

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
}

//! Where `.pct-deploy.yml` is.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::file::{DEFAULT_FILE, SettingsFile};

/// Reads it; `None` when it is not there.
pub(super) fn read(path: &Path, is_above: bool) -> Result<Option<SettingsFile>, String> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(SettingsFile {
            name,
            text,
            is_above,
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!(
            "the settings file `{name}` cannot be read: {error}"
        )),
    }
}

/// The nearest one in the folders above the working directory.
pub(super) fn above(home: Option<&String>) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let home = home.and_then(|home| Path::new(home).canonicalize().ok());
    nearest(&here, home.as_deref())
}

/// Not beyond the root of the repository, or else the home folder: what lies above is not the user's.
fn nearest(here: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let is_repository = |folder: &&Path| folder.join(".git").symlink_metadata().is_ok();
    let root = here.ancestors().find(is_repository);
    let top = root.or_else(|| home.filter(|home| here.starts_with(home)))?;
    let folders = here
        .ancestors()
        .take_while(|folder| folder.starts_with(top));
    let mut files = folders.skip(1).map(|folder| folder.join(DEFAULT_FILE));
    files.find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_for_upwards_and_not_beyond_what_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let below = root.join("home/repo/a/b");
        std::fs::create_dir_all(&below).unwrap();
        let home = root.join("home");
        let find = || nearest(&below, Some(&home));
        std::fs::write(root.join(DEFAULT_FILE), "").unwrap();
        assert_eq!(find(), None);
        assert_eq!(nearest(&below, None), None);
        std::fs::write(home.join(DEFAULT_FILE), "").unwrap();
        assert_eq!(find(), Some(home.join(DEFAULT_FILE)));
        std::fs::create_dir_all(root.join("home/repo/.git")).unwrap();
        assert_eq!(find(), None);
        for inner in ["home/repo", "home/repo/a"] {
            let file = root.join(inner).join(DEFAULT_FILE);
            std::fs::write(&file, "").unwrap();
            assert_eq!(find(), Some(file));
        }
    }
}

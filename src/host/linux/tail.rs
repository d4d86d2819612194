//! A file that another program appends to: read from a place on, emptied in place.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::super::HostResult;
use super::super::error::{HostError, Trouble};
use super::{nginx_cli, root};

pub(super) fn read_from(path: &Path, from: u64, most: usize) -> HostResult<Vec<u8>> {
    let read = || {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| HostError::io(format!("read `{}`", path.display()), error))
}

/// What [`empty`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emptied {
    /// The file, which is empty now.
    InPlace,
    /// Nothing: it was made.
    Made,
}

fn empty(path: &Path) -> HostResult<Emptied> {
    let mut options = OpenOptions::new();
    let emptied = match options.write(true).truncate(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = options.create(true).mode(0o644).open(path);
            made.map(|_made| Emptied::Made)
        }
        other => other.map(|_emptied| Emptied::InPlace),
    };
    match emptied {
        Ok(emptied) => Ok(emptied),
        Err(error) => Err(HostError::io(format!("empty `{}`", path.display()), error)),
    }
}

/// The same for a log that nginx writes, whoever it belongs to by now.
pub(super) async fn empty_for_nginx(path: &Path) -> HostResult<()> {
    match empty(path) {
        // Whoever rotates logs has nginx take them for its own user.
        Err(error) if error.trouble == Trouble::Denied && !root::is_root() => {
            root::empty(path).await
        }
        // nginx still writes to the file that somebody removed.
        Ok(Emptied::Made) => nginx_cli::reopen().await,
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_writer_goes_on_after_its_file_was_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traffic.log");
        assert_eq!(read_from(&path, 0, 9).unwrap(), b"");
        empty(&path).unwrap();
        let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
        writer.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(read_from(&path, 4, 3).unwrap(), b"two");
        assert_eq!(read_from(&path, 99, 3).unwrap(), b"");
        empty(&path).unwrap();
        writer.write_all(b"three\n").unwrap();
        assert_eq!(read_from(&path, 0, 99).unwrap(), b"three\n");
    }
}

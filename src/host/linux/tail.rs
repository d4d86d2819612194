//! A file that another program appends to: read from a place on, emptied in place.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::super::HostResult;
use super::super::error::HostError;

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

pub(super) fn empty(path: &Path) -> HostResult<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o644);
    match options.open(path) {
        Ok(_emptied) => Ok(()),
        Err(error) => Err(HostError::io(format!("empty `{}`", path.display()), error)),
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

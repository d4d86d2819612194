//! Writes single files into a tar stream.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Adds one file, folder or link; sockets and devices are left out.
pub(super) fn append(
    archive: &mut Builder<impl Write>,
    path: &Path,
    inside: &str,
    meta: &Metadata,
    sent: &mut Sent,
) -> io::Result<()> {
    let kind = meta.file_type();
    if kind.is_socket() || kind.is_fifo() || kind.is_block_device() || kind.is_char_device() {
        return Ok(());
    }
    let mut header = Header::new_gnu();
    header.set_mode(meta.mode() & 0o7777);
    header.set_mtime(meta.mtime().try_into().unwrap_or(0));
    // As the docker CLI does: files belong to root unless the Dockerfile says otherwise.
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    if kind.is_dir() {
        header.set_entry_type(EntryType::Directory);
        return archive.append_data(&mut header, format!("{inside}/"), io::empty());
    }
    sent.files += 1;
    if kind.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        return archive.append_link(&mut header, inside, fs::read_link(path)?);
    }
    sent.bytes += meta.len();
    header.set_entry_type(EntryType::Regular);
    header.set_size(meta.len());
    let content = Exactly {
        inner: File::open(path)?,
        left: meta.len(),
    };
    archive.append_data(&mut header, inside, content)
}

/// Reads as many bytes as the header promises: a log that grows must not break the archive.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(buffer) = buffer.get_mut(..room).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let read = self.inner.read(buffer)?;
        if read == 0 {
            return Err(io::Error::other("the file got shorter while it was read"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

const CHUNK: usize = 128 * 1024;

/// A writer that ends in a channel.
pub(super) fn pipe(send: mpsc::Sender<io::Result<Vec<u8>>>) -> BufWriter<impl Write> {
    BufWriter::with_capacity(CHUNK, Pipe(send))
}

/// The sending half of the stream as a writer.
struct Pipe(mpsc::Sender<io::Result<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Ok(bytes.to_vec()))
            .map_err(|_closed| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

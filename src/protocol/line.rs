//! Lines as they come in: from a pipe or from standard input, never longer than [`MAX_LINE`].

use std::io::{self, BufRead, Read as _};

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::wire::{MAX_LINE, WireError};

/// Splits a pipe into lines.
#[derive(Debug)]
pub struct LineReader<R> {
    pipe: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are known to hold no LF.
    searched: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// Reads from the pipe.
    pub fn new(pipe: R) -> Self {
        Self {
            pipe,
            buffer: Vec::new(),
            searched: 0,
        }
    }

    /// The next line, or `None` at the end. Losing the future loses no line, so this may stand in a `select!`. One that
    /// is too long is an error of the kind `InvalidData`.
    pub async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            let fresh = self.buffer.iter().skip(self.searched);
            if let Some(offset) = fresh.copied().position(|byte| byte == b'\n') {
                let rest = self.buffer.split_off(self.searched + offset + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            self.searched = self.buffer.len();
            if self.searched > MAX_LINE {
                let error = WireError::TooLong(self.searched);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            self.buffer.reserve(8 * 1024);
            if self.pipe.read_buf(&mut self.buffer).await? == 0 {
                // A line without its LF was cut off on the way and cannot be trusted.
                return Ok(None);
            }
        }
    }
}

/// The next line of what blocks, with its LF; empty at the end, and cut when it is too long.
pub fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input
        .take(MAX_LINE as u64 + 1)
        .read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wire::{Request, decode};

    #[tokio::test]
    async fn lines_are_whole_however_the_pipe_cuts_them() {
        let pipe =
            tokio::io::AsyncReadExt::chain(&b"on"[..], &b"e\ntwo\r\n\nth"[..]).chain(&b"ree"[..]);
        let mut lines = LineReader::new(pipe);
        for line in ["one", "two", ""] {
            assert_eq!(lines.next().await.unwrap().as_deref(), Some(line));
        }
        assert_eq!(lines.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_endless_line_is_refused_in_bounded_memory() {
        let mut lines = LineReader::new(tokio::io::repeat(b'x'));
        let error = lines.next().await.unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        assert!(lines.buffer.capacity() < 4 * MAX_LINE);
    }

    #[test]
    fn what_blocks_is_read_line_by_line() {
        let mut input: &[u8] = b"{\"request\":\"cancel\"}\nrest";
        let first = read_line(&mut input).unwrap();
        assert_eq!(decode::<Request>(&first).unwrap(), Request::Cancel);
        assert_eq!(read_line(&mut input).unwrap(), "rest");
        assert_eq!(read_line(&mut input).unwrap(), "");
        let endless = vec![b'x'; 3 * MAX_LINE];
        let cut = read_line(&mut endless.as_slice()).unwrap();
        assert!(matches!(
            decode::<Request>(&cut),
            Err(WireError::TooLong(_))
        ));
    }
}

//! WebSocket echo (RFC 6455): a connection that outlives every request, for trying a drain.

use std::io::{self, BufRead, Read, Write};

use sha1_smol::Sha1;

use crate::config::Config;

/// Longer frames end the connection.
const LONGEST: u64 = 64 * 1024;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// "Going away": what a server says that shuts down.
const GOING_AWAY: [u8; 2] = 1001_u16.to_be_bytes();

/// Switches protocols in answer to the client's `key`.
pub(crate) fn accept(to: &mut impl Write, config: &Config, key: &str) -> io::Result<()> {
    let Config { version, host, .. } = config;
    write!(
        to,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\nX-Version: {version}\r\nX-Slot-Host: {host}\r\n\r\n",
        accept_key(key)
    )
}

/// Reads one frame and answers it; false when that was the last one.
pub(crate) fn echo(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<bool> {
    let [first, second] = read(from)?;
    let opcode = first & 0x0F;
    let masked = second & 0x80 != 0;
    let length = match second & 0x7F {
        126 => u64::from(u16::from_be_bytes(read(from)?)),
        127 => u64::from_be_bytes(read(from)?),
        short => u64::from(short),
    };
    if !masked || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mask: [u8; 4] = read(from)?;
    let mut payload = Vec::new();
    if from.take(length).read_to_end(&mut payload)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    match opcode {
        PONG => return Ok(true),
        PING => send(to, 0x80 | PONG, &payload)?,
        _ => send(to, first, &payload)?,
    }
    Ok(opcode != CLOSE)
}

/// Tells the client that this server goes away.
pub(crate) fn close(to: &mut impl Write) -> io::Result<()> {
    send(to, 0x80 | CLOSE, &GOING_AWAY)
}

fn send(to: &mut impl Write, first: u8, payload: &[u8]) -> io::Result<()> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..126) => frame.push(length.to_le_bytes()[0]),
        Ok(length) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    to.write_all(&frame)
}

fn read<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn accept_key(key: &str) -> String {
    base64(
        &Sha1::from(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
            .digest()
            .bytes(),
    )
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, i| {
            bits << 8 | usize::from(group.get(i).copied().unwrap_or(0))
        });
        for i in 0..4 {
            let digit = ALPHABET
                .get(bits >> (18 - 6 * i) & 63)
                .filter(|_| i <= group.len());
            text.push(char::from(*digit.unwrap_or(&b'=')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_answered_as_in_the_standard() {
        assert_eq!(
            accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(
            (base64(b""), base64(b"f"), base64(b"foobar")),
            (String::new(), "Zg==".to_owned(), "Zm9vYmFy".to_owned())
        );
    }

    #[test]
    fn a_masked_frame_comes_back_unmasked() -> io::Result<()> {
        let mut answer = Vec::new();
        let hello = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert!(echo(&mut &hello[..], &mut answer)?);
        assert_eq!(answer, [0x81, 0x05, b'H', b'e', b'l', b'l', b'o']);
        Ok(())
    }

    #[test]
    fn a_long_frame_keeps_its_length() -> io::Result<()> {
        let mut frame = vec![0x82, 0xFF];
        frame.extend(65_536_u64.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(vec![7; 65_536]);
        let mut answer = Vec::new();
        assert!(echo(&mut &frame[..], &mut answer)?);
        assert_eq!((answer.len(), answer.get(1)), (65_536 + 10, Some(&127)));
        Ok(())
    }

    #[test]
    fn control_frames() -> io::Result<()> {
        let mut answer = Vec::new();
        assert!(echo(&mut &[0x89, 0x80, 0, 0, 0, 0][..], &mut answer)?);
        assert!(!echo(&mut &[0x88, 0x80, 0, 0, 0, 0][..], &mut answer)?);
        assert_eq!(answer, [0x8A, 0, 0x88, 0]);
        assert!(echo(&mut &[0x81, 0x00][..], &mut answer).is_err());
        Ok(())
    }
}

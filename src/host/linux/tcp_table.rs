//! `/proc/net/tcp` and `tcp6`. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const ESTABLISHED: &str = "01";
const LISTENING: &str = "0A";
const TIME_WAIT: &str = "06";

/// Whether a line is an established connection to exactly this address, seen from the side that
/// connected or from any other socket whose peer it is.
pub(super) fn is_connection_to(line: &str, address: SocketAddr) -> bool {
    connected(line).is_some_and(|(_, peer)| is_at(peer, address))
}

/// The own port and the peer of an established connection.
pub(super) fn connected(line: &str) -> Option<(u16, (IpAddr, u16))> {
    let mut fields = line.split_ascii_whitespace();
    let (local, remote, state) = (fields.nth(1)?, fields.next()?, fields.next()?);
    if state != ESTABLISHED {
        return None;
    }
    Some((parse_address(local)?.1, parse_address(remote)?))
}

/// Whether a peer is exactly this address and port.
fn is_at((ip, port): (IpAddr, u16), address: SocketAddr) -> bool {
    ip.to_canonical() == address.ip().to_canonical() && port == address.port()
}

/// Whether a line is a connection with exactly this address that ended within the last seconds. The kernel keeps it
/// for 60 s in TIME-WAIT and shows what is left of them in hundredths of a second (`tr` 3, `tm->when`).
pub(super) fn ended_within(line: &str, address: SocketAddr, seconds: u32) -> bool {
    ended(line, seconds)
        .is_some_and(|Ended { local, peer }| is_at(local, address) || is_at(peer, address))
}

/// A connection that ended a moment ago.
pub(super) struct Ended {
    pub(super) local: (IpAddr, u16),
    pub(super) peer: (IpAddr, u16),
}

/// The connection of a line, when it ended within the last seconds.
pub(super) fn ended(line: &str, seconds: u32) -> Option<Ended> {
    let mut fields = line.split_ascii_whitespace();
    let (local, remote, state) = (fields.nth(1)?, fields.next()?, fields.next()?);
    if state != TIME_WAIT {
        return None;
    }
    let left = fields.nth(1)?.strip_prefix("03:")?;
    let left = u32::from_str_radix(left, 16).ok()?;
    (left + 100 * seconds > 6000).then_some(Ended {
        local: parse_address(local)?,
        peer: parse_address(remote)?,
    })
}

/// The port of a socket that waits for connections, from wherever.
pub(super) fn listening_port(line: &str) -> Option<u16> {
    let mut fields = line.split_ascii_whitespace();
    let (local, state) = (fields.nth(1)?, fields.nth(1)?);
    (state == LISTENING)
        .then(|| parse_address(local))?
        .map(|(_, port)| port)
}

/// Whether a line is a socket that waits for connections from other machines. Docker's own name server in each
/// container listens on the loopback address, which does not count.
pub(super) fn is_listener(line: &str) -> bool {
    let mut fields = line.split_ascii_whitespace();
    let (Some(local), Some(state)) = (fields.nth(1), fields.nth(1)) else {
        return false;
    };
    state == LISTENING
        && parse_address(local).is_some_and(|(ip, _)| !ip.to_canonical().is_loopback())
}

/// An address as the kernel prints it: each 32-bit word of the address, which is in network order
/// in memory, as a number of this machine; the port as a plain number.
fn parse_address(text: &str) -> Option<(IpAddr, u16)> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let hex = ip.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(hex, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match ip.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?).into()
        }
        _ => return None,
    };
    Some((ip, port))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    // From a host with a slot behind docker-proxy while nginx had one request in flight:
    // nginx's socket, docker-proxy's accepted one, docker-proxy's own towards the container.
    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 115667 1 0 100 0 0 10 0
   1: 0100007F:D2F4 0100007F:1F90 01 00000000:00000000 00:00000000 00000000    33        0 115635 1 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:D2F4 01 00000000:00000000 00:00000000 00000000     0        0 115636 1 0 20 4 30 10 -1
   3: 010012AC:C35A 030012AC:1F90 01 00000000:00000000 00:00000000 00000000     0        0 115637 1 0 20 4 30 10 -1
   4: 0100007F:D2F6 0100007F:1F90 06 00000000:00000000 03:00000EA4 00000000     0        0 0 3 0";

    fn count(table: &str, address: &str) -> usize {
        let address = address.parse().unwrap();
        table
            .lines()
            .filter(|line| is_connection_to(line, address))
            .count()
    }

    #[test]
    fn a_listener_on_the_loopback_address_is_no_sign_of_readiness() {
        let listens = |local: &str| {
            is_listener(&format!(
                "0: {local} 00000000:00000000 0A 00000000:00000000 0 0 0 0 0"
            ))
        };
        assert!(listens("00000000:0CEA") && listens("00000000000000000000000000000000:2328"));
        assert!(!listens("0B00007F:A2C1") && !listens("0100007F:0CEA"));
        assert_eq!(TABLE.lines().filter(|line| is_listener(line)).count(), 0);
        assert!(!is_listener("0: 00000000:0CEA 0100007F:1F90 01 0"));
    }

    #[test]
    fn only_the_established_connection_to_the_published_port_counts() {
        assert_eq!(count(TABLE, "127.0.0.1:8080"), 1);
        assert_eq!(count(TABLE, "127.0.0.1:8081"), 0);
        assert_eq!(count(TABLE, "172.18.0.3:8080"), 1);
    }

    #[test]
    fn what_ended_a_moment_ago_is_told_by_its_timer() {
        let line = |left: &str| {
            format!(
                "   4: 0100007F:D2F6 0100007F:1F90 06 00000000:00000000 03:{left} 00000000 0 0 0 3 0"
            )
        };
        let ended =
            |left: &str, address: &str| ended_within(&line(left), address.parse().unwrap(), 5);
        assert!(ended("00001770", "127.0.0.1:8080") && ended("0000157D", "127.0.0.1:8080"));
        assert!(!ended("0000157C", "127.0.0.1:8080") && !ended("00001770", "127.0.0.1:8081"));
        assert!(
            ended("00001770", "127.0.0.1:54006"),
            "either side may have closed it"
        );
        assert!(TABLE.lines().all(|line| !ended_within(
            line,
            "127.0.0.1:8080".parse().unwrap(),
            5
        )));
    }

    #[test]
    fn version_6_and_mapped_addresses_are_read() {
        let line =
            |remote: &str| format!("   1: 00000000000000000000000001000000:D2F4 {remote} 01 0:0");
        let six = line("00000000000000000000000001000000:1F90");
        assert_eq!(count(&six, "[::1]:8080"), 1);
        let mapped = line("0000000000000000FFFF00000100007F:1F90");
        assert_eq!(count(&mapped, "127.0.0.1:8080"), 1);
        assert_eq!(count(&mapped, "[::ffff:127.0.0.1]:8080"), 1);
    }

    #[test]
    fn garbage_is_nothing() {
        for line in [
            "",
            "sl local",
            "1: 2 xyz 01",
            "1: 2 0100007F 01",
            "1: 2 0100007é:1F90 01",
        ] {
            assert!(
                !is_connection_to(line, "127.0.0.1:8080".parse().unwrap()),
                "{line}"
            );
        }
    }
}

//! Connections of an nginx in a container to a slot, as the kernel shows them in their networks.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::HostResult;
use super::net::{count_sockets, each_socket};
use super::tcp_table::{Ended, connected, ended, listening_port};

/// Established connections of nginx to the slot.
pub(super) fn connections(nginx: u32, to: Option<&[IpAddr]>, port: u16) -> HostResult<u32> {
    let own = listeners(nginx)?;
    count_sockets(Some(nginx), |line| {
        connected(line)
            .is_some_and(|(local, peer)| !own.contains(&local) && is_slot(peer, to, port))
    })
}

/// Connections to the slot that ended within the last seconds. The kernel keeps each on the side that closed it first.
pub(super) fn ended_lately(
    nginx: u32,
    slot: Option<u32>,
    to: Option<&[IpAddr]>,
    port: u16,
    seconds: u32,
) -> HostResult<u32> {
    let own = listeners(nginx)?;
    let by_nginx = count_sockets(Some(nginx), |line| {
        ended(line, seconds)
            .is_some_and(|Ended { local, peer }| !own.contains(&local.1) && is_slot(peer, to, port))
    })?;
    let Some(slot) = slot else {
        return Ok(by_nginx);
    };
    let served = listeners(slot)?;
    let by_slot = count_sockets(Some(slot), |line| {
        ended(line, seconds).is_some_and(|Ended { local, .. }| served.contains(&local.1))
    })?;
    Ok(by_nginx + by_slot)
}

/// Without an address any host with that port is meant: nginx asks a port of the machine that it is on.
fn is_slot((ip, port): (IpAddr, u16), to: Option<&[IpAddr]>, wanted: u16) -> bool {
    port == wanted && to.is_none_or(|to| to.contains(&ip.to_canonical()))
}

/// The ports that somebody listens on in a network: a connection from one of them was made by the other side.
fn listeners(network: u32) -> HostResult<BTreeSet<u16>> {
    let mut ports = BTreeSet::new();
    each_socket(Some(network), |line| ports.extend(listening_port(line)))?;
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn what_nginx_opened_counts_and_what_was_opened_to_it_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let (server, _) = listener.accept().unwrap();
        let (own, to) = (std::process::id(), [address.ip()]);
        let count = |to: Option<&[IpAddr]>, port| connections(own, to, port).unwrap();
        assert_eq!(count(Some(&to), address.port()), 1);
        assert_eq!(count(None, address.port()), 1);
        assert_eq!(count(Some(&[]), address.port()), 0);
        let came_from = client.local_addr().unwrap().port();
        assert_eq!(count(None, came_from), 0, "a client's own port");
        drop(server);
        // The side that closed first keeps it in TIME-WAIT once the other one has closed, too.
        drop(client);
        let ended = || ended_lately(own, Some(own), Some(&[]), 1, 5).unwrap();
        let began = std::time::Instant::now();
        while ended() == 0 {
            assert!(began.elapsed().as_secs() < 5, "no TIME-WAIT");
        }
        assert_eq!(connections(u32::MAX, None, address.port()).unwrap(), 0);
    }
}

//! Probes, ports and connections.

use std::net::SocketAddr;

use super::HostResult;
use super::facts::{Arrivals, Probe, ProbeAnswer, RequestOutcome, SlotUpstream};
use crate::protocol::slot::PerSlot;

/// Asks apps and nginx over this machine's own network, and counts who talks to them. Changes nothing; every question has
/// a deadline of its own.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Network {
    /// A kept-alive connection; a new one is not open yet.
    type Line: Default + std::fmt::Debug;

    /// One plain HTTP/1.1 GET on a fresh connection.
    async fn probe(&self, probe: &Probe) -> ProbeAnswer;
    /// The body of an answer with status 200 to one plain HTTP/1.1 GET, its first bytes as text without white space
    /// around them; `None` for any other end.
    async fn text(&self, probe: &Probe) -> Option<String>;
    /// One GET on a connection that is kept alive between calls and opened anew when the server has closed it.
    async fn ask(&self, line: &mut Self::Line, probe: &Probe) -> RequestOutcome;
    /// Whether something accepts TCP connections at `address` within a second.
    async fn accepts(&self, address: SocketAddr) -> bool;
    /// Whether anything listens for TCP connections from outside in the network of process `pid`.
    async fn listens(&self, pid: u32) -> bool;
    /// Established connections of nginx to exactly this address and port.
    async fn connections_to(&self, upstream: &SlotUpstream) -> HostResult<u32>;
    /// How long each request that was sent from this host to one of two addresses has had no answer, milliseconds.
    async fn unanswered(&self, addresses: &PerSlot<SocketAddr>) -> HostResult<PerSlot<Vec<u64>>>;
    /// How many connections to exactly this address and port ended in the last seconds, a second; and the round trip
    /// to the clients of nginx's `listeners` as the kernel measures it.
    async fn arrivals(&self, upstream: &SlotUpstream, listeners: &[u16]) -> HostResult<Arrivals>;
}

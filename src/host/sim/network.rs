//! Who answers on the simulated host.

use std::net::SocketAddr;

use super::SimHost;
use super::behaviour::TIMED_OUT;
use super::world::service_of;
use crate::host::facts::{Arrivals, Probe, ProbeAnswer, RequestOutcome};
use crate::host::{Clock as _, HostResult, Network};
use crate::protocol::slot::PerSlot;

impl Network for SimHost {
    type Line = ();

    async fn probe(&self, probe: &Probe) -> ProbeAnswer {
        let answer = self.world.borrow().answer_to(probe);
        if answer == ProbeAnswer::Nothing(TIMED_OUT.to_owned()) {
            self.sleep(probe.timeout).await;
        }
        answer
    }
    async fn text(&self, probe: &Probe) -> Option<String> {
        let world = self.world.borrow();
        let asked = probe.address.port() == 80 && probe.path.starts_with("/.pct-deploy/slot");
        match service_of(world.live_port()) {
            Some("web-1") if asked => Some("1".to_owned()),
            Some(_) if asked => Some("2".to_owned()),
            Some(_) | None => None,
        }
    }
    async fn ask(&self, (): &mut (), probe: &Probe) -> RequestOutcome {
        match self.probe(probe).await {
            ProbeAnswer::Status(status) => {
                self.world.borrow_mut().log_ours(status);
                RequestOutcome::Status(status)
            }
            ProbeAnswer::Nothing(why) if why == TIMED_OUT => RequestOutcome::Lost,
            ProbeAnswer::Nothing(why) => RequestOutcome::Refused(why),
        }
    }
    async fn accepts(&self, address: SocketAddr) -> bool {
        self.faults.taken.get() == Some(address.port())
    }
    async fn listens(&self, _: u32) -> bool {
        true
    }
    async fn connections_to(&self, address: SocketAddr) -> HostResult<u32> {
        self.call("connections_to")?;
        Ok(self.world.borrow().connected_to(address.port()))
    }
    async fn unanswered(&self, addresses: &PerSlot<SocketAddr>) -> HostResult<PerSlot<Vec<u64>>> {
        let world = self.world.borrow();
        Ok(addresses.map(|address| world.hanging_at(address.port())))
    }
    async fn arrivals(&self, _: SocketAddr, _: &[u16]) -> HostResult<Arrivals> {
        self.call("arrivals")?;
        let world = self.world.borrow();
        // What hangs does not end.
        let ends = world.hanging.is_empty();
        let per_second = u32::try_from(world.visitors).unwrap_or(u32::MAX) * u32::from(ends);
        Ok(Arrivals {
            per_second: per_second.into(),
            // Our own requests, at the least.
            lately: per_second + u32::from(!self.faults.file_answers.get()),
            round_trip_ms: None,
        })
    }
}

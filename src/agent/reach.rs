//! How a slot is reached: by us, and by nginx.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::host::facts::{ComposeProject, ContainerFacts, Upstream};
use crate::host::nginx::NginxAt;
use crate::host::{Containers, Host, HostResult};
use crate::protocol::slot::SlotService;

/// Where we ask a slot: on its published port, or, when nginx asks it by name, at its container's own address.
pub(super) fn address(slot: &SlotService, container: Option<&ContainerFacts>) -> SocketAddr {
    at(slot, container, slot.port)
}

/// Where we ask whether it is healthy.
pub(super) fn health_address(slot: &SlotService, container: Option<&ContainerFacts>) -> SocketAddr {
    at(slot, container, slot.health_port.unwrap_or(slot.port))
}

fn at(slot: &SlotService, container: Option<&ContainerFacts>, port: u16) -> SocketAddr {
    if !slot.is_named() {
        return SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    }
    let addresses = container.iter().flat_map(|container| &container.addresses);
    match addresses.min() {
        Some(address) => SocketAddr::from((*address, port)),
        // Nobody answers there, as nobody does in a container that does not run.
        None => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

/// The container of a slot, when its address must be asked for.
pub(super) async fn container<C: Containers>(
    host: &C,
    project: &ComposeProject,
    slot: &SlotService,
) -> Option<ContainerFacts> {
    if !slot.is_named() {
        return None;
    }
    host.container(project, &slot.service).await.ok().flatten()
}

/// How nginx reaches a slot now.
pub(super) async fn upstream<H: Host>(
    host: &H,
    nginx: &NginxAt,
    project: &ComposeProject,
    slot: &SlotService,
) -> HostResult<Upstream> {
    let Some(nginx) = host.nginx_network(nginx).await? else {
        return Ok(Upstream::Published(slot.address()));
    };
    let container = host.container(project, &slot.service).await?;
    let of_slot = |container: &ContainerFacts| -> Vec<IpAddr> { container.addresses.clone() };
    let addresses = slot
        .is_named()
        .then(|| container.as_ref().map(of_slot).unwrap_or_default());
    Ok(Upstream::Inside {
        nginx,
        slot: container.and_then(|container| container.pid),
        addresses,
        port: slot.port,
    })
}

//! How a slot is reached: by us, and by nginx.

use std::net::{Ipv4Addr, SocketAddr};

use super::swap::Swap;
use crate::host::facts::{ComposeProject, ContainerFacts, SlotUpstream};
use crate::host::{Containers, Host, HostResult};
use crate::protocol::slot::{Slot, SlotService};

/// On its published port, or, when nginx asks it by name, at its container's own address.
fn address(slot: &SlotService, container: Option<&ContainerFacts>) -> SocketAddr {
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

/// Where we ask a slot during a swap.
pub(super) async fn address_in<H: Host>(swap: &Swap<'_, H>, slot: Slot) -> SocketAddr {
    let service = swap.begun.slots.get(slot);
    let container = container(swap.host, &swap.project(slot), service).await;
    address(service, container.as_ref())
}

/// How nginx reaches a slot now.
pub(super) async fn upstream<H: Host>(swap: &Swap<'_, H>, slot: Slot) -> HostResult<SlotUpstream> {
    let service = swap.begun.slots.get(slot);
    let Some(nginx) = swap.host.nginx_network(&swap.begun.nginx).await? else {
        return Ok(SlotUpstream::Published(service.address()));
    };
    let container = swap
        .host
        .container(&swap.project(slot), &service.service)
        .await?;
    let addresses = service.is_named().then(|| {
        let addresses = container
            .as_ref()
            .map(|container| container.addresses.clone());
        addresses.unwrap_or_default()
    });
    Ok(SlotUpstream::Inside {
        nginx,
        slot: container.and_then(|container| container.pid),
        addresses,
        port: service.port,
    })
}

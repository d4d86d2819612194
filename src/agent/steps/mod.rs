//! The steps of the swap, one file each, with `apply` and, where something is changed, `capture` and `undo`.

pub(super) mod await_healthy;
pub(super) mod bake;
mod container;
pub(super) mod drain_old;
mod one_shot;
pub(super) mod prune;
pub(super) mod pull_image;
mod smoke;
pub(super) mod stage_release;
pub(super) mod start_slot;
pub(super) mod stop_old;
pub(super) mod switch_traffic;
pub(super) mod verify_route;
mod weight;

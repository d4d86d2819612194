//! What the traffic log says: one line a request, read piece by piece into counters of fixed size. Pure.
//!
//! [`mod@line`] reads a line into what became of each try at a slot, [`counter`] adds them up, [`curve`] by time, [`waiting`] knows the
//! requests that have no line yet: nginx logs a request when it ends, and silence is not health.

mod counter;
mod curve;
mod line;
mod waiting;

pub(super) use counter::Counter;
pub(super) use curve::Curve;
#[cfg(test)]
pub(super) use line::TrafficEvent;
pub(super) use line::{By, TrafficLine, line};
pub(super) use waiting::Waiting;

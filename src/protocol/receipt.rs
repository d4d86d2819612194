//! What a deploy did to the people who used the site meanwhile.

use serde::{Deserialize, Serialize};

/// Figures of one run. What was not measured is `None`, never zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Requests still in flight to the old slot when it was stopped.
    pub cut_connections: Option<u32>,
    /// Bytes of layers that the host downloaded.
    pub bytes_pulled: Option<u64>,
    /// From the last healthy probe to the switch, milliseconds.
    pub healthy_to_switched_ms: Option<u64>,
}

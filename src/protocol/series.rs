//! Requests around the switch, by time: what a chart is drawn from.

use serde::{Deserialize, Serialize};

/// Requests of users by the slot that was asked, in steps of one length without gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// How many seconds a point stands for.
    pub step_seconds: u64,
    /// In order of time, at most [`Self::MOST`]; at least one saw a request.
    pub points: Vec<Point>,
}

impl Series {
    /// The most points there are.
    pub const MOST: usize = 60;
}

/// What began in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// When it began: seconds from the second in which traffic was moved, below zero before it.
    pub second: i64,
    /// Requests that the old slot was asked.
    pub old: u64,
    /// Requests that the new slot was asked.
    pub new: u64,
    /// Those of both that got a 5xx, or no answer so that nginx asked the other slot.
    pub bad: u64,
}

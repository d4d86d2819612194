//! The runner side: gate → (build → push ∥ connect → install agent → prepare) → swap.
//!
//! [`pipeline`] is the story; [`image`] and [`remote`] hold the two outside clients.

pub mod cancel;
pub mod image;
pub mod pipeline;
mod plan;
pub mod remote;
mod result;
mod swap;

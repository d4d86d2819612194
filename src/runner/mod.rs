//! The runner side: gate → (build → push ∥ connect → install agent → prepare) → swap.
//!
//! [`pipeline`] is the story; [`image`] and [`remote`] hold the two outside clients; [`gate`]
//! decides from an [`event`] whether there is anything to do.

mod ask;
pub mod cancel;
pub mod event;
mod follow;
pub mod gate;
pub mod image;
pub mod permission;
pub mod pipeline;
mod plan;
pub mod post;
pub mod remote;
pub mod result;

//! The runner side: gate → (build → push ∥ connect → install agent → prepare) → swap.
//!
//! [`pipeline`] is the story; [`image`] and [`remote`] hold the two outside clients; [`gate`]
//! decides from an [`event`] whether there is anything to do, [`checkout`] and [`recheck`] that it is still the
//! commit that was asked for.

mod ask;
pub mod cancel;
pub mod checkout;
pub mod event;
mod follow;
#[cfg(test)]
mod follow_tests;
pub mod gate;
pub mod image;
pub mod pipeline;
mod plan;
pub mod post;
pub mod recheck;
pub mod remote;
pub mod result;

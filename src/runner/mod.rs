//! The runner side: gate → (build → push ∥ connect → install agent → prepare) → swap.
//!
//! [`pipeline`] is the story; [`image`] and [`remote`] hold the two outside clients; [`gate`] decides
//! from an [`event`] whether there is anything to do.

pub mod cancel;

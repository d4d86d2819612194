//! The runner side: gate → (build ∥ connect, install agent, prepare) → push → swap.

pub mod cancel;

//! Settings: one schema, three spellings, parsed once into types that cannot be wrong.
//!
//! [`schema`] is the list of every setting; [`raw`] gathers their texts from flags, action inputs,
//! environment and file by precedence; the other files turn texts into the types below. All
//! problems are reported at once.

pub mod types;

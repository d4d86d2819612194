//! nginx files, read and written without effects.
//!
//! [`mod@include`] is the seed's way, a port in a file; [`flag`] is ours, a file that nginx looks at for every request.
//! [`sites`] finds the `server` blocks that obey either, [`context`] what stands around them.

pub mod context;
pub mod flag;
mod flag_switch;
mod include;
mod sites;
mod statements;

pub use include::{IncludePort, NotAnInclude};
pub use sites::{Listen, Preface, Scheme, ServerBlock, sites_with};
pub use statements::statements_beside;

//! nginx files, read and written without effects.
//!
//! [`mod@include`] is the seed's way, a port in a file; [`named`] is the same for an nginx in a container, and [`at`] says
//! where that has its files. [`flag`] is ours, a file that nginx looks at for every request.
//! [`sites`] finds the `server` blocks that obey either, [`context`] what stands around them.

mod at;
pub mod context;
pub mod flag;
mod glob;
mod include;
mod named;
mod sites;
mod statements;

pub use at::{
    ContainerRole, Mount, MountedFrom, NginxAt, NginxContainer, NginxPlace, OutOfReach, choose,
};
pub use include::{IncludePort, NotAnInclude};
pub use named::{NamedBy, NamedSlot, NotNamed, Spelling};
pub use sites::{Listen, Preface, Scheme, ServerBlock, sites_with};
pub use statements::statements_beside;

//! nginx files, read and written without effects.
//!
//! [`switch_file`] is the user's own way, a port or a name in a file; [`named`] is the same for an nginx in a container, and
//! [`at`] says where that has its files. [`flag`] is ours, a file that nginx looks at for every request. [`sites`] finds
//! the `server` blocks that obey either, [`context`] what stands around them.

mod address;
mod at;
mod colours;
pub mod context;
mod edit;
pub mod flag;
mod flag_switch;
mod glob;
mod http_level;
mod lexer;
mod named;
mod sites;
mod statements;
mod switch_file;
mod switch_reader;

pub use at::{
    ContainerRole, Mount, MountedFrom, NginxAt, NginxContainer, NginxPlace, OutOfReach, choose,
};
pub use colours::Colours;
pub use edit::{EditedFile, EditedSite, NoEdit, SwitchEdit, pointed_to};
pub use http_level::{dumped, file_at_http_level, file_names, first_file};
pub use named::{NamedBy, NamedSlot, NotNamed, Spelling};
pub use sites::{Listen, Preface, Scheme, ServerBlock, sites_with};
pub use statements::statements_beside;
pub use switch_file::{NotASwitch, SwitchFile, local_ports};

//! nginx files, read and written without effects.
//!
//! [`switch_file`] is the user's own way, a port or a name in a file; [`flag`] is ours, a file that nginx looks at for
//! every request. [`sites`] finds the `server` blocks that obey either, [`context`] what stands around them.

mod address;
mod colours;
pub mod context;
mod edit;
pub mod flag;
mod flag_switch;
mod glob;
mod http_level;
mod lexer;
mod sites;
mod statements;
mod switch_file;
mod switch_reader;

pub use colours::Colours;
pub use edit::{EditedFile, EditedSite, NoEdit, SwitchEdit, pointed_to};
pub use http_level::{dumped, file_at_http_level, file_names, first_file};
pub use sites::{Listen, Preface, Scheme, ServerBlock, sites_with};
pub use statements::statements_beside;
pub use switch_file::{NotASwitch, SwitchFile, local_ports};

//! What shells and `man` know of the command line, made from its definition.

use std::io::Write as _;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use crate::error::{Error, ExitCode, Result};

/// Prints a completion script.
pub(super) fn completions(shell: Shell) -> Result<ExitCode> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    print(&script)
}

/// Prints the page of the whole, or writes that and one for each command into a folder.
pub(super) fn man(into: Option<&Path>) -> Result<ExitCode> {
    match into {
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|error| Error::bug("cannot make the manual page").because(error))?;
            print(&page)
        }
        Some(folder) => {
            let written = std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
            written.map_err(|error| {
                let what = format!("cannot write the manual pages into `{}`", folder.display());
                Error::usage(what).because(error)
            })?;
            Ok(ExitCode::Success)
        }
    }
}

/// Whoever closes the pipe has read enough.
fn print(text: &[u8]) -> Result<ExitCode> {
    match std::io::stdout().lock().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::usage("cannot write to standard output").because(error))
        }
        Ok(()) | Err(_) => Ok(ExitCode::Success),
    }
}

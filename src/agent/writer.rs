//! Who wrote a file: so that another version can say which one reads it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::{Files, Machine};

/// The agent that wrote a journal or an event log. Read leniently, by every version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Writer {
    /// The version of pct-deploy.
    pub(super) version: String,
    /// Its program on this host; `None` when that is not known.
    pub(super) program: Option<PathBuf>,
}

impl Writer {
    /// This very program.
    pub(super) async fn ourselves<M: Machine>(host: &M) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: host.own_program().await.ok(),
        }
    }

    /// Who it was, for a person.
    pub(super) fn describe(writer: Option<&Self>) -> String {
        match writer {
            Some(writer) => format!("pct-deploy {}", writer.version),
            None => "an earlier pct-deploy".to_owned(),
        }
    }
}

/// What to type so that the version that wrote a journal settles it.
pub(super) async fn settle_with<F: Files>(host: &F, writer: Option<&Writer>) -> String {
    let program = writer.and_then(|writer| writer.program.as_deref());
    match program {
        Some(program) if is_there(host, program).await => format!(
            "settle it with the version that wrote it, as the user who deploys: `{} agent recover`",
            program.display()
        ),
        Some(_) | None => format!(
            "deploy once more with the version that wrote it ({}): it settles this first",
            Writer::describe(writer)
        ),
    }
}

async fn is_there<F: Files>(host: &F, program: &Path) -> bool {
    matches!(host.read_from(program, 0, 1).await, Ok(byte) if !byte.is_empty())
}

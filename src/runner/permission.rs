//! Whether the person who set the label may deploy: the part of the gate that has to ask GitHub.

use crate::config::types::{GateConfig, ReportConfig, WriterCheck};
use crate::error::{Error, Reason, Result};
use crate::report::context::RunContext;
use crate::report::github::{Access, Github};

/// What GitHub says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// They may, or nobody asks.
    Granted,
    /// They may not; the text is for a person.
    Denied(String),
}

/// Asks, unless the settings say not to. Without a clear answer it is an error, never a yes.
pub async fn check(
    gate: &GateConfig,
    report: &ReportConfig,
    context: &RunContext,
) -> Result<Permission> {
    match gate.writer {
        WriterCheck::Off => return Ok(Permission::Granted),
        WriterCheck::Required => {}
    }
    let user = context.actor.as_deref().unwrap_or_default();
    let github = match &report.github {
        Some(config) => Github::new(config, context)?,
        None => None,
    };
    let Some(github) = github else {
        let what = "cannot ask GitHub whether the person who set the label may write";
        return Err(Error::untouched(Reason::InvalidSettings, what)
            .hint("give `github-token`, or set `require-write: false`"));
    };
    match github.permission(user).await? {
        Access::Write => Ok(Permission::Granted),
        Access::Less { role } => Ok(Permission::Denied(format!(
            "`{user}` has the role `{role}`, and only those who may write deploy"
        ))),
    }
}

//! A dry run: everything that can be checked without changing the app.

use super::result;
use super::run::Run;
use super::status;
use crate::config::types::HostConfig;
use crate::error::Result;
use crate::protocol::result::RunResult;

pub(super) async fn check(run: &Run<'_>, host: &HostConfig) -> Result<RunResult> {
    let look = Box::pin(status::look(host, None, &run.reporter));
    let status = run.unless_cancelled(look).await?;
    Ok(result::dry_run(&run.reporter, &status))
}

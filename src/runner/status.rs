//! What is on the host now.

use super::run::{Invocation, Run};
use super::session::Session;
use crate::config::parse;
use crate::config::types::HostConfig;
use crate::error::{Error, Reason, Result};
use crate::protocol::ids::DeploymentId;
use crate::protocol::status::Status;
use crate::protocol::wire::{Reply, Request};
use crate::report::Reporter;

/// What is live and what was, and how `of` ended.
pub async fn status(mut by: Invocation, of: Option<&DeploymentId>) -> Result<Status> {
    by.read_standard_input().await?;
    let host = parse::look(&by.settings, by.reach)?;
    let run = Run::on(&by, &host);
    let look = Box::pin(look(&host, of, &run.reporter));
    tokio::select! {
        status = run.reporter.alive_during(look) => status,
        signal = by.cancel.requested() => {
            Err(Error::new(signal.exit_code(), Reason::Cancelled, "cancelled"))
        }
    }
}

pub(super) async fn look(
    host: &HostConfig,
    of: Option<&DeploymentId>,
    reporter: &Reporter,
) -> Result<Status> {
    let session = Session::open(host, reporter).await?;
    let status = ask(&session, of, reporter).await;
    session.remote.close().await?;
    status
}

/// The same of a host that is reached already.
pub(super) async fn ask(
    session: &Session<'_>,
    of: Option<&DeploymentId>,
    reporter: &Reporter,
) -> Result<Status> {
    let request = Request::Status {
        site: session.host.site.clone(),
        of: of.cloned(),
    };
    let status = |reply| match reply {
        Reply::Status(status) => Some(*status),
        _ => None,
    };
    session.ask(&request, status, reporter).await
}

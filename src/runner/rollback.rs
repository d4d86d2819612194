//! A rollback: a swap whose release is an earlier one. It needs neither Docker nor a registry here.

use super::ending::EndedRun;
use super::run::{Invocation, Run};
use super::session::Session;
use super::{result, swap};
use crate::config::parse;
use crate::config::types::ReportConfig;
use crate::error::Result;
use crate::protocol::plan::Target;

/// Goes back to `target`.
pub async fn rollback(mut by: Invocation, target: Target) -> Result<EndedRun> {
    by.read_standard_input().await?;
    let host = match parse::rollback(&by.settings, by.reach) {
        Ok(host) => host,
        Err(error) => {
            let nobody = ReportConfig::default();
            let run = Run::new(&by, &nobody, &[]);
            return Ok(EndedRun {
                result: result::failed(&run.reporter, &error),
                code: error.code(),
                untold: Some(error),
            });
        }
    };
    let mut run = Run::on(&by, &host);
    run.context.is_rollback = true;
    run.reporter.add_masks();
    let work = async {
        let connect = Box::pin(Session::open(&host, &run.reporter));
        let session = run.unless_cancelled(connect).await?;
        Ok(swap::swap(&run, session, target).await)
    };
    let result = run.alive_during(work).await;
    Ok(run.finish(run.result(result)).await)
}

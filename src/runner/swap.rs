//! The swap, as the runner sees it: a plan is sent, and the host is followed to its last word.

use super::follow::Follower;
use super::run::Run;
use super::session::Session;
use super::{plan, result};
use crate::error::Result;
use crate::protocol::plan::Target;
use crate::protocol::result::RunResult;
use crate::protocol::step::Step;
use crate::report::deadlines;
use crate::report::state::Milestone;

/// Has the host put `target` live, and says how that went.
pub(super) async fn swap(run: &Run<'_>, session: Session<'_>, target: Target) -> RunResult {
    let result = run.result(Box::pin(follow(run, &session, target)).await);
    tokio::select! {
        () = session.leave() => {}
        _ = run.by.cancel.passed(deadlines::HOST + deadlines::CLOSING) => {}
    }
    result
}

async fn follow(run: &Run<'_>, session: &Session<'_>, target: Target) -> Result<RunResult> {
    let (reporter, memory, cancel) = (&run.reporter, &run.by.memory, &run.by.cancel);
    let host = session.host;
    let plan = plan::plan(
        &host.site,
        target,
        &run.context,
        session.fence,
        run.by.force,
    )?;
    memory.note(reporter, |saved| {
        saved.point = Milestone::Swapping;
        saved.deployment = Some(plan.deployment.clone());
    });
    reporter.lasts(Step::Bake, host.site.bake.time.duration());
    let follower = Follower::new(&host.place, &session.agent, &plan, reporter, cancel);
    let mut result = tokio::select! {
        followed = follower.run(&session.remote, host.logins.image.as_ref()) => {
            if followed.is_ok() {
                memory.note(reporter, |saved| saved.point = Milestone::Settled);
            }
            run.result(followed.map(|followed| result::finished(reporter, followed)))
        }
        // A host that is cancelled and not done goes on without us.
        _ = cancel.passed(deadlines::HOST) => result::left_alone(reporter, cancel),
    };
    result.deployment_id = Some(plan.deployment);
    Ok(result)
}

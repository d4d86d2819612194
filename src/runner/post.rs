//! The action's post step: finds out how a run ended whose main step could not wait for it.

use std::time::Duration;

use tokio::time::Instant;

use super::cancel::Cancel;
use super::follow::Followed;
use super::pipeline::ready_host;
use super::remote::{InstalledAgent, Remote};
use super::result;
use crate::config::types::Place;
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::event::Happening;
use crate::protocol::ids::{AppName, DeploymentId};
use crate::protocol::result::RunResult;
use crate::protocol::wire::{Reply, Request};
use crate::report::state::{Point, Saved};
use crate::report::{Reporter, deadlines};

const PAUSE: Duration = Duration::from_secs(3);

/// Asks the host how the run ended. Never fails: what cannot be found out is in the result.
pub async fn find_out(
    place: &Place,
    saved: &Saved,
    reporter: &Reporter,
    cancel: &Cancel,
) -> RunResult {
    let (Some(app), Some(deployment)) = (&saved.app, &saved.deployment) else {
        return result::failed(reporter, &before_the_host(saved.point));
    };
    let look = Look {
        place,
        app,
        deployment,
        reporter,
    };
    let followed = tokio::select! {
        followed = Box::pin(look.until_found(saved)) => followed,
        _ = cancel.requested() => Err(at_work()),
    };
    let mut run = match followed {
        Ok(followed) => result::finished(reporter, followed),
        Err(error) => result::failed(reporter, &error),
    };
    run.deployment_id = Some(deployment.clone());
    run
}

struct Look<'a> {
    place: &'a Place,
    app: &'a AppName,
    deployment: &'a DeploymentId,
    reporter: &'a Reporter,
}

impl Look<'_> {
    async fn until_found(&self, saved: &Saved) -> Result<Followed> {
        let deadline = Instant::now() + deadlines::POST_FIND_OUT;
        let mut last = None;
        loop {
            let error = match tokio::time::timeout_at(deadline, Box::pin(self.once(saved))).await {
                Ok(Ok(followed)) => return Ok(followed),
                Ok(Err(error)) => error,
                // Without an earlier error it was heard all the while.
                Err(_elapsed) => return Err(last.map_or_else(at_work, |error| unknown(&error))),
            };
            if !may_pass(&error) || Instant::now() + PAUSE > deadline {
                return Err(unknown(&error));
            }
            let why = error.chain().join(": ");
            self.reporter.note(&format!("not yet: {why}"));
            last = Some(error);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn once(&self, saved: &Saved) -> Result<Followed> {
        let (remote, agent) = ready_host(self.place, self.reporter).await?;
        let followed = self.follow(&remote, &agent, saved).await;
        // It is over; a connection that does not close well changes nothing.
        if let Err(error) = remote.close().await {
            tracing::debug!(%error, "the connection did not close well");
        }
        followed
    }

    /// Hears the whole story again, up to its last word. A cancel that the main step was asked for and may not
    /// have been able to pass on is passed on here.
    async fn follow(
        &self,
        remote: &Remote,
        agent: &InstalledAgent,
        saved: &Saved,
    ) -> Result<Followed> {
        let request = Request::Follow {
            app: self.app.clone(),
            deployment: self.deployment.clone(),
            after: 0,
        };
        let mut call = remote.start(agent, &request).await?;
        if saved.cancelled {
            call.send(&Request::Cancel).await?;
        }
        let (mut release, mut image) = (None, None);
        while let Some(reply) = call.next().await? {
            let event = match reply {
                Reply::Event(event) => event,
                Reply::Ready { .. } | Reply::Provisioned { .. } | Reply::Status(_) => continue,
            };
            self.reporter.agent_event(&event);
            if let Happening::Resolved {
                release: named,
                image: pinned,
                ..
            } = &event.what
            {
                (release, image) = (Some(named.clone()), Some(pinned.clone()));
            }
            if let Happening::Finished(finished) = event.what {
                return Ok(Followed {
                    release,
                    image,
                    finished,
                });
            }
        }
        let end = call.finish().await?;
        let what = "the agent on the host ended without its last word";
        Err(Error::untouched(Reason::SshFailed, what).log_tail(end.stderr_tail))
    }
}

/// Whether another look may find what this one did not.
fn may_pass(error: &Error) -> bool {
    matches!(error.reason(), Reason::HostUnreachable | Reason::SshFailed)
}

fn before_the_host(point: Point) -> Error {
    let what = match point {
        Point::Begun => "cancelled before your app was touched",
        Point::Pushing | Point::Swapping | Point::Settled => {
            "cancelled before your app was touched; the image may be in the registry"
        }
    };
    Error::new(ExitCode::Terminated, Reason::Cancelled, what).hint("deploy again")
}

fn at_work() -> Error {
    let what = "cancelled; the host is still finishing and will complete on its own";
    Error::new(ExitCode::Terminated, Reason::Cancelled, what)
        .hint("see how it ended with `pct-deploy status` and `pct-deploy history`")
}

fn unknown(why: &Error) -> Error {
    let what = "the run was cut short, and the host cannot be asked how it ended";
    let error = Error::new(ExitCode::Stuck, why.reason(), what)
        .because(why.chain().join(": "))
        .hint("the host finishes on its own if it is up: check with `pct-deploy status` and `pct-deploy history`");
    why.hints()
        .iter()
        .fold(error, |error, hint| error.hint(hint))
        .log_tail(why.log_lines().to_vec())
}

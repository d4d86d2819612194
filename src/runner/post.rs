//! The action's post step: finds out how a run ended whose main step could not wait for it.

use std::time::Duration;

use tokio::time::Instant;

use super::cancel::Cancel;
use super::follow::Followed;
use super::run::{Invocation, Run};
use super::session::Session;
use super::{exit, result};
use crate::config::parse::{self, Gated};
use crate::config::types::{HostConfig, LabelAfter};
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::event::Happening;
use crate::protocol::result::RunResult;
use crate::protocol::wire::{Reply, Request};
use crate::report::state::{Milestone, Saved};
use crate::report::{Reporter, deadlines};

const PAUSE: Duration = Duration::from_secs(3);

/// Settles what the main step owed when it ended. What cannot be found out or told is a warning.
pub async fn settle(by: &Invocation) {
    // The main step passed the gate; what it checked then is not checked again.
    let config = match parse::deploy(&by.settings, by.caller, by.reach, Gated::Free) {
        Ok(config) => config,
        Err(error) => return complain(by, &error),
    };
    let saved = by.memory.saved();
    let mut run = Run::new(by, &config.host.report, &config.host.secrets());
    run.context = saved.context(run.context);
    run.context.place = Some(config.host.place.to_string());
    if config.gate.label_after == LabelAfter::Removed {
        run.label = Some(&config.gate.label);
    }
    run.reporter.add_masks();
    let over = Instant::now() + deadlines::POST;
    let why = "the main step could not tell everything: finding out how the run ended";
    run.reporter.hurry(over, why);
    let work = Box::pin(find_out_and_tell(&run, &config.host, &saved));
    by.cancel.hurry(&run.reporter, work).await;
}

async fn find_out_and_tell(run: &Run<'_>, host: &HostConfig, saved: &Saved) {
    let (reporter, report) = (&run.reporter, run.report());
    let found = find_out(host, saved, reporter, &run.by.cancel);
    let mut result = Box::pin(reporter.alive_during(found)).await;
    result.took_seconds = saved.took().as_secs_f64();
    let owed = report.owed().await;
    let code = exit::of(&result, run.by.cancel.now());
    result::print_failure(reporter, &result, code);
    Box::pin(report.finished(&owed, &mut result)).await;
}

fn complain(by: &Invocation, error: &Error) {
    let told = parse::report_only(&by.settings.raw);
    let reporter = Run::new(by, &told, &told.secrets()).reporter;
    reporter.add_masks();
    let hint = error.hints().first().map_or("", String::as_str);
    reporter.warning(&error.summary(), hint);
}

/// Asks the host how the run ended. Never fails: what cannot be found out is in the result.
async fn find_out(
    host: &HostConfig,
    saved: &Saved,
    reporter: &Reporter,
    cancel: &Cancel,
) -> RunResult {
    let (Some(app), Some(deployment)) = (&saved.app, &saved.deployment) else {
        return result::failed(reporter, &before_the_host(saved.point));
    };
    let request = Request::Follow {
        app: app.clone(),
        deployment: deployment.clone(),
        after: 0,
    };
    let look = Look {
        host,
        request,
        was_cancelled: saved.cancelled,
        reporter,
    };
    let followed = tokio::select! {
        followed = Box::pin(look.until_found()) => followed,
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
    host: &'a HostConfig,
    request: Request,
    was_cancelled: bool,
    reporter: &'a Reporter,
}

impl Look<'_> {
    async fn until_found(&self) -> Result<Followed> {
        let deadline = Instant::now() + deadlines::POST_FIND_OUT;
        let mut last = None;
        loop {
            let error = match tokio::time::timeout_at(deadline, Box::pin(self.once())).await {
                Ok(Ok(followed)) => return Ok(followed),
                Ok(Err(error)) => error,
                // Without an earlier error it was heard all the while.
                Err(_elapsed) => return Err(last.map_or_else(at_work, |error| unknown(&error))),
            };
            if !may_pass(&error) || Instant::now() + PAUSE > deadline {
                return Err(unknown(&error));
            }
            let why = error.summary();
            self.reporter.note(&format!("not yet: {why}"));
            last = Some(error);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn once(&self) -> Result<Followed> {
        let session = Session::open(self.host, self.reporter).await?;
        let followed = self.follow(&session).await;
        session.leave().await;
        followed
    }

    /// Hears the whole story again, up to its last word. A cancel that the main step was asked for and may not
    /// have been able to pass on is passed on here.
    async fn follow(&self, session: &Session<'_>) -> Result<Followed> {
        let mut call = session.remote.start(&session.agent, &self.request).await?;
        if self.was_cancelled {
            call.send(&Request::Cancel).await?;
        }
        let (mut release, mut image, mut new) = (None, None, None);
        while let Some(reply) = call.next().await? {
            let Reply::Event(event) = reply else {
                continue;
            };
            self.reporter.agent_event(&event);
            if let Happening::Resolved {
                release: named,
                image: pinned,
                slot,
                service,
            } = &event.what
            {
                (release, image) = (Some(named.clone()), Some(pinned.clone()));
                new = Some((*slot, service.clone()));
            }
            if let Happening::Finished(finished) = event.what {
                return Ok(Followed {
                    release,
                    image,
                    new,
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

fn before_the_host(point: Milestone) -> Error {
    let what = match point {
        Milestone::Begun => "cancelled before your app was touched",
        Milestone::Pushing | Milestone::Swapping | Milestone::Settled => {
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
        .because(why.summary())
        .hint("the host finishes on its own if it is up: check with `pct-deploy status` and `pct-deploy history`");
    why.hints()
        .iter()
        .fold(error, |error, hint| error.hint(hint))
        .log_tail(why.log_lines().to_vec())
}

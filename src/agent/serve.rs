//! What sshd starts: one request on standard input, answers on standard output.
//!
//! Losing either end changes nothing: a swap goes on in a process of its own, and its events are in the log. SIGHUP is
//! ignored.

use std::cell::Cell;
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::cancel_file;
use super::detach::WorkerState;
use super::ending::Early;
use super::journal::entry::Switch;
use super::paths::AppPaths;
use super::{
    detach, doctor, fence, follow, logs, meter, owner, prepare, provision, slot_names, status,
};
use crate::agent::events::Events;
use crate::error::{Error, ExitCode, Failure, Reason, Result};
use crate::host::linux::LinuxHost;
use crate::host::{Host, RootWork};
use crate::protocol::ids::DeploymentId;
use crate::protocol::line::read_line;
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::Site;
use crate::protocol::step::Step;
use crate::protocol::wire::{self, Reply, Request};

/// How long the last lines may take to reach a listener that has stopped reading.
pub(super) const FLUSH_DEADLINE: Duration = Duration::from_secs(5);

/// Serves one request. The answer is in the events; an error means that there was none to give.
pub async fn serve() -> Result<ExitCode> {
    let _hangup = signal(SignalKind::hangup())
        .map_err(|error| Error::bug("cannot ignore SIGHUP").because(error))?;
    let mut requests = read_requests();
    let Some(first) = requests.recv().await else {
        return Err(Error::usage(
            "the agent got no request on its standard input",
        ));
    };
    let host = LinuxHost::new().map_err(|error| {
        Error::untouched(Reason::AgentUnavailable, "the agent cannot start").because(error)
    })?;
    let (listener, replies) = unbounded_channel();
    let visit = visit(&host, first, &mut requests, listener);
    let speak = speak(replies);
    tokio::pin!(visit, speak);
    tokio::select! {
        () = &mut visit => {}
        () = &mut speak => {
            // Nobody listens. The work goes on alone.
            visit.await;
            return Ok(ExitCode::Success);
        }
    }
    // Everything was said; the listener has a moment to take it.
    drop(tokio::time::timeout(FLUSH_DEADLINE, speak).await);
    Ok(ExitCode::Success)
}

/// Answers a request and passes a cancel on meanwhile. No cancel file outlives its run.
async fn visit<H: Host>(
    host: &H,
    request: Request,
    requests: &mut UnboundedReceiver<Request>,
    listener: UnboundedSender<Reply>,
) {
    let cancel = Cell::new(false);
    let flag = cancel_file::of(&request);
    let watch = async {
        watch_for_cancel(host, requests, flag.as_deref(), &cancel).await;
        std::future::pending::<Infallible>().await
    };
    let run = tokio::select! {
        run = answer(host, request, listener, &cancel) => run,
        never = watch => match never {},
    };
    if let (Some(flag), WorkerState::Over) = (&flag, run) {
        cancel_file::forget(host, flag).await;
    }
}

async fn answer<H: Host>(
    host: &H,
    request: Request,
    listener: UnboundedSender<Reply>,
    cancel: &Cell<bool>,
) -> WorkerState {
    match request {
        Request::Prepare { site } => {
            let events = Events::new(host, None, listener.clone());
            let site = slot_names::settle(host, &site).await;
            match ready(host, &events, &site, cancel).await {
                Ok(fence) => drop(listener.send(Reply::Ready { fence })),
                Err((step, error)) => refuse(&events, step, error).await,
            }
        }
        Request::Swap { plan, registry } => {
            return detach::swap(host, plan, registry, listener).await;
        }
        Request::Follow {
            app,
            deployment,
            after,
        } => follow::follow(host, &app, &deployment, after, listener).await,
        Request::Status { site, of } => {
            let site = slot_names::settle(host, &site).await;
            tell_status(host, &site, of.as_ref(), listener).await;
        }
        Request::Provision { mut order } => {
            order.site = slot_names::settle(host, &order.site).await;
            let events = Events::new(host, None, listener.clone());
            match Box::pin(provision::provision(host, &events, &order, cancel)).await {
                Ok(changes) => {
                    let sudoers = host.sudoers_line(&RootWork::Flag).await.unwrap_or_default();
                    drop(listener.send(Reply::Provisioned { changes, sudoers }));
                }
                Err(error) => refuse(&events, Step::Preflight, error).await,
            }
        }
        Request::Doctor { site } => {
            let site = slot_names::settle(host, &site).await;
            let examination = Box::pin(doctor::examine(host, &site)).await;
            let now_ms = host.now_ms();
            drop(listener.send(Reply::Examined {
                examination,
                now_ms,
            }));
        }
        Request::Logs { mut order } => {
            order.site = slot_names::settle(host, &order.site).await;
            if let Err(error) = Box::pin(logs::tell(host, &order, &listener)).await {
                refuse(&Events::new(host, None, listener), Step::Preflight, error).await;
            }
        }
        Request::Cancel => {}
    }
    WorkerState::Over
}

/// The number first: it says when the run began, however long its checks take.
async fn ready<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    site: &Site,
    cancel: &Cell<bool>,
) -> Result<u64, (Step, Failure)> {
    let paths = AppPaths::new(&site.app);
    let numbered = async {
        owner::open(host, site).await?;
        fence::issue(host, &paths).await
    };
    let fence = numbered.await.map_err(|error| (Step::Preflight, error))?;
    let survey = prepare::run(host, events, site, cancel).await?;
    if survey.switch == Switch::Flag {
        // While the image is built the old slot shows what it can do.
        meter::start_logging(host, &paths).await;
    }
    Ok(fence)
}

async fn tell_status<H: Host>(
    host: &H,
    site: &Site,
    of: Option<&DeploymentId>,
    listener: UnboundedSender<Reply>,
) {
    match status::look(host, site, of).await {
        Ok(status) => drop(listener.send(Reply::Status(Box::new(status)))),
        Err(error) => refuse(&Events::new(host, None, listener), Step::Preflight, error).await,
    }
}

pub(super) async fn refuse<H: Host>(events: &Events<'_, H>, step: Step, error: Failure) {
    let word = Early::new(Outcome::Failed, error.reason, Some((step, error)));
    events.emit(word.word()).await;
}

/// A thread, because a blocked read of standard input must not keep the process from ending.
fn read_requests() -> UnboundedReceiver<Request> {
    let (send, receive) = unbounded_channel();
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Ok(line) = read_line(&mut input)
            && let Ok(request) = wire::decode(&line)
            && send.send(request).is_ok()
        {}
    });
    receive
}

/// Passes a cancel on; the end of standard input is none: the runner may be gone for good.
async fn watch_for_cancel<H: Host>(
    host: &H,
    requests: &mut UnboundedReceiver<Request>,
    flag: Option<&Path>,
    cancel: &Cell<bool>,
) {
    while let Some(request) = requests.recv().await {
        if !matches!(request, Request::Cancel) {
            continue;
        }
        cancel.set(true);
        if let Some(flag) = flag {
            cancel_file::pass_on(host, flag).await;
        }
    }
}

/// Writes replies until there are no more, or nobody reads them.
pub(super) async fn speak(mut replies: UnboundedReceiver<Reply>) {
    let mut output = tokio::io::stdout();
    while let Some(reply) = replies.recv().await {
        let Ok(line) = wire::encode_reply(reply) else {
            continue;
        };
        let written = async {
            output.write_all(line.as_bytes()).await?;
            output.flush().await
        };
        if written.await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;

//! A connection to a host with an agent at its end, and what the agent answers at once.

use std::time::Duration;

use tokio::time::timeout;

use super::remote::{AgentCall, InstalledAgent, Remote};
use crate::config::types::{DeployConfig, HostConfig, ImageSource};
use crate::error::{Error, Reason, Result};
use crate::protocol::event::Happening;
use crate::protocol::outcome::Finished;
use crate::protocol::step::Phase;
use crate::protocol::wire::{Reply, Request};
use crate::report::Reporter;

/// A host that is reached.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) host: &'a HostConfig,
    pub(super) remote: Remote,
    pub(super) agent: InstalledAgent,
    /// The number of this run there, once the host was asked to prepare.
    pub(super) fence: Option<u64>,
}

impl<'a> Session<'a> {
    /// Connects and sees to it that the agent is there.
    pub(super) async fn open(host: &'a HostConfig, reporter: &Reporter) -> Result<Self> {
        let connect = Remote::connect(&host.place, reporter);
        let remote = reporter.phase(Phase::Connect, connect).await?;
        let install = remote.install_agent(reporter);
        let agent = reporter.phase(Phase::InstallAgent, install).await?;
        Ok(Self {
            host,
            remote,
            agent,
            fence: None,
        })
    }

    /// The same, ready for the swap. The host is looked at while the image is built, not after a build that was for
    /// nothing; when nothing is built, the swap's own look comes at once.
    pub(super) async fn ready(config: &'a DeployConfig, reporter: &Reporter) -> Result<Self> {
        let mut session = Self::open(&config.host, reporter).await?;
        if let ImageSource::Build(_) = config.image.source {
            session.prepare(reporter).await?;
        }
        Ok(session)
    }

    /// Runs the two checks on the host.
    pub(super) async fn prepare(&mut self, reporter: &Reporter) -> Result<()> {
        let site = self.host.site.clone();
        let fence = |reply| match reply {
            Reply::Ready { fence } => Some(fence),
            _ => None,
        };
        let request = Request::Prepare { site };
        self.fence = Some(self.ask(&request, fence, reporter).await?);
        Ok(())
    }

    /// Connects, asks one thing and hangs up.
    pub(super) async fn ask_once<T>(
        host: &'a HostConfig,
        request: &Request,
        answer: impl Fn(Reply) -> Option<T>,
        reporter: &Reporter,
    ) -> Result<T> {
        let session = Self::open(host, reporter).await?;
        let answered = session.ask(request, answer, reporter).await;
        session.remote.close().await?;
        answered
    }

    /// Asks for something that is answered at once; `answer` knows the reply that is meant.
    pub(super) async fn ask<T>(
        &self,
        request: &Request,
        answer: impl Fn(Reply) -> Option<T>,
        reporter: &Reporter,
    ) -> Result<T> {
        let answer = |reply| Ok(answer(reply));
        self.ask_for_many(request, reporter, answer).await
    }

    /// Asks for something that is answered bit by bit; `take` says which reply is the last one.
    pub(super) async fn ask_for_many<T>(
        &self,
        request: &Request,
        reporter: &Reporter,
        mut take: impl FnMut(Reply) -> Result<Option<T>>,
    ) -> Result<T> {
        let mut call = self.remote.start(&self.agent, request).await?;
        while let Some(reply) = next(&mut call).await? {
            match reply {
                Reply::Event(event) => {
                    reporter.agent_event(&event);
                    if let Happening::Finished(finished) = event.what {
                        return Err(refused(*finished));
                    }
                }
                reply => {
                    if let Some(answer) = take(reply)? {
                        return Ok(answer);
                    }
                }
            }
        }
        Err(silent(call).await)
    }

    /// Hangs up when all is said: a connection that does not close well changes nothing.
    pub(super) async fn leave(self) {
        if let Err(error) = self.remote.close().await {
            tracing::debug!(%error, "the connection did not close well");
        }
    }
}

/// An agent says something every ten seconds; one that is silent for this long does not come back.
const SILENCE: Duration = Duration::from_secs(600);

/// The next reply; `None` at the end.
async fn next(call: &mut AgentCall) -> Result<Option<Reply>> {
    match timeout(SILENCE, call.next()).await {
        Ok(reply) => reply,
        Err(_elapsed) => {
            let what = format!(
                "the agent on the host has said nothing for {} s",
                SILENCE.as_secs()
            );
            Err(Error::untouched(Reason::AgentUnavailable, what)
                .hint("see on the host what it waits for: `ps`, the Docker daemon, the disk"))
        }
    }
}

/// The host said no before anything was changed.
fn refused(finished: Finished) -> Error {
    let reason = Reason::parse(&finished.reason);
    let Some((_, failure)) = finished.failed else {
        return Error::untouched(reason, "the host refused");
    };
    let mut chain = failure.chain.into_iter();
    let mut error = Error::untouched(
        reason,
        chain
            .next()
            .unwrap_or_else(|| "the host refused".to_owned()),
    );
    let causes: Vec<String> = chain.collect();
    if !causes.is_empty() {
        error = error.because(causes.join(": "));
    }
    failure
        .hints
        .into_iter()
        .fold(error, Error::hint)
        .log_tail(failure.log_tail)
}

async fn silent(call: AgentCall) -> Error {
    let what = "the agent on the host ended without an answer";
    let error = Error::untouched(Reason::AgentUnavailable, what);
    match call.finish().await {
        Ok(end) => match end.code {
            Some(code) => error
                .because(format!("it ended with exit code {code}"))
                .log_tail(end.stderr_tail),
            None => error.log_tail(end.stderr_tail),
        },
        Err(why) => error.because(why),
    }
}

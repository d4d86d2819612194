//! Has the agent run a swap and follows what it says, over as many connections as it takes.
//!
//! Events are numbered, so a new connection goes on after the last one that was heard. The host needs
//! nobody who listens: losing it changes nothing there.

use std::time::Duration;

use tokio::time::Instant;

use super::cancel::Cancel;
use super::remote::{AgentCall, AgentEnd, InstalledAgent, Remote};
use crate::config::types::Place;
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::event::{Event, Happening};
use crate::protocol::ids::{PinnedImage, ReleaseId};
use crate::protocol::outcome::Finished;
use crate::protocol::place::RECOVER;
use crate::protocol::plan::Plan;
use crate::protocol::slot::Slot;
use crate::protocol::wire::{RegistryLogin, Reply, Request};
use crate::report::Reporter;

/// How long a lost host is looked for.
const RECONNECT_BUDGET: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What ssh exits with when the connection broke.
const SSH_BROKE: i32 = 255;

/// What a followed swap gave.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) release: Option<ReleaseId>,
    pub(super) image: Option<PinnedImage>,
    /// The slot that it goes to, and what that is called.
    pub(super) new: Option<(Slot, String)>,
    pub(super) finished: Box<Finished>,
}

#[derive(Debug)]
pub(super) struct Follower<'a> {
    place: &'a Place,
    agent: &'a InstalledAgent,
    plan: &'a Plan,
    reporter: &'a Reporter,
    cancel: &'a Cancel,
    heard: u64,
    release: Option<ReleaseId>,
    image: Option<PinnedImage>,
    new: Option<(Slot, String)>,
    cancel_is_said: bool,
}

/// How a connection ended.
enum ConnectionEnd {
    /// With the last word.
    Everything(Box<Finished>),
    /// Before it.
    Part(AgentEnd),
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        place: &'a Place,
        agent: &'a InstalledAgent,
        plan: &'a Plan,
        reporter: &'a Reporter,
        cancel: &'a Cancel,
    ) -> Self {
        let (heard, release, image) = (0, None, None);
        Self {
            place,
            agent,
            plan,
            reporter,
            cancel,
            heard,
            release,
            image,
            new: None,
            cancel_is_said: false,
        }
    }

    /// Runs the swap and follows it to its last word. A cancel is passed on; the host decides by where it is.
    /// A cancelled run drops this when its time is over.
    pub(super) async fn run(
        mut self,
        remote: &Remote,
        login: Option<&RegistryLogin>,
    ) -> Result<Followed> {
        let request = Request::Swap {
            plan: Box::new(self.plan.clone()),
            registry: login.cloned(),
        };
        let call = remote.start(self.agent, &request).await?;
        let finished = match self.listen(call).await? {
            ConnectionEnd::Everything(finished) => finished,
            ConnectionEnd::Part(end) if self.heard == 0 && end.code != Some(SSH_BROKE) => {
                return Err(silent(end));
            }
            ConnectionEnd::Part(end) => self.find_again(end).await?,
        };
        Ok(Followed {
            release: self.release,
            image: self.image,
            new: self.new,
            finished,
        })
    }

    /// Connects anew until the last word is heard or the host stays away for too long. A cancel makes it hurry: the
    /// host has to hear of it.
    async fn find_again(&mut self, end: AgentEnd) -> Result<Box<Finished>> {
        self.reporter.warning(
            "the connection to the host was lost during the swap; the host continues on its own",
            "nothing to do: this run connects again and follows it to its end",
        );
        let deadline = Instant::now() + RECONNECT_BUDGET;
        let mut pause = FIRST_PAUSE;
        let mut last = end;
        while Instant::now() < deadline {
            let hurry = self.cancel.now().is_some();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = self.cancel.requested(), if !hurry => {}
            }
            pause = match self.cancel.now() {
                Some(_) => FIRST_PAUSE,
                None => (pause * 2).min(LONGEST_PAUSE),
            };
            match self.connect_again().await {
                Ok(ConnectionEnd::Everything(finished)) => return Ok(finished),
                Ok(ConnectionEnd::Part(end)) => last = end,
                Err(error) => self.reporter.note(&format!("not yet: {}", error.summary())),
            }
        }
        Err(lost(last))
    }

    async fn connect_again(&mut self) -> Result<ConnectionEnd> {
        let remote = Remote::connect(self.place, self.reporter).await?;
        let request = Request::Follow {
            app: self.plan.site.app.clone(),
            deployment: self.plan.deployment.clone(),
            after: self.heard,
        };
        let heard = match remote.start(self.agent, &request).await {
            Ok(call) => self.listen(call).await,
            Err(error) => Err(error),
        };
        remote.close().await?;
        heard
    }

    /// Hears one connection to its end. Each one passes the cancel on: the one before may have lost it.
    async fn listen(&mut self, mut call: AgentCall) -> Result<ConnectionEnd> {
        let mut passed_on = false;
        loop {
            let reply = tokio::select! {
                reply = call.next() => reply,
                _ = self.cancel.requested(), if !passed_on => {
                    passed_on = true;
                    self.say_cancel();
                    if call.send(&Request::Cancel).await.is_err() {
                        return Ok(ConnectionEnd::Part(call.finish().await?));
                    }
                    continue;
                }
            };
            match reply {
                Ok(Some(Reply::Event(event))) => {
                    if let Some(finished) = self.hear(*event) {
                        return Ok(ConnectionEnd::Everything(finished));
                    }
                }
                Ok(Some(_)) => {}
                // A line that broke off is the end of a connection like any other.
                Ok(None) | Err(_) => return Ok(ConnectionEnd::Part(call.finish().await?)),
            }
        }
    }

    /// Once, however often the connection is lost.
    fn say_cancel(&mut self) {
        if !self.cancel_is_said {
            let text = "cancel requested: the host rolls back, or finishes if it has committed";
            self.reporter.note(text);
            self.cancel_is_said = true;
        }
    }

    /// Takes note of an event, once.
    fn hear(&mut self, event: Event) -> Option<Box<Finished>> {
        if event.seq <= self.heard {
            return None;
        }
        self.heard = event.seq;
        self.reporter.agent_event(&event);
        match event.what {
            Happening::Finished(finished) => return Some(finished),
            Happening::Resolved {
                release,
                image,
                slot,
                service,
            } => {
                (self.release, self.image) = (Some(release), Some(image));
                self.new = Some((slot, service));
            }
            _ => {}
        }
        None
    }
}

fn silent(end: AgentEnd) -> Error {
    let error = Error::untouched(
        Reason::AgentUnavailable,
        "the agent on the host ended without an answer",
    );
    explain(error, end)
}

fn lost(end: AgentEnd) -> Error {
    let error = Error::new(
        ExitCode::Stuck,
        Reason::SshFailed,
        format!("the host was lost during the swap and not found again within {} s", RECONNECT_BUDGET.as_secs()),
    )
    .hint("see how it ended with `pct-deploy status` and `pct-deploy history`")
    .hint(format!(
        "if it was cut short, the next deploy settles it first; `{RECOVER}` on the host does so at once"
    ));
    explain(error, end)
}

fn explain(error: Error, end: AgentEnd) -> Error {
    let error = error.log_tail(end.stderr_tail);
    match end.code {
        Some(code) => error.because(format!("it ended with exit code {code}")),
        None => error,
    }
}

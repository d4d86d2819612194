//! A stand-in for the incoming webhooks of Slack and of those that are used in its place: it keeps every message,
//! refuses what they refuse, and misbehaves on request.

mod discord;
mod limits;
mod mattermost;
mod reply;
#[cfg(test)]
mod tests;
mod workflow;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;

use crate::background::lock;
use crate::http::{Answer, HANG, LOOPBACK, Request, Server};
use crate::record::Recorder;
pub use reply::Reply;

/// Where the webhook is; whoever knows a real one's path can post, so it counts as a secret.
pub const PATH: &str = "/services/T000/B000/XXXX";

/// Whose webhook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    Slack,
    /// A workflow in Slack, which takes variables.
    Workflow,
    Mattermost,
    Discord,
}

impl Receiver {
    /// Where its webhook is.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Slack => PATH,
            Self::Workflow => "/triggers/T000/1/XXXX",
            Self::Mattermost => "/hooks/XXXX",
            Self::Discord => "/api/webhooks/1/XXXX",
        }
    }

    fn of(path: &str) -> Option<Self> {
        let all = [Self::Slack, Self::Workflow, Self::Mattermost, Self::Discord];
        all.into_iter().find(|receiver| receiver.path() == path)
    }

    fn check(self, message: &Value) -> limits::Verdict {
        match self {
            Self::Slack => limits::check(message),
            Self::Workflow => workflow::check(message),
            Self::Mattermost => mattermost::check(message),
            Self::Discord => discord::check(message),
        }
    }
}

/// The word that Slack refuses a message with, or `None` for a good one.
#[must_use]
pub fn refusal(message: &Value) -> Option<&'static str> {
    refusal_by(Receiver::Slack, message)
}

/// The same of another receiver.
#[must_use]
pub fn refusal_by(receiver: Receiver, message: &Value) -> Option<&'static str> {
    receiver.check(message).err()
}

/// A running stand-in; it ends when it is dropped.
#[derive(Debug)]
pub struct Slack {
    server: Server,
    state: Arc<State>,
}

/// One POST to the webhook, whatever came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// Unix time in seconds at which the request arrived.
    pub at: f64,
    pub headers: BTreeMap<String, String>,
    /// `null` when the body was not JSON.
    pub body: Value,
    /// The status answered; `None` when the connection was dropped or left hanging.
    pub status: Option<u16>,
    /// The text answered.
    pub answer: String,
}

#[derive(Debug, Default)]
struct State {
    script: Mutex<VecDeque<Reply>>,
    messages: Mutex<Vec<Message>>,
    recorder: Recorder,
}

impl Slack {
    /// Listens on an unused port of 127.0.0.1.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(LOOPBACK, Recorder::default())
    }

    /// Listens on `bind` and appends every message to a file, one JSON object a line.
    pub fn start_on(bind: SocketAddr, record: Option<&Path>) -> anyhow::Result<Self> {
        let recorder = record
            .map(Recorder::to_file)
            .transpose()?
            .unwrap_or_default();
        Self::start_with(bind, recorder)
    }

    fn start_with(bind: SocketAddr, recorder: Recorder) -> anyhow::Result<Self> {
        let state = Arc::new(State {
            recorder,
            ..State::default()
        });
        let shared = Arc::clone(&state);
        let server = Server::start(bind, move |request| Arc::clone(&shared).answer(request))?;
        Ok(Self { server, state })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// The webhook's address.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(Receiver::Slack)
    }

    /// The address of another receiver's webhook.
    #[must_use]
    pub fn url_of(&self, receiver: Receiver) -> String {
        format!("http://{}{}", self.addr(), receiver.path())
    }

    /// Queues replies for the next messages, one each; after them all is well again.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.state.script).extend(replies);
    }

    /// Every POST so far, in order of arrival; those answered only later show no status yet.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.state.messages).clone()
    }

    /// The bodies that a channel would show: those answered `ok`.
    #[must_use]
    pub fn shown(&self) -> Vec<Value> {
        let messages = lock(&self.state.messages);
        messages
            .iter()
            .filter(|message| message.status == Some(200))
            .map(|m| m.body.clone())
            .collect()
    }
}

impl State {
    async fn answer(self: Arc<Self>, request: Request) -> Answer {
        let Some(receiver) = Receiver::of(&request.path) else {
            return text(404, "no_service");
        };
        if request.method != "POST" {
            return text(405, "method_not_allowed");
        }
        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        let verdict = match &body {
            Some(body) => receiver.check(body),
            None => Err("invalid_payload"),
        };
        let reply = lock(&self.script).pop_front().unwrap_or(Reply::Ok);
        let slow = match reply {
            Reply::Slow(delay) => Some(delay),
            Reply::Hang => Some(HANG),
            Reply::Ok | Reply::RateLimited { .. } | Reply::ServerError | Reply::InvalidBlocks => {
                None
            }
            Reply::Drop => None,
        };
        let wants_answer = request.query.get("wait").is_some_and(|wait| wait == "true");
        let answer = match receiver {
            Receiver::Discord => reply.as_discord(verdict, wants_answer),
            Receiver::Slack | Receiver::Workflow | Receiver::Mattermost => reply.answer(verdict),
        };
        let index = self.keep(&request, body, reply);
        if let Some(delay) = slow {
            tokio::time::sleep(delay).await;
        }
        self.settle(index, &answer);
        answer
    }

    /// Keeps a message from the moment it is here, so that one left hanging is seen too.
    fn keep(&self, request: &Request, body: Option<Value>, reply: Reply) -> usize {
        let at = request
            .at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let message = Message {
            at: at.as_secs_f64(),
            headers: request.headers.clone(),
            body: body.unwrap_or_default(),
            status: None,
            answer: format!("({reply})"),
        };
        let mut messages = lock(&self.messages);
        messages.push(message);
        messages.len() - 1
    }

    fn settle(&self, index: usize, answer: &Answer) {
        let mut messages = lock(&self.messages);
        let Some(message) = messages.get_mut(index) else {
            return;
        };
        if let Answer::Reply {
            status,
            headers: _,
            body,
        } = answer
        {
            message.status = Some(*status);
            message.answer.clone_from(body);
        }
        self.recorder
            .line(message)
            .expect("the record file takes a line");
    }
}

/// Slack's webhooks answer in plain text.
fn text(status: u16, body: &str) -> Answer {
    let headers = vec![("content-type", "text/html; charset=utf-8".to_owned())];
    Answer::Reply {
        status,
        headers,
        body: body.to_owned(),
    }
}

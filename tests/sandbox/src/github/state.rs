//! What happens to one request: it is kept, fails if it was told to, or is carried out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use super::answer::Reply;
use super::route::Route;
use super::world::World;
use super::{Endpoint, Fault, Recorded};
use crate::background::lock;
use crate::http::{Answer, HANG, Request};
use crate::record::Recorder;

#[derive(Debug)]
pub(super) struct State {
    /// Set once, right after the port is known.
    pub(super) world: OnceLock<Mutex<World>>,
    pub(super) faults: Mutex<Faults>,
    pub(super) token: Mutex<Option<String>>,
    pub(super) requests: Mutex<Vec<Recorded>>,
    pub(super) recorder: Recorder,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) next: BTreeMap<Endpoint, VecDeque<Fault>>,
    pub(super) always: BTreeMap<Endpoint, Fault>,
    pub(super) everywhere: Option<Fault>,
}

impl Faults {
    fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let next = self.next.get_mut(&endpoint).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(&endpoint).cloned())
            .or_else(|| self.everywhere.clone())
    }
}

impl State {
    pub(super) fn world(&self) -> &Mutex<World> {
        self.world.wait()
    }

    pub(super) async fn answer(self: Arc<Self>, request: Request) -> Answer {
        let index = self.keep(&request);
        let route = Route::parse(&request.method, &request.path);
        let fault = route
            .as_ref()
            .and_then(|route| lock(&self.faults).take(route.endpoint));
        let reply = match fault {
            None => Some(self.reply(route.as_ref(), &request)),
            Some(Fault::Slow(delay)) => {
                tokio::time::sleep(delay).await;
                Some(self.reply(route.as_ref(), &request))
            }
            Some(Fault::Hang) => {
                tokio::time::sleep(HANG).await;
                None
            }
            Some(Fault::DropAfter) => {
                self.reply(route.as_ref(), &request);
                None
            }
            Some(fault) => fault.reply(),
        };
        self.settle(index, reply.as_ref());
        reply.map_or(Answer::Gone, Answer::from)
    }

    fn reply(&self, route: Option<&Route>, request: &Request) -> Reply {
        if !request.headers.contains_key("user-agent") {
            return Reply::error(403, "Request forbidden by administrative rules.");
        }
        let authorization = request.headers.get("authorization").map(String::as_str);
        let token = authorization
            .and_then(|header| header.split_once(' '))
            .map(|(_, token)| token);
        match (token, lock(&self.token).as_deref()) {
            (None, _) => return Reply::error(401, "Requires authentication"),
            (Some(token), Some(expected)) if token != expected => {
                return Reply::error(401, "Bad credentials");
            }
            (Some(_), _) => {}
        }
        match route {
            Some(route) => lock(self.world()).apply(route, request),
            None => Reply::not_found(),
        }
    }

    /// Keeps a request from the moment it is here, so that one left hanging is seen too.
    fn keep(&self, request: &Request) -> usize {
        let at = request
            .at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let recorded = Recorded {
            at: at.as_secs_f64(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            authorization: request.headers.get("authorization").cloned(),
            body: serde_json::from_slice(&request.body).unwrap_or_default(),
            status: None,
        };
        let mut requests = lock(&self.requests);
        requests.push(recorded);
        requests.len() - 1
    }

    fn settle(&self, index: usize, reply: Option<&Reply>) {
        let mut requests = lock(&self.requests);
        let Some(recorded) = requests.get_mut(index) else {
            return;
        };
        recorded.status = reply.map(|reply| reply.status);
        self.recorder
            .line(recorded)
            .expect("the record file takes a line");
    }
}

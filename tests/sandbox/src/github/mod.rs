//! A stand-in for the part of GitHub's REST API that a deploy talks to.
//!
//! It holds one repository with one pull request; what is written to it is read back from it. It
//! keeps every request, and fails as it is told to.

mod ancestry;
mod answer;
mod deployments;
mod fault;
mod permission;
mod route;
mod state;
#[cfg(test)]
mod tests;
mod verdicts;
mod world;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use serde::Serialize;
use serde_json::Value;

pub use fault::Fault;
pub use permission::Permission;
pub use route::Endpoint;
pub use verdicts::{CheckState, Review};

use crate::background::lock;
use crate::http::{LOOPBACK, Server};
use crate::pull::Pull;
use crate::record::Recorder;
use state::{Faults, State};
use world::World;

/// A running stand-in; it ends when it is dropped.
#[derive(Debug)]
pub struct GitHub {
    server: Server,
    state: Arc<State>,
}

/// One request, whatever came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// Unix time in seconds at which the request arrived.
    pub at: f64,
    pub method: String,
    /// As sent, percent-encoding included.
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// The `Authorization` header as it came: use made-up tokens only.
    pub authorization: Option<String>,
    /// `null` when there was none, or none in JSON.
    pub body: Value,
    /// The status answered; `None` when the connection was dropped or left hanging.
    pub status: Option<u16>,
}

impl GitHub {
    /// Listens on an unused port of 127.0.0.1, with the pull request's author as a writer.
    pub fn start(pull: Pull) -> anyhow::Result<Self> {
        Self::start_on(LOOPBACK, pull, None)
    }

    /// Listens on `bind` and appends every request to a file, one JSON object a line.
    pub fn start_on(bind: SocketAddr, pull: Pull, record: Option<&Path>) -> anyhow::Result<Self> {
        let state = Arc::new(State {
            world: OnceLock::new(),
            faults: Mutex::default(),
            token: Mutex::default(),
            requests: Mutex::default(),
            recorder: record
                .map(Recorder::to_file)
                .transpose()?
                .unwrap_or_default(),
        });
        let shared = Arc::clone(&state);
        let server = Server::start(bind, move |request| Arc::clone(&shared).answer(request))?;
        let api = format!("http://{}", server.addr());
        state
            .world
            .get_or_init(|| Mutex::new(World::new(api, pull)));
        Ok(Self { server, state })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// What `GITHUB_API_URL` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Queues failures for the next calls of one kind, one each.
    pub fn fail(&self, endpoint: Endpoint, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.state.faults)
            .next
            .entry(endpoint)
            .or_default()
            .extend(faults);
    }

    /// Fails every call of one kind.
    pub fn fail_always(&self, endpoint: Endpoint, fault: Fault) {
        lock(&self.state.faults).always.insert(endpoint, fault);
    }

    /// Fails every call that the stand-in knows.
    pub fn fail_everywhere(&self, fault: Fault) {
        lock(&self.state.faults).everywhere = Some(fault);
    }

    /// Forgets every failure that is still to come.
    pub fn heal(&self) {
        *lock(&self.state.faults) = Faults::default();
    }

    /// From now on, answers 401 to any other token.
    pub fn require_token(&self, token: &str) {
        *lock(&self.state.token) = Some(token.to_owned());
    }

    /// Gives a user a role; users it was never told of are readers.
    pub fn permit(&self, login: &str, permission: Permission) {
        lock(self.state.world())
            .permissions
            .insert(login.to_owned(), permission);
    }

    /// Changes the pull request behind the deploy's back: a push, a label, a merge.
    pub fn change_pull(&self, change: impl FnOnce(Pull) -> Pull) {
        let mut world = lock(self.state.world());
        world.pull = change(world.pull.clone());
    }

    /// A job of another workflow, run number 1, stands like this on a commit.
    pub fn check(&self, sha: &str, name: &str, state: CheckState) {
        self.check_of_run(sha, name, 1, state);
    }

    /// A job of the given run stands like this on a commit.
    pub fn check_of_run(&self, sha: &str, name: &str, run: u64, state: CheckState) {
        lock(self.state.world()).put_check(sha, name, run, state);
    }

    /// Somebody sets a commit status: `success`, `pending`, `failure`, `error`.
    pub fn status(&self, sha: &str, context: &str, state: &str) {
        lock(self.state.world()).put_status(sha, context, state);
    }

    /// Somebody reviews the pull request, or has their reviews dismissed.
    pub fn review(&self, login: &str, review: Review) {
        lock(self.state.world()).put_review(login, review);
    }

    /// The base has this commit, and newer ones.
    pub fn merge_into_base(&self, sha: &str) {
        lock(self.state.world()).on_base.push(sha.to_owned());
    }

    /// The repository has a commit with these parents, such as the merge of a pull request.
    pub fn commit(&self, sha: &str, parents: &[&str]) {
        let parents = parents.iter().map(|&parent| parent.to_owned()).collect();
        lock(self.state.world())
            .parents
            .insert(sha.to_owned(), parents);
    }

    /// From now on the token is a person's, who can be asked for.
    pub fn sign_in(&self, login: &str) {
        lock(self.state.world()).user = Some(login.to_owned());
    }

    /// Somebody comments on the pull request.
    pub fn comment(&self, login: &str, text: &str) {
        let mut world = lock(self.state.world());
        let author = crate::shape::user(&world.api, login, crate::shape::Account::User);
        world.put_comment(&author, text);
    }

    /// Makes the commit's checks pending: a deployment that asks for them gets 409.
    pub fn pend_checks(&self) {
        lock(self.state.world()).checks_pending = true;
    }

    /// Puts the base ahead of the head: a deployment that does not refuse `auto_merge` gets 202 and
    /// a merge, but no deployment.
    pub fn fall_behind(&self) {
        lock(self.state.world()).behind_base = true;
    }

    /// Every request so far, in order of arrival; those answered only later show no status yet.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.state.requests).clone()
    }

    /// Deployments as the API gives them, oldest first.
    #[must_use]
    pub fn deployments(&self) -> Vec<Value> {
        let world = lock(self.state.world());
        world
            .deployments
            .iter()
            .map(|deployment| deployment.json.clone())
            .collect()
    }

    /// The states that a deployment went through, oldest first; `None` when there is no such one.
    #[must_use]
    pub fn states(&self, deployment: u64) -> Option<Vec<String>> {
        let world = lock(self.state.world());
        let deployment = world.deployments.iter().find(|one| one.id == deployment)?;
        let states = deployment
            .statuses
            .iter()
            .filter_map(|status| status.get("state")?.as_str());
        Some(states.map(str::to_owned).collect())
    }

    /// The bodies of the pull request's comments, oldest first.
    #[must_use]
    pub fn comments(&self) -> Vec<String> {
        let world = lock(self.state.world());
        let bodies = world
            .comments
            .iter()
            .filter_map(|comment| comment.get("body")?.as_str());
        bodies.map(str::to_owned).collect()
    }

    /// The labels on the pull request.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        lock(self.state.world()).pull.labels.clone()
    }
}

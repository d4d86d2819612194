//! What the action's post step has to know: kept in `GITHUB_STATE` before each phase that cannot be taken
//! back, so that it is there even after a kill.
//!
//! The runner hands `run` to the post step as `STATE_run`, and so on; of several values of a key the last one
//! stands. Nothing in it is a secret.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Reporter;
use super::context::RunContext;
use super::outputs::OutputFiles;
use crate::protocol::ids::{AppName, Commit, DeploymentId};

/// The key of [`Saved`].
const RUN: &str = "run";
/// There when nothing is left to do.
const FINISHED: &str = "finished";

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Milestone {
    /// The gate said yes and the settings are fine.
    #[default]
    Begun,
    /// The image is on its way to the registry.
    Pushing,
    /// The host was asked to swap.
    Swapping,
    /// The host has had its last word.
    Settled,
}

/// Everything about a run that its post step cannot know by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    pub point: Milestone,
    /// When it began, milliseconds since the Unix epoch.
    pub began_ms: u64,
    /// Whether it was asked to end.
    pub cancelled: bool,
    pub app: Option<AppName>,
    /// The run on the host.
    pub deployment: Option<DeploymentId>,
    pub github_deployment: Option<u64>,
    repository: Option<String>,
    pull_request: Option<u64>,
    commit: Option<Commit>,
    head_ref: Option<String>,
    actor: Option<String>,
}

impl Saved {
    /// What the run was about.
    #[must_use]
    pub fn context(&self, of_environment: RunContext) -> RunContext {
        RunContext {
            app: self.app.clone(),
            repository: self.repository.clone(),
            pull_request: self.pull_request,
            commit: self.commit.clone(),
            head_ref: self.head_ref.clone(),
            actor: self.actor.clone(),
            ..of_environment
        }
    }

    /// Time since it began, by the clock of this machine.
    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::from_millis(now_ms().saturating_sub(self.began_ms))
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(0))
}

/// What the main step kept, as its post step finds it; `None` when there is nothing, as under act, or nothing is left
/// to do.
pub fn left(env: &BTreeMap<String, String>) -> Option<Memory> {
    let given = |name: &String| name.strip_prefix("STATE_").map(str::to_owned);
    let kept: BTreeSet<String> = env.keys().filter_map(given).collect();
    if kept.contains(FINISHED) {
        return None;
    }
    let saved = serde_json::from_str(env.get(&format!("STATE_{RUN}"))?).ok()?;
    Some(Memory {
        saved: RefCell::new(saved),
        tried: RefCell::new(kept),
        ..Memory::none()
    })
}

/// Whether a post step comes after this one, with the state that this one kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostStep {
    /// The runner starts one, whatever happens.
    Comes,
    /// There is none, or it is told nothing: act, a command line.
    DoesNot,
}

/// Keeps [`Saved`] up to date in the file.
#[derive(Debug)]
pub struct Memory {
    files: OutputFiles,
    post: PostStep,
    saved: RefCell<Saved>,
    tried: RefCell<BTreeSet<String>>,
}

impl Memory {
    /// A run with a post step, or without.
    pub fn new(files: OutputFiles, post: PostStep) -> Self {
        Self {
            files,
            post,
            saved: RefCell::default(),
            tried: RefCell::default(),
        }
    }

    /// A run that nobody comes after.
    pub fn none() -> Self {
        Self::new(OutputFiles::default(), PostStep::DoesNot)
    }

    pub fn begin(&self, context: &RunContext, reporter: &Reporter) {
        self.note(reporter, |saved| {
            *saved = Saved {
                began_ms: now_ms(),
                app: context.app.clone(),
                repository: context.repository.clone(),
                pull_request: context.pull_request,
                commit: context.commit.clone(),
                head_ref: context.head_ref.clone(),
                actor: context.actor.clone(),
                ..Saved::default()
            };
        });
    }

    /// Changes what is kept, and keeps it at once.
    pub fn note(&self, reporter: &Reporter, change: impl FnOnce(&mut Saved)) {
        change(&mut self.saved.borrow_mut());
        if self.files.state.is_none() {
            return;
        }
        // A struct of strings and numbers has a JSON form.
        if let Ok(text) = serde_json::to_string(&*self.saved.borrow()) {
            self.files.save_state(RUN, &text, reporter);
        }
    }

    pub fn saved(&self) -> Saved {
        self.saved.borrow().clone()
    }

    /// Keeps that a sink is about to tell something that must not be told twice.
    pub(super) fn try_once(&self, sink: &str, reporter: &Reporter) {
        self.tried.borrow_mut().insert(sink.to_owned());
        self.files.save_state(sink, "tried", reporter);
    }

    /// Whether it has told it, or may have.
    pub fn is_tried(&self, sink: &str) -> bool {
        self.tried.borrow().contains(sink)
    }

    /// Nothing is left to do.
    pub fn finish(&self, reporter: &Reporter) {
        self.files.save_state(FINISHED, "true", reporter);
    }

    /// Whether the end of the run is still to be found out, by a post step that then tells it.
    pub fn leaves_it_to_post(&self) -> bool {
        let at_work = self.saved.borrow().point == Milestone::Swapping;
        match self.post {
            PostStep::Comes => at_work,
            PostStep::DoesNot => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ConsoleMode;
    use crate::secret::Redactor;

    /// The file as the runner turns it into the environment of the post step.
    fn environment(text: &str) -> BTreeMap<String, String> {
        let mut lines = text.lines();
        let mut env = BTreeMap::new();
        while let Some(line) = lines.next() {
            let (key, end) = line.split_once("<<").unwrap();
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            env.insert(format!("STATE_{key}"), value.join("\n"));
        }
        env
    }

    #[test]
    fn what_is_kept_is_read_back_until_the_run_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let files = OutputFiles {
            state: Some(path.clone()),
            ..OutputFiles::default()
        };
        let read = || left(&environment(&std::fs::read_to_string(&path).unwrap()));
        let reporter = Reporter::new(ConsoleMode::Json, Redactor::default());
        let memory = Memory::new(files.clone(), PostStep::Comes);
        let context = RunContext {
            app: "hello".parse().ok(),
            repository: Some("o/r".to_owned()),
            pull_request: Some(7),
            ..RunContext::default()
        };
        memory.begin(&context, &reporter);
        assert!(!memory.leaves_it_to_post());
        memory.note(&reporter, |saved| {
            saved.point = Milestone::Swapping;
            saved.deployment = "20260131T235959Z-0a1b2c".parse().ok();
        });
        assert!(memory.leaves_it_to_post());
        let found = read().unwrap();
        assert!(!found.is_tried("slack"));
        assert_eq!(found.saved().point, Milestone::Swapping);
        assert_eq!(found.saved().context(RunContext::default()), context);
        memory.try_once("slack", &reporter);
        assert!(read().unwrap().is_tried("slack"));
        memory.finish(&reporter);
        assert!(read().is_none());
    }

    #[test]
    fn without_state_there_is_nothing_to_do() {
        assert!(left(&BTreeMap::new()).is_none());
        let garbled = [("STATE_run".to_owned(), "{".to_owned())];
        assert!(left(&garbled.into()).is_none());
    }

    #[test]
    fn a_run_that_nobody_comes_after_leaves_nothing_to_anybody() {
        let reporter = Reporter::new(ConsoleMode::Json, Redactor::default());
        let memory = Memory::none();
        memory.note(&reporter, |saved| saved.point = Milestone::Swapping);
        assert!(!memory.leaves_it_to_post());
    }
}

//! How a run passes the gate: first by its event alone, then by the answers to all questions.

use serde_json::Value;

use super::questions::{self, Answer, Candidate};
use super::{Decision, Refusal, decide, secrets};
use crate::config::parse::{self, Caller};
use crate::config::types::{DeployConfig, GateConfig, LabelAfter};
use crate::error::Reason;
use crate::protocol::result::RunResult;
use crate::protocol::step::Phase;
use crate::runner::event::{self, Facts, Trigger};
use crate::runner::recheck::Recheck;
use crate::runner::result;
use crate::runner::run::{Invocation, Run};

/// What the event asks for; `None` when a person decides.
pub(in crate::runner) fn event(by: &Invocation) -> Result<Option<Facts>, Refusal> {
    let Some(event) = &by.event else {
        return Ok(None);
    };
    let (config, _later) = parse::gate(&by.settings.raw);
    let name = event.name.as_str();
    let payload = match event::load(&event.payload) {
        // Another event needs no payload to be refused.
        Err(trouble) if matches!(name, "pull_request" | "workflow_dispatch") => {
            let text = format!("the event cannot be read: {trouble}");
            return Err(Refusal::new(Reason::UnreadableEvent, text));
        }
        payload => payload.unwrap_or(Value::Null),
    };
    let facts = match decide(&config, name, &payload) {
        Decision::Go(facts) => facts,
        Decision::No(refusal) => return Err(refusal),
    };
    // A person at a keyboard has secrets of their own.
    if by.caller == Caller::Action {
        let actor = by.context.actor.as_deref();
        let withheld = secrets::withheld(&by.settings.raw, by.reach, &facts, actor);
        if let Some(refusal) = withheld {
            return Err(refusal);
        }
    }
    Ok(Some(facts))
}

/// Asks what the event does not say; the end of the run unless all of it is a yes.
pub(in crate::runner) async fn questions(
    run: &Run<'_>,
    config: &DeployConfig,
    facts: &Facts,
) -> Result<Recheck, Box<RunResult>> {
    let reporter = &run.reporter;
    let about = Candidate {
        facts,
        run_commit: run.by.run_commit.as_ref(),
        caller: run.by.caller,
    };
    reporter.phase_started(Phase::Gate);
    let asking = Box::pin(questions::ask(&about, config, &run.context, reporter));
    let answer = run.unless_cancelled(reporter.alive_during(asking)).await;
    match answer {
        Ok(Answer::Go(recheck)) => {
            reporter.phase_done(Phase::Gate, None);
            Ok(recheck)
        }
        Ok(Answer::No(refusal)) => {
            reporter.phase_done(Phase::Gate, Some(&refusal.to_string()));
            Err(Box::new(result::skipped(reporter, refusal.reason)))
        }
        Err(error) => {
            reporter.phase_failed(Phase::Gate, &error);
            Err(Box::new(result::failed(reporter, &error)))
        }
    }
}

/// The label to take off at the end; a run that was started by hand has none.
pub(in crate::runner) fn label<'a>(gate: &'a GateConfig, facts: &Facts) -> Option<&'a str> {
    match (&facts.origin, gate.label_after) {
        (Trigger::Label(_), LabelAfter::Removed) => Some(&gate.label),
        (Trigger::Label(_), LabelAfter::Kept) | (Trigger::Dispatch(_), _) => None,
    }
}

//! What the event cannot know: the workspace, and what GitHub says now.
//!
//! The workspace comes first; then who set the label, where the pull request or the named commit
//! stands, its reviews and its checks. The first no ends it. Without an answer it is an error, never a yes.

use super::dispatched::{self, Attempt, Backing};
use super::{Refusal, checks, reviews, standing, workspace};
use crate::clients::github::{CollaboratorAccess, Github};
use crate::config::parse::Caller;
use crate::config::types::{DeployConfig, GateConfig, ImageSource, RequiredChecks, WriterCheck};
use crate::error::{Error, Reason, Result};
use crate::protocol::ids::Commit;
use crate::report::Reporter;
use crate::report::context::RunContext;
use crate::runner::event::{Facts, Trigger};
use crate::runner::recheck::{Again, Recheck};

/// What the questions are about.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// What the event asks for.
    pub facts: &'a Facts,
    /// `GITHUB_SHA`.
    pub run_commit: Option<&'a Commit>,
    /// Whose files are built: the action's are a checkout, or nobody knows what they are.
    pub caller: Caller,
}

/// What came of them.
#[derive(Debug)]
pub enum Answer {
    /// Deploy, and ask once more on the way.
    Go(Recheck),
    /// Do not.
    No(Refusal),
}

/// Asks all of them.
pub async fn ask(
    candidate: &Candidate<'_>,
    config: &DeployConfig,
    context: &RunContext,
    reporter: &Reporter,
) -> Result<Answer> {
    let github = match &config.host.report.github {
        Some(settings) => Github::new(settings, context)?,
        None => None,
    };
    let refusal = match &config.image.source {
        ImageSource::Build(build) => {
            workspace::refusal(&build.context, candidate, github.as_ref(), reporter).await?
        }
        // Nothing of the workspace is deployed.
        ImageSource::Existing(_) => None,
    };
    if let Some(refusal) = refusal {
        return Ok(Answer::No(refusal));
    }
    match github {
        Some(github) => ask_github(github, candidate.facts, &config.gate, context).await,
        None => nobody_to_ask(&config.gate, candidate.facts, reporter),
    }
}

/// The settings decide whether that is fine.
fn nobody_to_ask(gate: &GateConfig, facts: &Facts, reporter: &Reporter) -> Result<Answer> {
    match facts.origin {
        Trigger::Label(_) => {}
        Trigger::Dispatch(_) => {
            let what =
                "cannot ask GitHub whether the commit is on `base`: `github-token` is missing";
            return Err(Error::untouched(Reason::InvalidSettings, what)
                .hint("write `github-token: ${{ github.token }}`"));
        }
    }
    let asks = gate.writer == WriterCheck::Required
        || gate.checks != RequiredChecks::Off
        || gate.approvals > 0;
    if asks {
        let what = "cannot ask GitHub what the gate has to know";
        return Err(Error::untouched(Reason::InvalidSettings, what)
            .hint("give `github-token`, or set `require-write: false`"));
    }
    reporter.warning(
        "without `github-token` a commit pushed during the build goes unnoticed",
        "write `github-token: ${{ github.token }}`",
    );
    Ok(Answer::Go(Recheck::Nobody))
}

async fn ask_github(
    github: Github,
    facts: &Facts,
    gate: &GateConfig,
    context: &RunContext,
) -> Result<Answer> {
    if gate.writer == WriterCheck::Required
        && let CollaboratorAccess::Less { role } = github.permission(&facts.sender).await?
    {
        let user = &facts.sender;
        let text = format!("`{user}` has the role `{role}`; deploying needs write access");
        return Ok(Answer::No(Refusal::new(Reason::NotPermitted, text)));
    }
    let attempt = match context.run_attempt.as_deref() {
        None | Some("1") => Attempt::First,
        Some(_) => Attempt::Again,
    };
    let pull = match &facts.origin {
        Trigger::Dispatch(_) => match dispatched::backing(&github, facts, gate, attempt).await? {
            Backing::Base => None,
            Backing::Pull(number) => Some(number),
            Backing::Nothing(refusal) => return Ok(Answer::No(refusal)),
        },
        Trigger::Label(pull) => {
            let now = github.pull_request(pull.number).await?;
            if let Some(refusal) = standing::of_label(&now, facts, gate, attempt) {
                return Ok(Answer::No(refusal));
            }
            if let Some(refusal) = reviews::refusal(&github, pull.number, gate.approvals).await? {
                return Ok(Answer::No(refusal));
            }
            Some(pull.number)
        }
    };
    if gate.checks != RequiredChecks::Off {
        let found = github.checks(&facts.commit).await?;
        if let Some(refusal) = checks::refusal(&gate.checks, &found, context.run_id.as_deref()) {
            return Ok(Answer::No(refusal));
        }
    }
    Ok(Answer::Go(Recheck::Github(Box::new(Again {
        github,
        facts: facts.clone(),
        gate: gate.clone(),
        pull,
        run_id: context.run_id.clone(),
    }))))
}

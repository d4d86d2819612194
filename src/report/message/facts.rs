//! The facts of a run under the names of the seed's workflow.
//!
//! All are about the head commit of the pull request, never about the merge commit of the event, and the
//! time is from our own clock.

use crate::clients::github::HeadCommit;
use crate::config::types::SlackField;
use crate::protocol::result::RunResult;
use crate::report::context::RunContext;
use crate::report::text;

/// The longest value, in characters as the receivers count them.
pub(super) const MAX_VALUE: usize = 300;

/// A fact with text of others, not escaped yet.
pub(super) struct MessageFact {
    pub(super) name: &'static str,
    pub(super) text: String,
    /// Where it links to.
    pub(super) url: Option<String>,
}

/// What is shown for a fact; `None` when nobody knows it.
pub(super) fn fact(
    field: SlackField,
    context: &RunContext,
    commit: Option<&HeadCommit>,
    result: &RunResult,
) -> Option<MessageFact> {
    let run = context.run_url();
    let (text, url) = match field {
        SlackField::Repo => {
            let repository = context.repository.clone();
            let server = context.server_url.as_ref().zip(repository.as_ref());
            let url = server.map(|(server, repository)| format!("{server}/{repository}"));
            (repository, url)
        }
        SlackField::Message => (commit.map(|commit| commit.message.clone()), None),
        SlackField::Commit => {
            let short = context
                .commit
                .as_ref()
                .map(|commit| commit.short().to_owned());
            (short, context.commit_url())
        }
        SlackField::Author => (commit.and_then(|commit| commit.author.clone()), None),
        SlackField::Action => (context.action.clone(), run),
        SlackField::EventName => (context.event_name.clone(), None),
        SlackField::Ref => (context.head_ref.clone(), None),
        SlackField::Workflow => (context.workflow.clone(), run),
        SlackField::Job => (context.job.clone(), None),
        SlackField::Took => (Some(text::seconds(result.took_seconds)), None),
    };
    // What nothing is drawn of is nothing, also for a receiver that wants something.
    let text = text.filter(|text| !text::printable(text).trim().is_empty())?;
    Some(MessageFact {
        name: field.as_str(),
        text,
        url,
    })
}

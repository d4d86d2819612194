//! The facts of a run under the names of the seed's workflow. Pure.
//!
//! All are about the head commit of the pull request, never about the merge commit of the event, and the
//! time is from our own clock.

use super::mrkdwn;
use crate::clients::github::HeadCommit;
use crate::config::types::SlackField;
use crate::protocol::result::RunResult;
use crate::report::context::RunContext;
use crate::report::text;

/// The longest value, in characters as Slack counts them.
const MAX_VALUE: usize = 300;

/// What Slack shows for a fact; `None` when nobody knows it.
pub(super) fn value(
    field: SlackField,
    context: &RunContext,
    commit: Option<&HeadCommit>,
    result: &RunResult,
) -> Option<String> {
    let run = context.run_url();
    match field {
        SlackField::Repo => {
            let repository = context.repository.as_deref()?;
            let url = context
                .server_url
                .as_ref()
                .map(|server| format!("{server}/{repository}"));
            Some(linked(repository, url.as_deref()))
        }
        SlackField::Message => shown(commit.map(|commit| commit.message.as_str())),
        SlackField::Commit => {
            let short = context.commit.as_ref()?.short();
            Some(linked(short, context.commit_url().as_deref()))
        }
        SlackField::Author => shown(commit.and_then(|commit| commit.author.as_deref())),
        SlackField::Action => linked_run(context.action.as_deref(), run.as_deref()),
        SlackField::EventName => shown(context.event_name.as_deref()),
        SlackField::Ref => shown(context.head_ref.as_deref()),
        SlackField::Workflow => linked_run(context.workflow.as_deref(), run.as_deref()),
        SlackField::Job => shown(context.job.as_deref()),
        SlackField::Took => Some(text::seconds(result.took_seconds)),
    }
}

fn shown(text: Option<&str>) -> Option<String> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(mrkdwn::escaped(text, MAX_VALUE))
}

fn linked_run(text: Option<&str>, url: Option<&str>) -> Option<String> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(linked(text, url))
}

fn linked(label: &str, url: Option<&str>) -> String {
    match url {
        Some(url) => mrkdwn::link(url, label),
        None => mrkdwn::escaped(label, MAX_VALUE),
    }
}

//! The message to a channel, of Slack or another messenger.

use tokio::time::timeout;

use super::{Delivery, Doing, End, Sink, Warning};
use crate::clients::github::HeadCommit;
use crate::clients::webhook::{self, Wanted, Webhook};
use crate::config::types::{MessageFormat, SlackConfig, SlackField};
use crate::protocol::result::RunResult;
use crate::report::{RunReport, message, redact};

pub(super) struct ChannelMessage<'a>(pub(super) &'a SlackConfig);

impl Sink for ChannelMessage<'_> {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn service(&self) -> &'static str {
        self.0.format.service()
    }

    /// Nobody knows what became of a post that was cut off, and a second one may be a second message.
    fn is_owed<'a>(&'a self, run: &'a RunReport<'_>) -> Doing<'a, bool> {
        Box::pin(async { !run.memory.is_tried(self.name()) })
    }

    fn finished<'a>(&'a self, end: &'a End<'_>) -> Doing<'a, Result<Delivery, Warning>> {
        Box::pin(self.post(end))
    }

    fn note(&self, told: bool, result: &mut RunResult) {
        result.slack_sent = Some(told);
    }
}

impl ChannelMessage<'_> {
    async fn post(&self, end: &End<'_>) -> Result<Delivery, Warning> {
        let (run, settings) = (end.run, self.0);
        if !message::is_wanted(settings.on, end.published.outcome) {
            return Ok(Delivery::NotWanted);
        }
        let commit = match self.head_commit(end).await {
            Ok(commit) => commit,
            Err(warning) => {
                warning.print(run.reporter);
                None
            }
        };
        let redactor = run.reporter.redactor();
        let context = redact::context(run.context, redactor);
        let told = SlackConfig {
            title: settings.title.as_ref().map(|title| redactor.redact(title)),
            ..settings.clone()
        };
        let (language, commit) = (run.config.language, commit.as_ref());
        let mut message = message::message(&told, language, &context, commit, &end.published);
        redact::json(&mut message, redactor);
        run.memory.try_once(self.name(), run.reporter);
        let webhook = Webhook {
            service: self.service(),
            address: &settings.webhook,
            answer: match settings.format {
                MessageFormat::Discord => Wanted::ByQuery,
                MessageFormat::Slack | MessageFormat::Workflow | MessageFormat::Mattermost => {
                    Wanted::Unasked
                }
            },
        };
        let posted = webhook::post(&webhook, &message).await;
        posted.map_err(|error| {
            let text = redact::short(&error.summary(), run.reporter.redactor());
            Warning::new(text, error.hints().first().map(String::as_str))
        })?;
        Ok(Delivery::Yes)
    }

    /// The message and the author; without them the message is shorter.
    async fn head_commit(&self, end: &End<'_>) -> Result<Option<HeadCommit>, Warning> {
        const WHAT: &str = "ask GitHub for the commit's message and author";
        let told = |field: &SlackField| matches!(field, SlackField::Message | SlackField::Author);
        let (Some(github), Some(commit)) = (&end.github, &end.run.context.commit) else {
            return Ok(None);
        };
        // A workflow gets all facts.
        let all = self.0.format == MessageFormat::Workflow;
        if !all && !self.0.fields.iter().any(told) {
            return Ok(None);
        }
        let redactor = end.run.reporter.redactor();
        let asked = Box::pin(github.head_commit(commit));
        // A GitHub that hangs must leave time for the message.
        match timeout(end.budget / 5, asked).await {
            Ok(Ok(found)) => Ok(Some(HeadCommit {
                message: redactor.redact(&found.message),
                author: found.author.map(|author| redactor.redact(&author)),
            })),
            Ok(Err(error)) => Err(Warning::github(WHAT, "contents: read", &error, redactor)),
            Err(_elapsed) => Err(Warning::slow_call(WHAT)),
        }
    }
}

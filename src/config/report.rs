//! Whom to tell.

use url::Url;

use super::fields::Fields;
use super::nearest::nearest;
use super::secrets;
use super::types::{
    CommentMode, GithubConfig, Language, LogMode, ReportConfig, SlackConfig, SlackField, SlackOn,
};
use super::webhook::{self, begins_as_address, has_blanks};
use crate::secret::Secret;

/// Reads the group; every problem is noted before `None` is returned.
pub(super) fn report(fields: &mut Fields<'_>) -> Option<ReportConfig> {
    let github = github(fields);
    let slack = slack(fields);
    let language = fields.choice("language").and_then(Language::named);
    let log = fields.flag("report-log", LogMode::Everywhere, LogMode::RunOnly);
    Some(ReportConfig {
        github: github?,
        slack: slack?,
        language: language?,
        log: log?,
    })
}

impl ReportConfig {
    /// Everything in it that must not be shown.
    pub fn secrets(&self) -> Vec<&Secret> {
        let token = self.github.as_ref().map(|github| &github.token);
        let slack = self.slack.as_ref();
        let webhook = slack.map(|slack| &slack.webhook);
        let given = slack.map(|slack| &slack.given);
        let given = given.filter(|given| Some(*given) != webhook);
        token.into_iter().chain(webhook).chain(given).collect()
    }
}

impl SlackConfig {
    /// Name and port of the server that messages go to.
    pub fn server(&self) -> Option<(String, u16)> {
        let url = Url::parse(self.webhook.expose()).ok()?;
        Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
    }
}

/// The inner `None` means that no token is given.
fn github(fields: &mut Fields<'_>) -> Option<Option<GithubConfig>> {
    let given = fields.raw.given("github-token").is_some();
    let token = secrets::read(fields, "github-token");
    let comment = fields.flag("comment", CommentMode::Sticky, CommentMode::Off);
    let environment_url = environment_url(fields);
    if !given {
        return (comment.is_some() && environment_url.is_some()).then_some(None);
    }
    Some(Some(GithubConfig {
        token: Secret::new(token?),
        environment: fields.text("environment")?.to_owned(),
        environment_url: environment_url?,
        comment: comment?,
    }))
}

/// The inner `None` means that none is given.
fn environment_url(fields: &mut Fields<'_>) -> Option<Option<String>> {
    let Some(text) = fields.text("environment-url") else {
        return Some(None);
    };
    if !begins_as_address(text) || has_blanks(text) || Url::parse(text).is_err() {
        let cure = "write an address such as `https://example.org`";
        fields.wrong("environment-url", "it is not a web address", cure);
        return None;
    }
    Some(Some(text.to_owned()))
}

/// The inner `None` means that no webhook is given.
fn slack(fields: &mut Fields<'_>) -> Option<Option<SlackConfig>> {
    let list = slack_fields(fields);
    let on = match fields.choice("slack-on") {
        Some("success") => Some(SlackOn::Success),
        Some("failure") => Some(SlackOn::Failure),
        Some(_) => Some(SlackOn::Always),
        None => None,
    };
    let format = webhook::format(fields);
    if fields.raw.given("slack-webhook-url").is_none() {
        return (list.is_some() && on.is_some() && format.is_some()).then_some(None);
    }
    let webhook = webhook::read(fields)?;
    Some(Some(SlackConfig {
        format: format?.unwrap_or(webhook.format),
        webhook: webhook.address,
        given: webhook.given,
        title: fields.text("slack-title").map(str::to_owned),
        fields: list?,
        on: on?,
    }))
}

fn slack_fields(fields: &mut Fields<'_>) -> Option<Vec<SlackField>> {
    let mut found = Vec::new();
    for word in fields.list("slack-fields") {
        match SlackField::ALL
            .into_iter()
            .find(|field| field.as_str() == word)
        {
            Some(field) if found.contains(&field) => {}
            Some(field) => found.push(field),
            None => {
                let names = SlackField::ALL.map(SlackField::as_str);
                let cure = nearest(word, names).map_or_else(
                    || format!("write some of {}", names.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                fields.wrong("slack-fields", format!("`{word}` is not a field"), cure);
                return None;
            }
        }
    }
    Some(found)
}

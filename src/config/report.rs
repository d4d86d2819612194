//! Whom to tell.

use url::{Host, Url};

use super::fields::Fields;
use super::nearest::nearest;
use super::secrets;
use super::types::{
    CommentMode, GithubConfig, Language, LogMode, ReportConfig, SlackConfig, SlackField, SlackOn,
};
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
        let webhook = self.slack.as_ref().map(|slack| &slack.webhook);
        token.into_iter().chain(webhook).collect()
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
    if fields.raw.given("slack-webhook-url").is_none() {
        return (list.is_some() && on.is_some()).then_some(None);
    }
    let webhook = secrets::read(fields, "slack-webhook-url")?;
    let host = fields.text("slack-host")?.to_ascii_lowercase();
    if let Err((what, cure)) = check_webhook(&webhook, &host) {
        fields.wrong("slack-webhook-url", what, cure);
        return None;
    }
    Some(Some(SlackConfig {
        webhook: Secret::new(webhook),
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

/// The webhook is a secret: what is wrong with it is said without showing it.
fn check_webhook(webhook: &str, host: &str) -> Result<(), (String, String)> {
    let whole = || "paste the whole address that Slack shows for the webhook".to_owned();
    let no_address = || ("it is not a web address".to_owned(), whole());
    if !begins_as_address(webhook) {
        return Err(no_address());
    }
    if has_blanks(webhook) || webhook.contains('\\') {
        return Err(("it holds blanks".to_owned(), whole()));
    }
    let url = Url::parse(webhook).map_err(|_not_shown| no_address())?;
    // Both are read as the client reads them, so that no spelling leads elsewhere.
    let named = Url::parse(&format!("{}://{host}/", url.scheme()));
    let is_named = named.is_ok_and(|named| named.origin() == url.origin());
    if !is_named || !url.username().is_empty() || url.password().is_some() {
        return Err((
            format!("its host is not `{host}`"),
            "use a webhook of that host, or name its host in `slack-host`".to_owned(),
        ));
    }
    if url.path() == "/" {
        return Err(("it has no path".to_owned(), whole()));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err((
            "it begins with `http://`, which sends the secret unencrypted".to_owned(),
            "write `https://`".to_owned(),
        ));
    }
    Ok(())
}

fn begins_as_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// A parser drops some of these without a word.
fn has_blanks(text: &str) -> bool {
    text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_goes_to_the_named_host_only_and_encrypted() {
        let slack = "hooks.slack.com";
        for (webhook, host) in [
            ("https://hooks.slack.com/services/T/B/x", slack),
            ("https://HOOKS.slack.com/services/T/B/x", slack),
            ("http://127.0.0.1:8099/hook", "127.0.0.1:8099"),
            ("http://localhost:1/hook", "localhost:1"),
            ("http://[::1]:1/hook", "[::1]:1"),
            ("https://chat.example.org/hook", "chat.example.org"),
        ] {
            assert_eq!(check_webhook(webhook, host), Ok(()), "{webhook}");
        }
        for (webhook, host) in [
            ("hunter2", slack),
            ("http://hooks.slack.com/services/x", slack),
            ("https://hooks.slack.com.evil.org/x", slack),
            ("https://hooks.slack.com@evil.org/x", slack),
            ("https://evil.org/hooks.slack.com", slack),
            ("https://hooks.slack.com", slack),
            ("https://hooks.slack.com/", slack),
            ("https://hooks.slack.com?x", slack),
            ("https://hooks.slack.com:8443/x", slack),
            ("https://hooks.slack.com\\@evil.org/x", slack),
            ("https://me@hooks.slack.com/x", slack),
            ("https://:x@hooks.slack.com/x", slack),
            ("https://hooks.slack.com:x/x", slack),
            ("http://10.0.0.1/x", "10.0.0.1"),
            ("http://127.0.0.1.evil.org/x", "127.0.0.1.evil.org"),
        ] {
            let (what, cure) = check_webhook(webhook, host).unwrap_err();
            assert!(!what.contains("/x") && !cure.contains("/x"), "{webhook}");
        }
    }
}

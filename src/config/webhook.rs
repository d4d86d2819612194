//! The address of a webhook: where it may lead, and what it takes. It is a secret: what is wrong with it is said without
//! showing it.

use url::{Host, Url};

use super::fields::Fields;
use super::secrets;
use crate::secret::Secret;

/// What a webhook takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFormat {
    /// Blocks.
    Slack,
    /// The variables of a workflow in Slack.
    Workflow,
    /// Attachments in Markdown; Rocket.Chat takes the same.
    Mattermost,
    /// Embeds.
    Discord,
}

impl MessageFormat {
    /// Whose webhook it is.
    pub fn service(self) -> &'static str {
        match self {
            Self::Slack | Self::Workflow => "Slack",
            Self::Mattermost => "Mattermost",
            Self::Discord => "Discord",
        }
    }
}

/// Where a webhook may lead when no host is named. Messages are posted with all that a run knows.
const HOSTS: [&str; 6] = [
    "hooks.slack.com",
    "hooks.slack-gov.com",
    "discord.com",
    "discordapp.com",
    "ptb.discord.com",
    "canary.discord.com",
];

/// What is wrong, and what to write.
type Wrong = (String, String);

/// A webhook that can be posted to.
#[derive(Debug)]
pub(super) struct CheckedWebhook {
    pub(super) address: Secret,
    /// As it was written.
    pub(super) given: Secret,
    /// As its address tells it.
    pub(super) format: MessageFormat,
}

/// What `slack-format` says; the inner `None` leaves it to the address.
pub(super) fn format(fields: &mut Fields<'_>) -> Option<Option<MessageFormat>> {
    Some(match fields.choice("slack-format")? {
        "slack" => Some(MessageFormat::Slack),
        "workflow" => Some(MessageFormat::Workflow),
        "mattermost" => Some(MessageFormat::Mattermost),
        "discord" => Some(MessageFormat::Discord),
        _ => None,
    })
}

pub(super) fn read(fields: &mut Fields<'_>) -> Option<CheckedWebhook> {
    let text = secrets::read(fields, "slack-webhook-url")?;
    let host = fields.text("slack-host").map(str::to_ascii_lowercase);
    match check(&text, host.as_deref()).and_then(|url| known(&url, text)) {
        Ok(webhook) => Some(webhook),
        Err((what, cure)) => {
            fields.wrong("slack-webhook-url", what, cure);
            None
        }
    }
}

/// What takes a message at this address.
fn known(url: &Url, text: String) -> Result<CheckedWebhook, Wrong> {
    let path: Vec<&str> = url
        .path_segments()
        .map(|segments| segments.filter(|segment| !segment.is_empty()).collect())
        .unwrap_or_default();
    let given = Secret::new(text.clone());
    let (address, format) = match path.as_slice() {
        ["triggers" | "workflows", _, ..] if is_slack(url) => (text, MessageFormat::Workflow),
        _ if is_slack(url) => (text, MessageFormat::Slack),
        ["api", "webhooks", _, _] | ["api", _, "webhooks", _, _] => (text, MessageFormat::Discord),
        // Its endpoint for Slack's messages draws no blocks.
        ["api", "webhooks", _, _, "slack"] | ["api", _, "webhooks", _, _, "slack"] => {
            (own_endpoint(url), MessageFormat::Discord)
        }
        ["api", "webhooks", _, _, _] | ["api", _, "webhooks", _, _, _] => {
            return Err((
                "it is not the address that Discord shows for the webhook".to_owned(),
                "write the address without what comes behind its token".to_owned(),
            ));
        }
        // Mattermost has an id there, Rocket.Chat an id and a token; both may be below a path.
        [.., "hooks", _] | [.., "hooks", _, _] => (text, MessageFormat::Mattermost),
        _ => (text, MessageFormat::Slack),
    };
    Ok(CheckedWebhook {
        address: Secret::new(address),
        given,
        format,
    })
}

fn is_slack(url: &Url) -> bool {
    matches!(
        url.host_str(),
        Some("hooks.slack.com" | "hooks.slack-gov.com")
    )
}

/// The same webhook as Discord's own messages use it.
fn own_endpoint(url: &Url) -> String {
    let mut url = url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().pop();
    }
    url.to_string()
}

/// The address, if that is one where this may be posted. Without a `host` it is one of [`HOSTS`].
fn check(webhook: &str, host: Option<&str>) -> Result<Url, Wrong> {
    let whole = || "paste the whole address that is shown for the webhook".to_owned();
    let no_address = || ("it is not a web address".to_owned(), whole());
    if !begins_as_address(webhook) {
        return Err(no_address());
    }
    if has_blanks(webhook) || webhook.contains('\\') {
        return Err(("it holds blanks".to_owned(), whole()));
    }
    let url = Url::parse(webhook).map_err(|_not_shown| no_address())?;
    let hosts = host.as_ref().map_or(HOSTS.as_slice(), std::slice::from_ref);
    // Both are read as the client reads them, so that no spelling leads elsewhere.
    let leads_to = |host: &&str| {
        let named = Url::parse(&format!("{}://{host}/", url.scheme()));
        named.is_ok_and(|named| named.origin() == url.origin())
    };
    if !hosts.iter().any(leads_to) || !url.username().is_empty() || url.password().is_some() {
        return Err(match host {
            Some(host) => (
                format!("its host is not `{host}`"),
                "use a webhook of that host, or name its host in `slack-host`".to_owned(),
            ),
            None => (
                "its host is neither `hooks.slack.com` nor `discord.com`".to_owned(),
                "name the host in `slack-host`, such as that of a Mattermost of your own"
                    .to_owned(),
            ),
        });
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
    Ok(url)
}

pub(super) fn begins_as_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// A parser drops some of these without a word.
pub(super) fn has_blanks(text: &str) -> bool {
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

    fn read(webhook: &str, host: Option<&str>) -> Result<CheckedWebhook, Wrong> {
        check(webhook, host).and_then(|url| known(&url, webhook.to_owned()))
    }

    #[test]
    fn a_webhook_goes_to_the_named_host_only_and_encrypted() {
        for (webhook, host) in [
            ("https://hooks.slack.com/services/T/B/x", None),
            ("https://HOOKS.slack.com/services/T/B/x", None),
            ("https://hooks.slack-gov.com/services/T/B/x", None),
            ("https://discord.com/api/webhooks/1/x", None),
            ("http://127.0.0.1:8099/hook", Some("127.0.0.1:8099")),
            ("http://localhost:1/hook", Some("localhost:1")),
            ("http://[::1]:1/hook", Some("[::1]:1")),
            ("https://chat.example.org/hook", Some("chat.example.org")),
        ] {
            assert!(read(webhook, host).is_ok(), "{webhook}");
        }
        let slack = Some("hooks.slack.com");
        for (webhook, host) in [
            ("hunter2", None),
            ("http://hooks.slack.com/services/x", None),
            ("https://hooks.slack.com.evil.org/x", None),
            ("https://hooks.slack.com@evil.org/x", None),
            ("https://evil.org/hooks.slack.com", None),
            ("https://evil.org/api/webhooks/1/x", None),
            ("https://hooks.slack.com", None),
            ("https://hooks.slack.com/", None),
            ("https://hooks.slack.com?x", None),
            ("https://hooks.slack.com:8443/x", None),
            ("https://hooks.slack.com\\@evil.org/x", None),
            ("https://me@hooks.slack.com/x", None),
            ("https://:x@hooks.slack.com/x", None),
            ("https://hooks.slack.com:x/x", None),
            ("https://discord.com/api/webhooks/1/x", slack),
            ("https://discord.com/api/webhooks/1/x/github", None),
            ("http://10.0.0.1/x", Some("10.0.0.1")),
            ("http://127.0.0.1.evil.org/x", Some("127.0.0.1.evil.org")),
        ] {
            let (what, cure) = read(webhook, host).unwrap_err();
            assert!(!what.contains("/x") && !cure.contains("/x"), "{webhook}");
        }
    }

    #[test]
    fn the_address_tells_what_it_takes() {
        use MessageFormat::{Discord, Mattermost, Slack, Workflow};
        for (webhook, host, format) in [
            ("https://hooks.slack.com/services/T/B/x", None, Slack),
            ("https://hooks.slack.com/workflows/T/A/1/x", None, Workflow),
            ("https://hooks.slack.com/triggers/T/1/x", None, Workflow),
            ("https://discord.com/api/webhooks/1/x", None, Discord),
            ("https://discord.com/api/v10/webhooks/1/x", None, Discord),
            ("https://ptb.discord.com/api/webhooks/1/x/", None, Discord),
            ("https://h.org/hooks/abc", Some("h.org"), Mattermost),
            ("https://h.org/chat/hooks/abc", Some("h.org"), Mattermost),
            ("https://h.org/hooks/abc/token", Some("h.org"), Mattermost),
            ("https://h.org/services/T/B/x", Some("h.org"), Slack),
            ("https://h.org/triggers/T/1/x", Some("h.org"), Slack),
        ] {
            assert_eq!(read(webhook, host).unwrap().format, format, "{webhook}");
        }
    }

    #[test]
    fn discords_endpoint_for_slack_is_left_for_its_own() {
        for (given, used) in [
            (
                "https://discord.com/api/webhooks/1/x/slack",
                "https://discord.com/api/webhooks/1/x",
            ),
            (
                "https://discord.com/api/webhooks/1/x/slack/?thread_id=7",
                "https://discord.com/api/webhooks/1/x?thread_id=7",
            ),
        ] {
            let webhook = read(given, None).unwrap();
            assert_eq!(webhook.address.expose(), used);
            assert_eq!(webhook.format, MessageFormat::Discord);
        }
    }
}

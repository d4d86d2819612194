//! nginx's files as an earlier `provision` wrote them: they work, and are slower.

use super::events::Events;
use crate::host::Host;
use crate::protocol::place::CURRENT;
use crate::protocol::plan::Site;

/// Says so, and what to type.
pub(super) async fn warn<H: Host>(events: &Events<'_, H>, site: &Site) {
    let hint = format!(
        "once this deploy is over, run on the host: `{}`",
        provision_here(site)
    );
    events.warn(WHAT, hint).await;
}

pub(super) const WHAT: &str =
    "nginx's files are of an earlier version: nginx opens a connection to the app for each request";

/// The command that a person on the host types.
pub(super) fn provision_here(site: &Site) -> String {
    let mut words = vec![CURRENT, "provision", "--host", "local"];
    let slots = format!("{},{}", site.slots.one, site.slots.two);
    let files = site.compose_files.join(",");
    let said = [
        ("--app", site.app.as_str()),
        ("--slots", &slots),
        ("--project-directory", &site.project_directory),
        ("--compose-file", &files),
        ("--proxy-include", &site.proxy_include),
    ];
    for (flag, value) in said {
        if !value.is_empty() {
            words.extend([flag, value]);
        }
    }
    let words: Vec<String> = words.into_iter().map(quoted).collect();
    words.join(" ")
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:@".contains(c);
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::agent::crash::drive;
    use crate::agent::events::warned;
    use crate::agent::prepare;
    use crate::agent::tests::{image, plan};
    use crate::host::nginx::flag::FlagVersion;
    use crate::host::sim::SimHost;
    use crate::protocol::plan::Target;

    /// The warnings before a deploy.
    fn before_a_deploy(host: &SimHost) -> Vec<(String, String)> {
        let (listener, mut replies) = unbounded_channel();
        let events = Events::new(host, None, listener);
        let site = plan(1, Target::Image(image(1))).site;
        let cancel = Cell::new(false);
        let look = prepare::run(host, &events, &site, &cancel);
        drive(host, Box::pin(look)).unwrap().unwrap();
        warned(&mut replies)
    }

    #[test]
    fn every_deploy_says_so_until_they_are_written_again() {
        assert_eq!(before_a_deploy(&SimHost::new()), [], "they are not ours");
        assert_eq!(before_a_deploy(&SimHost::provisioned()), []);
        for version in [FlagVersion::One, FlagVersion::Two] {
            let host = SimHost::provisioned();
            host.world.borrow_mut().provisioned_earlier(version);
            let warned = before_a_deploy(&host);
            let [(text, hint)] = warned.as_slice() else {
                panic!("{warned:?}");
            };
            assert!(text.contains("an earlier version"), "{text}");
            assert!(hint.contains("provision --host local --app app"), "{hint}");
        }
    }

    #[test]
    fn the_command_says_what_differs_from_host_to_host() {
        let mut site = plan(1, Target::Image(image(1))).site;
        site.project_directory = "it's here".to_owned();
        site.compose_files = Vec::new();
        assert_eq!(
            provision_here(&site),
            format!(
                r"{CURRENT} provision --host local --app app --slots web-1,web-2 --project-directory 'it'\''s here' --proxy-include {}",
                site.proxy_include
            )
        );
    }
}

//! Runs that GitHub gives no secrets.
//!
//! A fork's pull request is refused before this. Dependabot may put a label on its own pull requests,
//! and its runs see empty texts where the repository's secrets should be. Anybody else's empty secret
//! is a mistake in the settings, which must not look like a quiet skip.

use super::Refusal;
use crate::config::parse::Reach;
use crate::config::raw::Raw;
use crate::error::Reason;
use crate::runner::event::Facts;

const DEPENDABOT: &str = "dependabot[bot]";

/// Why the run cannot go on without what GitHub keeps from it; `None` when it can, or when it is
/// nobody's doing but the settings'. `actor` is whom GitHub takes for the one who started the run.
pub fn withheld(raw: &Raw, reach: Reach, facts: &Facts, actor: Option<&str>) -> Option<Refusal> {
    if facts.sender != DEPENDABOT && actor != Some(DEPENDABOT) {
        return None;
    }
    let empty: Vec<String> = needed(raw, reach)
        .into_iter()
        .filter(|key| raw.given(key).is_none())
        .map(|key| format!("`{key}`"))
        .collect();
    if empty.is_empty() {
        return None;
    }
    let text = format!(
        "Dependabot started this run, and GitHub gives it no secrets ({}): \
         let a person put the label on, or add them to Dependabot's own secrets",
        empty.join(", ")
    );
    Some(Refusal::new(Reason::NoSecrets, text))
}

/// The secrets that this run cannot do without.
fn needed(raw: &Raw, reach: Reach) -> Vec<&'static str> {
    let mut keys = Vec::new();
    if reach == Reach::Ssh {
        keys.push("ssh-key");
    }
    if raw.given("registry-username").is_some() {
        keys.push("registry-password");
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::Source;
    use crate::runner::event::Trigger;

    fn facts(sender: &str) -> Facts {
        Facts {
            repository: "o/r".to_owned(),
            commit: "a".repeat(40).parse().unwrap(),
            sender: sender.to_owned(),
            origin: Trigger::Dispatch("main".to_owned()),
        }
    }

    #[test]
    fn only_dependabots_missing_secrets_are_withheld() {
        let mut raw = Raw::default();
        raw.offer("registry-username", "me", Source::Input);
        let withheld = |raw: &Raw, reach, sender, actor| {
            withheld(raw, reach, &facts(sender), actor).map(|refusal| refusal.text)
        };
        let text = withheld(&raw, Reach::Ssh, DEPENDABOT, None).unwrap();
        assert!(text.contains("(`ssh-key`, `registry-password`)"), "{text}");
        assert!(withheld(&raw, Reach::Local, "octocat", Some(DEPENDABOT)).is_some());
        assert_eq!(withheld(&raw, Reach::Ssh, "octocat", Some("octocat")), None);
        raw.offer("registry-password", "secret", Source::Input);
        assert_eq!(withheld(&raw, Reach::Local, DEPENDABOT, None), None);
        raw.offer("ssh-key", "key", Source::Input);
        assert_eq!(withheld(&raw, Reach::Ssh, DEPENDABOT, None), None);
    }
}

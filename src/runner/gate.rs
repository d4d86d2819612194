//! Decides whether an event asks for a deploy. Pure, and closed whenever in doubt.

use serde_json::Value;

use super::event::{self, Facts, Unusable};
use crate::config::types::GateConfig;
use crate::error::Reason;

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Deploy this.
    Go(Facts),
    /// Do not, for this reason; the text is for a person.
    No(Reason, String),
}

/// Goes only for a `pull_request` event whose action is `labeled`, with the configured label on a
/// pull request to the configured base.
pub fn decide(gate: &GateConfig, event_name: &str, payload: &Value) -> Decision {
    if event_name != "pull_request" {
        let text = match event_name {
            "" => "there is no event, and only `pull_request` deploys".to_owned(),
            name => format!(
                "the event is `{}`, and only `pull_request` deploys",
                shown(name)
            ),
        };
        return Decision::No(Reason::WrongEvent, text);
    }
    check(gate, payload)
        .unwrap_or_else(|unusable| Decision::No(Reason::UnreadableEvent, unusable.to_string()))
}

fn check(gate: &GateConfig, payload: &Value) -> Result<Decision, Unusable> {
    let action = event::text(payload, "/action")?;
    if action != "labeled" {
        let text = format!(
            "the action is `{}`, and only `labeled` deploys",
            shown(action)
        );
        return Ok(Decision::No(Reason::WrongAction, text));
    }
    let label = event::text(payload, "/label/name")?;
    let wanted = comparable(&gate.label);
    if wanted.is_empty() || comparable(label) != wanted {
        let text = format!(
            "the label is `{}`, and only `{}` deploys",
            shown(label),
            shown(&gate.label)
        );
        return Ok(Decision::No(Reason::WrongLabel, text));
    }
    let base = event::text(payload, "/pull_request/base/ref")?;
    if base != gate.base {
        let text = format!(
            "the pull request goes to `{}`, and only those to `{}` deploy",
            shown(base),
            shown(&gate.base)
        );
        return Ok(Decision::No(Reason::WrongBase, text));
    }
    event::facts(payload).map(Decision::Go)
}

/// A label's code points without the variation selector that some keyboards add after an emoji.
fn comparable(label: &str) -> String {
    let label: String = label.chars().filter(|c| *c != '\u{fe0f}').collect();
    label.trim().to_owned()
}

/// Untrusted text for a person: short and on one line.
fn shown(text: &str) -> String {
    let one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    one_line.take(100).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::config::types::{LabelAfter, Mode, WriterCheck};

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn gate() -> GateConfig {
        GateConfig {
            label: "🎅🏼deploy".to_owned(),
            base: "main".to_owned(),
            writer: WriterCheck::Required,
            label_after: LabelAfter::Removed,
            mode: Mode::Deploy,
        }
    }

    fn payload(action: &str, label: &str, base: &str) -> Value {
        json!({
            "action": action,
            "label": {"name": label},
            "pull_request": {
                "number": 7,
                "base": {"ref": base},
                "head": {"ref": "feature", "sha": SHA},
            },
            "repository": {"full_name": "o/r"},
            "sender": {"login": "octocat"},
        })
    }

    fn reason(event: &str, payload: &Value) -> Option<Reason> {
        match decide(&gate(), event, payload) {
            Decision::Go(_) => None,
            Decision::No(reason, _) => Some(reason),
        }
    }

    #[test]
    fn the_exact_event_goes_with_the_head_commit() {
        let decision = decide(
            &gate(),
            "pull_request",
            &payload("labeled", "🎅🏼deploy", "main"),
        );
        let Decision::Go(facts) = decision else {
            panic!("{decision:?}")
        };
        assert_eq!(facts.head.as_str(), SHA);
        assert_eq!((facts.number, facts.head_ref.as_str()), (7, "feature"));
        assert_eq!(
            (facts.repository.as_str(), facts.sender.as_str()),
            ("o/r", "octocat")
        );
    }

    #[test]
    fn only_the_variation_selector_and_outer_spaces_are_ignored() {
        let label = |label: &str| reason("pull_request", &payload("labeled", label, "main"));
        for same in ["🎅🏼\u{fe0f}deploy", " 🎅🏼deploy ", "\u{fe0f} 🎅🏼deploy\t"] {
            assert_eq!(label(same), None, "{same:?}");
        }
        for other in [
            "🎅deploy",
            "🎅🏽deploy",
            "deploy",
            "🎅🏼 deploy",
            "🎅🏼Deploy",
            "x🎅🏼deploy",
        ] {
            assert_eq!(label(other), Some(Reason::WrongLabel), "{other:?}");
        }
    }

    #[test]
    fn every_other_event_says_why_not() {
        let good = payload("labeled", "🎅🏼deploy", "main");
        for event in [
            "",
            "push",
            "workflow_dispatch",
            "pull_request_target",
            "Pull_Request",
        ] {
            assert_eq!(reason(event, &good), Some(Reason::WrongEvent), "{event}");
        }
        for action in ["unlabeled", "opened", "synchronize", "Labeled"] {
            let payload = payload(action, "🎅🏼deploy", "main");
            assert_eq!(reason("pull_request", &payload), Some(Reason::WrongAction));
        }
        for base in ["develop", "main ", "Main", "refs/heads/main"] {
            let payload = payload("labeled", "🎅🏼deploy", base);
            assert_eq!(reason("pull_request", &payload), Some(Reason::WrongBase));
        }
    }

    #[test]
    fn a_payload_that_lacks_anything_is_closed() {
        let good = payload("labeled", "🎅🏼deploy", "main");
        for pointer in [
            "/action",
            "/label/name",
            "/pull_request/base/ref",
            "/pull_request/head/sha",
            "/pull_request/head/ref",
            "/pull_request/number",
            "/repository/full_name",
            "/sender/login",
        ] {
            for wrong in [
                json!(null),
                json!(["labeled"]),
                json!({}),
                json!(""),
                json!(true),
            ] {
                let mut payload = good.clone();
                *payload.pointer_mut(pointer).unwrap() = wrong;
                let reason = reason("pull_request", &payload);
                assert_eq!(reason, Some(Reason::UnreadableEvent), "{pointer}");
            }
        }
        for nothing in [json!(null), json!([]), json!("labeled"), json!({})] {
            assert_eq!(
                reason("pull_request", &nothing),
                Some(Reason::UnreadableEvent)
            );
        }
    }

    #[test]
    fn a_label_in_the_pull_requests_own_list_is_not_the_one_just_set() {
        let mut payload = payload("labeled", "bug", "main");
        payload["pull_request"]["labels"] = json!([{"name": "🎅🏼deploy"}]);
        assert_eq!(reason("pull_request", &payload), Some(Reason::WrongLabel));
    }

    proptest! {
        #[test]
        fn nothing_but_the_exact_case_goes(
            event in prop_oneof![Just("pull_request".to_owned()), "[a-z_]{0,12}"],
            action in prop_oneof![Just("labeled".to_owned()), "[a-zA-Z ]{0,10}"],
            label in prop_oneof![
                "[ \u{fe0f}]{0,2}🎅[ \u{fe0f}]{0,1}🏼\u{fe0f}{0,1}deploy[ \u{fe0f}]{0,2}",
                "\\PC{0,12}",
            ],
            base in prop_oneof![Just("main".to_owned()), "[a-z/ ]{0,6}"],
        ) {
            let bare = label.replace('\u{fe0f}', "");
            let exact = event == "pull_request"
                && action == "labeled"
                && bare.trim() == "🎅🏼deploy"
                && base == "main";
            let decision = decide(&gate(), &event, &payload(&action, &label, &base));
            prop_assert_eq!(matches!(decision, Decision::Go(_)), exact);
        }
    }
}

//! Where a pull request stands now, against what the event said.

use super::Refusal;
use super::dispatched::Attempt;
use super::labeled::{draft_refused, is_the_label};
use super::show::short;
use crate::clients::github::PullNow;
use crate::config::types::GateConfig;
use crate::error::Reason;
use crate::protocol::ids::Commit;
use crate::runner::event::Facts;

/// Why it is not to be deployed any more: the event is old, or it is replayed by a re-run.
pub(super) fn refusal(now: &PullNow, facts: &Facts, gate: &GateConfig) -> Option<Refusal> {
    let refused = |reason, text: &str| Some(Refusal::new(reason, text));
    if now.head_repository.as_ref() != Some(&facts.repository) {
        return refused(Reason::FromFork, "the pull request comes from a fork");
    }
    if now.merged {
        return refused(Reason::Merged, "the pull request is merged by now");
    }
    if now.draft {
        return Some(draft_refused());
    }
    moved(now, &facts.commit, &gate.base)
}

/// The same for a label that was put on: it must still be there.
pub(super) fn of_label(
    now: &PullNow,
    facts: &Facts,
    gate: &GateConfig,
    attempt: Attempt,
) -> Option<Refusal> {
    refusal(now, facts, gate).or_else(|| match attempt {
        Attempt::First => label_removed(now, gate),
        // The first try may have taken it off itself.
        Attempt::Again => None,
    })
}

/// Why a label that was put on no longer asks for anything: somebody thought better of it while the run was waiting.
fn label_removed(now: &PullNow, gate: &GateConfig) -> Option<Refusal> {
    if now.labels.iter().any(|label| is_the_label(gate, label)) {
        return None;
    }
    let text = format!(
        "the label `{}` was taken off again before this run began: put it on to deploy",
        short(&gate.label)
    );
    Some(Refusal::new(Reason::LabelRemoved, text))
}

/// What must not change while the image is built. Being merged does not count: what was asked for is
/// then in the base already.
pub(in crate::runner) fn moved(now: &PullNow, commit: &Commit, base: &str) -> Option<Refusal> {
    if now.head != commit.as_str() {
        let text = format!(
            "the pull request moved on to the commit `{}`, and the label was put on for `{}`: \
             take the label off and put it on again to deploy the new one",
            short(now.head.get(..12).unwrap_or(&now.head)),
            commit.short()
        );
        return Some(Refusal::new(Reason::HeadMoved, text));
    }
    if now.base != base {
        let text = format!("the pull request targets `{}` now", short(&now.base));
        return Some(Refusal::new(Reason::WrongBase, text));
    }
    if now.state != "open" && !now.merged {
        return Some(Refusal::new(
            Reason::Closed,
            "the pull request is closed by now",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::gate::tests::{facts, gate};

    const HEAD: &str = crate::runner::gate::tests::SHA;

    fn now() -> PullNow {
        PullNow {
            head: HEAD.to_owned(),
            head_repository: Some("o/r".to_owned()),
            base: "main".to_owned(),
            state: "open".to_owned(),
            merged: false,
            draft: false,
            labels: vec!["bug".to_owned(), "🎅🏼\u{fe0f}deploy".to_owned()],
        }
    }

    #[test]
    fn the_label_is_still_on_or_nothing_is_asked_for() {
        assert_eq!(label_removed(&now(), &gate()), None);
        for labels in [vec![], vec!["bug"], vec!["🎅🏼deployed", "deploy"]] {
            let labels = labels.into_iter().map(str::to_owned).collect();
            let refusal = label_removed(&PullNow { labels, ..now() }, &gate()).unwrap();
            assert_eq!(refusal.reason, Reason::LabelRemoved);
        }
    }

    #[test]
    fn only_what_stands_as_the_event_said_goes_on() {
        let change = |change: fn(&mut PullNow)| {
            let mut now = now();
            change(&mut now);
            let at_gate = refusal(&now, &facts(), &gate()).map(|refusal| refusal.reason);
            let later = moved(&now, &facts().commit, "main").map(|refusal| refusal.reason);
            (at_gate, later)
        };
        assert_eq!(change(|_| {}), (None, None));
        let both = |reason| (Some(reason), Some(reason));
        assert_eq!(
            change(|now| now.head = "b".repeat(40)),
            both(Reason::HeadMoved)
        );
        assert_eq!(
            change(|now| now.head = "é".to_owned()),
            both(Reason::HeadMoved)
        );
        assert_eq!(change(|now| now.head.clear()), both(Reason::HeadMoved));
        assert_eq!(
            change(|now| now.base = "develop".to_owned()),
            both(Reason::WrongBase)
        );
        assert_eq!(
            change(|now| now.state = "closed".to_owned()),
            both(Reason::Closed)
        );
        assert_eq!(
            change(|now| now.state = "other".to_owned()),
            both(Reason::Closed)
        );
        let merged = change(|now| {
            now.merged = true;
            now.state = "closed".to_owned();
        });
        assert_eq!(merged, (Some(Reason::Merged), None));
        assert_eq!(change(|now| now.draft = true), (Some(Reason::Draft), None));
        for fork in [None, Some("m/r".to_owned())] {
            let now = PullNow {
                head_repository: fork,
                ..now()
            };
            let refusal = refusal(&now, &facts(), &gate()).unwrap();
            assert_eq!(refusal.reason, Reason::FromFork);
        }
    }
}

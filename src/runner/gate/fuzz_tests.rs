//! Real payloads with mistakes in them: no panic, and never a yes for anything but the exact case.
//!
//! What is exact is written down here a second time, from `docs/gate.md` and not from the code.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::dispatched::{Attempt, OnBase, on_base};
use super::tests::{HEAD, NEEDED, SHA, facts, gate, labeled};
use super::*;
use crate::clients::github::{CommitPosition, PullNow};
use crate::runner::event::Trigger;

/// What is done to one place.
#[derive(Debug, Clone)]
enum Mistake {
    Removed,
    Replaced(Value),
    /// The text there, with something in the middle or at an end.
    Inserted(Index, &'static str),
    /// The text there, written in other letters.
    Retyped(fn(&str) -> String),
    /// The opposite, the next number, another word of the same kind.
    Turned,
    /// What stands at another place.
    Swapped(Index),
}

/// Joiners, selectors, marks of direction, combining characters, look-alikes, ends of lines.
const SPECKS: [&str; 16] = [
    "\u{200d}",
    "\u{200b}",
    "\u{fe0e}",
    "\u{fe0f}",
    "\u{202e}",
    "\u{2066}",
    "\u{301}",
    "\u{20e3}",
    "\u{feff}",
    "\u{ad}",
    "\u{e0064}",
    "\0",
    "\n",
    " ",
    "/",
    "🏼",
];

const RETYPED: [fn(&str) -> String; 7] = [
    |text| text.to_uppercase(),
    |text| text.chars().rev().collect(),
    |text| {
        text.replace('a', "\u{430}")
            .replace('e', "\u{435}")
            .replace('o', "\u{3bf}")
    },
    |text| text.chars().map(|c| fullwidth(c).unwrap_or(c)).collect(),
    |text| text.replace('🏼', "🏽"),
    |text| text.repeat(20_000),
    |text| format!("refs/heads/{text}"),
];

fn fullwidth(c: char) -> Option<char> {
    let distance = u32::from(c).checked_sub(0x21).filter(|at| *at < 0x5e)?;
    char::from_u32(0xff01 + distance)
}

fn mistake() -> impl Strategy<Value = Mistake> {
    let values = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        "[0-9a-f]{38,41}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"name": "🎅🏼deploy", "ref": "main", "sha": HEAD})),
        Just(deep()),
        prop::sample::select(vec![
            "labeled",
            "🎅🏼deploy",
            "main",
            "open",
            "closed",
            "true",
            ""
        ])
        .prop_map(Value::from),
    ];
    prop_oneof![
        2 => Just(Mistake::Removed),
        4 => values.prop_map(Mistake::Replaced),
        4 => (any::<Index>(), prop::sample::select(SPECKS.to_vec()))
            .prop_map(|(at, speck)| Mistake::Inserted(at, speck)),
        4 => prop::sample::select(RETYPED.to_vec()).prop_map(Mistake::Retyped),
        4 => Just(Mistake::Turned),
        1 => any::<Index>().prop_map(Mistake::Swapped),
    ]
}

fn deep() -> Value {
    (0..100).fold(json!("labeled"), |inner, _| json!([inner]))
}

/// A place: mostly one that matters, or one of its parents, or any.
fn place() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["/action", "/label/name", "/pull_request/base/ref"])
            .prop_map(str::to_owned),
        5 => prop::sample::select(NEEDED.to_vec()).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "/label", "/pull_request", "/pull_request/head", "/pull_request/head/repo",
            "/pull_request/base", "/pull_request/base/repo", "/repository", "/sender",
            "/pull_request/merge_commit_sha",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(PLACES.clone()),
    ]
}

static PLACES: LazyLock<Vec<String>> = LazyLock::new(all_places);
static LABELED: LazyLock<Value> = LazyLock::new(labeled);

fn all_places() -> Vec<String> {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), value))
                .collect(),
            Value::Array(items) => {
                let numbered = items.iter().enumerate();
                numbered
                    .map(|(at, value)| (at.to_string(), value))
                    .collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for (key, value) in children {
            let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
            walk(value, &path, found);
            found.push(path);
        }
    }
    let mut found = Vec::new();
    walk(&labeled(), "", &mut found);
    found
}

fn make(payload: &mut Value, place: &str, mistake: &Mistake, places: &[String]) {
    if let Mistake::Removed = mistake {
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(map)) = payload.pointer_mut(parent) {
            map.remove(key);
        }
        return;
    }
    let elsewhere = match mistake {
        Mistake::Swapped(index) => payload.pointer(&places[index.index(places.len())]).cloned(),
        Mistake::Removed
        | Mistake::Replaced(_)
        | Mistake::Inserted(..)
        | Mistake::Retyped(_)
        | Mistake::Turned => None,
    };
    let Some(target) = payload.pointer_mut(place) else {
        return;
    };
    let text = target.as_str().map(str::to_owned);
    match (mistake, text) {
        (Mistake::Replaced(value), _) => *target = value.clone(),
        (Mistake::Turned, _) => *target = turned(target),
        (Mistake::Swapped(_), _) => *target = elsewhere.unwrap_or_default(),
        (Mistake::Inserted(at, speck), Some(text)) => {
            let mut ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            ends.push(text.len());
            let (before, after) = text.split_at(*at.get(&ends));
            *target = json!(format!("{before}{speck}{after}"));
        }
        (Mistake::Retyped(retype), Some(text)) => *target = json!(retype(&text)),
        (Mistake::Removed | Mistake::Inserted(..) | Mistake::Retyped(_), _) => {}
    }
}

fn turned(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => json!(number.as_u64().map(|number| number + 1)),
        Value::String(text) => match text.as_str() {
            "labeled" => json!("unlabeled"),
            "main" => json!("develop"),
            "open" => json!("closed"),
            HEAD => json!("c2b7a9e4f1d05386b1e7c4a8d3f6092b5e8a7c14"),
            "🎅🏼deploy" => json!("🎅deploy"),
            "octo-org/pct-backend" => json!("mallory/pct-backend"),
            other => json!(format!("other-{other}")),
        },
        Value::Array(_) | Value::Object(_) => Value::Null,
        Value::Null => json!({}),
    }
}

/// The exact case, in the words of the documentation.
fn is_exact(payload: &Value) -> bool {
    let text = |place: &str| {
        payload
            .pointer(place)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let number = |place: &str| payload.pointer(place).and_then(Value::as_u64);
    let label: String = text("/label/name").split('\u{fe0f}').collect();
    let sha = text("/pull_request/head/sha");
    text("/action") == "labeled"
        && label.trim() == "🎅🏼deploy"
        && text("/pull_request/base/ref") == "main"
        && text("/pull_request/state") == "open"
        && payload.pointer("/pull_request/merged") == Some(&json!(false))
        && payload.pointer("/pull_request/draft") == Some(&json!(false))
        && text("/pull_request/head/repo/full_name") == text("/pull_request/base/repo/full_name")
        && text("/pull_request/base/repo/full_name") == text("/repository/full_name")
        && number("/pull_request/head/repo/id").is_some()
        && number("/pull_request/head/repo/id") == number("/pull_request/base/repo/id")
        && number("/pull_request/number").is_some()
        && (sha.len() == 40 && sha.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')))
        && [
            "/pull_request/head/ref",
            "/repository/full_name",
            "/sender/login",
        ]
        .iter()
        .all(|place| !text(place).is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_payload_goes_only_when_it_is_still_exact(
        event in prop_oneof![9 => Just("pull_request"), 1 => Just("pull_request_target"), 1 => Just("workflow_dispatch")],
        mistakes in prop::collection::vec((place(), mistake()), 1..3),
    ) {
        let (mut payload, places) = (LABELED.clone(), &*PLACES);
        for (place, mistake) in &mistakes {
            make(&mut payload, place, mistake, places);
        }
        match decide(&gate(), event, &payload) {
            Decision::Go(facts) => {
                prop_assert!(is_exact(&payload) && event == "pull_request", "{facts:?}");
                prop_assert_eq!(&json!(facts.commit.as_str()), &payload["pull_request"]["head"]["sha"]);
                prop_assert_eq!(&json!(facts.sender), &payload["sender"]["login"]);
                prop_assert_eq!(&json!(facts.repository), &payload["repository"]["full_name"]);
                let Trigger::Label(pull) = facts.origin else { panic!("{:?}", facts.origin) };
                prop_assert_eq!(&json!(pull.number), &payload["pull_request"]["number"]);
            }
            Decision::No(refusal) => {
                prop_assert!(!is_exact(&payload) || event != "pull_request", "{refusal:?}");
                prop_assert!(!refusal.text.contains(char::is_control), "{:?}", refusal.text);
                prop_assert!(refusal.text.len() < 2_000, "{} bytes", refusal.text.len());
            }
        }
    }

    /// What is not whole is not read at all.
    #[test]
    fn a_cut_or_garbled_file_is_an_error_or_is_decided(
        at in any::<Index>(), length in 0_usize..40, instead in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = LABELED.to_string().into_bytes();
        let from = at.index(bytes.len());
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, instead);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        std::fs::write(&path, bytes).unwrap();
        if let Ok(payload) = crate::runner::event::load(&[path]) {
            let goes = matches!(decide(&gate(), "pull_request", &payload), Decision::Go(_));
            prop_assert_eq!(goes, is_exact(&payload));
        }
    }
}

/// A pull request as GitHub may give it, right or wrong in every field.
fn pull_now() -> impl Strategy<Value = PullNow> {
    let one_of =
        |words: &'static [&'static str]| prop::sample::select(words).prop_map(str::to_owned);
    let head = one_of(&[SHA, SHA, SHA, HEAD, "", "0123456789ab"]);
    let repository = prop::option::weighted(0.9, one_of(&["o/r", "o/r", "o/r", "m/r", "O/r", ""]));
    let base = one_of(&["main", "main", "main", "Main", "develop", " main"]);
    let state = one_of(&["open", "open", "open", "closed", "OPEN", ""]);
    let label = one_of(&[
        "🎅🏼deploy",
        "🎅🏼\u{fe0f}deploy",
        "bug",
        "deploy",
        "🎅🏼Deploy",
        "",
    ]);
    let rare = || prop::bool::weighted(0.2);
    (
        head,
        repository,
        base,
        state,
        rare(),
        rare(),
        prop::collection::vec(label, 0..4),
    )
        .prop_map(
            |(head, head_repository, base, state, merged, draft, labels)| PullNow {
                head,
                head_repository,
                base,
                state,
                merged,
                draft,
                labels,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A label goes only while all is as the event said and the label is still there; a re-run may have used it up.
    #[test]
    fn a_pull_request_goes_only_as_it_was_asked_for(now in pull_now(), again in any::<bool>()) {
        let as_asked = now.head == SHA
            && now.head_repository.as_deref() == Some("o/r")
            && now.base == "main"
            && now.state == "open"
            && !now.merged
            && !now.draft;
        let has_label = now.labels.iter().any(|label| ["🎅🏼deploy", "🎅🏼\u{fe0f}deploy"].contains(&&**label));
        let attempt = if again { Attempt::Again } else { Attempt::First };
        let refusal = standing::of_label(&now, &facts(), &gate(), attempt);
        prop_assert_eq!(refusal.is_none(), as_asked && (has_label || again), "{:?}", now);
        // A commit that was named by hand may be the head of it.
        let refusal = standing::refusal(&now, &facts(), &gate());
        prop_assert_eq!(refusal.is_none(), as_asked, "{:?}", now);
    }
}

/// What was started by hand goes from the base; a re-run only as long as nothing newer is there.
#[test]
fn a_named_commit_is_on_the_base_or_needs_a_pull_request() {
    for (place, attempt, expected) in [
        (CommitPosition::Tip, Attempt::First, OnBase::Yes),
        (CommitPosition::Tip, Attempt::Again, OnBase::Yes),
        (CommitPosition::Behind, Attempt::First, OnBase::Yes),
        (CommitPosition::Behind, Attempt::Again, OnBase::Stale),
        (CommitPosition::Elsewhere, Attempt::First, OnBase::No),
        (CommitPosition::Elsewhere, Attempt::Again, OnBase::No),
    ] {
        assert_eq!(on_base(place, attempt), expected, "{place:?} {attempt:?}");
    }
}

/// The property above would be worth nothing if the mistakes missed what matters.
#[test]
fn the_real_payload_is_exact_and_the_places_are_in_it() {
    let payload = labeled();
    assert!(is_exact(&payload));
    for place in NEEDED {
        assert!(payload.pointer(place).is_some(), "{place}");
    }
    assert!(all_places().len() > 500, "{}", all_places().len());
}

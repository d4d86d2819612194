//! The variables that a workflow gets.

use sandbox::slack::{Receiver, refusal_by};

use super::VARIABLES;
use crate::config::types::{Language, MessageFormat, SlackField};
use crate::report::fixtures::{context, deployed, rolled_back};
use crate::report::message::message;
use crate::report::message::samples::{author, config};

#[test]
fn every_variable_is_always_there_and_is_text() {
    for (result, commit) in [(deployed(), None), (rolled_back(), Some(author()))] {
        // What is to be listed has no meaning for a workflow.
        let mut config = config(MessageFormat::Workflow);
        config.fields.clear();
        let body = message(
            &config,
            Language::English,
            &context(),
            commit.as_ref(),
            &result,
        );
        assert_eq!(refusal_by(Receiver::Workflow, &body), None, "{body}");
        let facts = SlackField::ALL.map(SlackField::as_str);
        let mut names: Vec<&str> = VARIABLES.into_iter().chain(facts).collect();
        names.sort_unstable();
        let sent: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(sent, names);
        // A trigger takes twenty variables.
        assert!(names.len() <= 20);
    }
}

#[test]
fn a_failure_says_what_failed_and_what_to_do() {
    let config = config(MessageFormat::Workflow);
    let result = rolled_back();
    let body = message(
        &config,
        Language::English,
        &context(),
        Some(&author()),
        &result,
    );
    assert_eq!(body["outcome"], "rolled-back");
    assert_eq!(body["failed_step"], "await_healthy");
    assert_eq!(body["run_url"], "https://github.com/o/r/actions/runs/42");
    assert_eq!(body["commit"], "0a1b2c3d4e5f");
    assert_eq!(body["message"], "Fix <\u{200b}!channel> & *more*");
    let text = body["text"].as_str().unwrap();
    assert!(
        text.starts_with("↩️ pct-backend rolled back — rolled back in await_healthy"),
        "{text}"
    );
}

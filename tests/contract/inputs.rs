//! What comes in: inputs, variables, the event.

use sandbox::event::Event;
use yaml_serde::Value as Yaml;

use crate::act::project::{LABEL, TOKEN, staged};
use crate::bench::{Bench, Step, output};

fn declared() -> Vec<(String, Yaml)> {
    let text = std::fs::read_to_string(staged().join("action.yml")).unwrap();
    let action: Yaml = yaml_serde::from_str(&text).unwrap();
    let inputs = action["inputs"].as_mapping().unwrap();
    let own = |(name, about): (&Yaml, &Yaml)| (name.as_str().unwrap().to_owned(), about.clone());
    inputs.iter().map(own).collect()
}

pub(crate) fn fact_03_input_names(bench: &Bench) {
    for (name, _) in declared() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(name.chars().all(plain), "{name}");
    }
    // Spaces are nothing, an underscore is a hyphen, and everything that is missing is said at once.
    let ended = bench
        .runner()
        .input("image", "  ")
        .input("ssh-key", "")
        .input("ssh-host", "")
        .env("INPUT_SSH_HOST", " 127.0.0.1 ")
        .input("slack-fields", " repo , took ")
        .start(&bench.project)
        .wait();
    assert_eq!(ended.code, Some(2), "{}", ended.log);
    let said = |text: &str| ended.log.contains(text);
    assert!(said("`image` is missing") && said("`ssh-key` is missing"));
    assert!(!said("`ssh-host` is missing") && !said("slack-fields"));
}

pub(crate) fn fact_04_precedence(bench: &Bench) {
    let event = || Event::labeled(crate::act::pull(&bench.project), "other");
    let asked = |args: &[&str], env: &[(&str, &str)], file: &str| {
        let step = Step::new(&[&["deploy", "--event", "event.json"], args].concat());
        event().write(&step.path("event.json")).unwrap();
        step.write(".pct-deploy.yml", file);
        let step = env
            .iter()
            .fold(step, |step, (name, value)| step.env(name, value));
        let ended = step.run();
        assert_eq!(ended.code, Some(0));
        let (_, rest) = ended.said.split_once("only `").unwrap();
        rest.split('`').next().unwrap().to_owned()
    };
    let flag: &[&str] = &["--label", "flag"];
    let input = ("INPUT_LABEL", "input");
    let variable = ("PCT_DEPLOY_LABEL", "variable");
    let file = "label: file\n";
    assert_eq!(asked(flag, &[input, variable], file), "flag");
    assert_eq!(asked(&[], &[input, variable], file), "input");
    assert_eq!(
        asked(&[], &[("INPUT_LABEL", ""), variable], file),
        "variable"
    );
    assert_eq!(asked(&[], &[], file), "file");
    assert_eq!(asked(&[], &[], ""), LABEL);
}

pub(crate) fn fact_05_token_is_an_input(bench: &Bench) {
    for (name, about) in declared() {
        let default = about.get("default").and_then(Yaml::as_str);
        let wanted = (name == "github-token").then_some("${{ github.token }}");
        assert_eq!(default, wanted, "{name}");
    }
    let runner = bench
        .runner()
        .input("github-token", "")
        .env("GITHUB_TOKEN", TOKEN);
    let ended = runner.start(&bench.project).wait();
    assert!(ended.log.contains("github-token"), "{}", ended.log);
    assert_ne!(ended.output("outcome"), "deployed");
    assert_eq!(runner.github.requests().len(), 0);
    assert!(!ended.log.contains(TOKEN));
}

pub(crate) fn fact_06_event_paths(bench: &Bench) {
    for folder in ["/github/workflow", "/var/run/act/workflow"] {
        let ended = bench
            .idle()
            .workflow_at(folder)
            .env("GITHUB_EVENT_PATH", "/home/runner/work/_temp/event.json")
            .start(&bench.project)
            .wait();
        assert_eq!(ended.code, Some(0));
        // The label is known, so the event was read.
        assert_eq!(
            ended.output("reason-code"),
            "wrong-label",
            "{folder}: {}",
            ended.log
        );
    }
}

pub(crate) fn fact_18_other_events(bench: &Bench) {
    let event = || Event::labeled(crate::act::pull(&bench.project), LABEL);
    for (name, event) in [
        ("push", event()),
        ("issue_comment", event()),
        ("pull_request_target", event()),
        ("pull_request_review", event()),
        ("Pull_Request", event()),
        ("", event()),
        ("pull_request", event().action("synchronize")),
        ("pull_request", event().action("opened")),
        ("pull_request", event().action("unlabeled")),
        (
            "pull_request",
            Event::labeled(crate::act::pull(&bench.project), "deploy"),
        ),
    ] {
        let step = Step::action(bench, name, &event);
        let ended = step.run();
        let outputs = step.read("output");
        assert_eq!(ended.code, Some(0), "{name}");
        assert_eq!(output(&outputs, "outcome"), "skipped", "{name}");
        assert!(!output(&outputs, "reason-code").is_empty(), "{name}");
    }
}

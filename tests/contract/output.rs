//! What goes out: the files a runner reads, and the log, in which it obeys commands.

use std::collections::BTreeSet;

use sandbox::event::Event;

use crate::act::project::LABEL;
use crate::bench::{Bench, Step, output};

fn other(bench: &Bench) -> Event {
    Event::labeled(crate::act::pull(&bench.project), "other")
}

pub(crate) fn fact_07_missing_files_are_fine(bench: &Bench) {
    for place in ["/nowhere/at/all", ""] {
        let step = Step::action(bench, "pull_request", &other(bench))
            .env("GITHUB_OUTPUT", place)
            .env("GITHUB_STATE", place)
            .env("GITHUB_STEP_SUMMARY", place);
        let ended = step.run();
        assert_eq!(ended.code, Some(0));
        assert!(!ended.said.contains("warning"), "{}", ended.said);
        assert!(ended.said.contains("wrong-label"));
    }
}

pub(crate) fn fact_08_files_are_appended(bench: &Bench) {
    let step = Step::action(bench, "pull_request", &other(bench));
    step.write("output", "earlier=kept\n");
    step.write("summary", "earlier\n");
    step.run();
    step.run();
    let outputs = step.read("output");
    assert!(outputs.starts_with("earlier=kept\n") && outputs.ends_with('\n'));
    assert!(step.read("summary").starts_with("earlier\n"));
    assert!(!outputs.contains('\r'));
    let delimiters: Vec<&str> = outputs
        .lines()
        .filter_map(|line| Some(line.split_once("<<")?.1))
        .collect();
    let different: BTreeSet<&&str> = delimiters.iter().collect();
    assert!(delimiters.len() > 20, "{delimiters:?}");
    assert_eq!(different.len(), delimiters.len(), "a delimiter came twice");
    assert!(delimiters.iter().all(|delimiter| delimiter.len() > 32));
    // A value that looks like a block stays a value.
    let forging = "x\nEOF\noutcome=deployed\noutcome<<EOF\ndeployed\nEOF";
    let step = Step::action(
        bench,
        "pull_request",
        &Event::labeled(crate::act::pull(&bench.project), forging),
    );
    step.run();
    assert_eq!(output(&step.read("output"), "outcome"), "skipped");
    assert!(
        !step
            .read("output")
            .lines()
            .any(|line| line == "outcome=deployed")
    );
}

pub(crate) fn fact_09_limits(bench: &Bench) {
    // More mistakes than a runner shows, each longer than a message may be.
    let long = "x".repeat(6000);
    let file: String = (0..200).map(|n| format!("k{n}{long}: '%'\n")).collect();
    for (event, code) in [
        (other(bench), 0),
        (Event::labeled(crate::act::pull(&bench.project), LABEL), 2),
    ] {
        let step =
            Step::action(bench, "pull_request", &event).env("INPUT_GITHUB-TOKEN", "made-up-token");
        step.write(".pct-deploy.yml", &file);
        let ended = step.run();
        assert_eq!(ended.code, Some(code));
        let mut annotations = 0;
        for level in ["notice", "warning", "error"] {
            let of_level: Vec<&str> = ended
                .said
                .lines()
                .filter(|line| line.starts_with(&format!("::{level} ")))
                .collect();
            assert!(of_level.len() <= 10, "{} of {level}", of_level.len());
            annotations += of_level.len();
            for line in of_level {
                let (_, message) = line[2..].split_once("::").unwrap();
                let message = message
                    .replace("%0A", "\n")
                    .replace("%0D", "\r")
                    .replace("%25", "%");
                assert!(
                    message.chars().count() <= 4096,
                    "{}",
                    message.chars().count()
                );
            }
        }
        assert!(annotations > 0);
        let summary = step.read("summary");
        assert!(
            !summary.is_empty() && summary.len() < 1024 * 1024,
            "{} bytes",
            summary.len()
        );
    }
}

/// What a runner obeys: commands at the start of a trimmed line, and `##[` anywhere, unless stopped.
fn obeyed(log: &str) -> Vec<&str> {
    let mut stopped: Option<String> = None;
    let mut obeyed = Vec::new();
    for line in log.lines() {
        let trimmed = line.trim();
        if let Some(token) = &stopped {
            if trimmed == format!("::{token}::") {
                stopped = None;
            }
            continue;
        }
        if let Some(token) = trimmed.strip_prefix("::stop-commands::") {
            stopped = Some(token.to_owned());
        } else if trimmed.starts_with("::") || line.contains("##[") {
            obeyed.push(line);
        }
    }
    obeyed
}

pub(crate) fn fact_10_untrusted_output(bench: &Bench) {
    let ended = bench.refused();
    assert_eq!(ended.output("reason-code"), "build-failed", "{}", ended.log);
    assert!(
        ended.log.contains("##[error]forged"),
        "what the build said is shown"
    );
    let obeyed = obeyed(&ended.log);
    assert!(obeyed.len() > 1, "{obeyed:?}");
    for line in &obeyed {
        let ours = [
            "::add-mask::",
            "::notice ",
            "::warning ",
            "::error ",
            "::group::",
            "::endgroup::",
        ];
        assert!(ours.iter().any(|start| line.starts_with(start)), "{line}");
        let mask_of_it = line.starts_with("::add-mask::") && line.len() < "::add-mask::abcd".len();
        assert!(!mask_of_it, "{line}");
    }
    let count = |word: &str| obeyed.iter().filter(|line| line.starts_with(word)).count();
    assert_eq!(count("::group::"), count("::endgroup::"));
    assert_ne!(ended.output("outcome"), "forged");
    assert!(!ended.state.contains_key("forged"));
}

pub(crate) fn fact_15_exit_codes(bench: &Bench) {
    let no = bench.idle().start(&bench.project).wait();
    assert_eq!((no.code, no.output("outcome")), (Some(0), "skipped"));
    assert_eq!(no.output("reason-code"), "wrong-label");
    let wrong = bench
        .runner()
        .input("image", "")
        .start(&bench.project)
        .wait();
    assert_eq!((wrong.code, wrong.output("outcome")), (Some(2), "failed"));
    let refused = bench.refused();
    assert_eq!(
        (refused.code, refused.output("outcome")),
        (Some(5), "failed")
    );
    let good = &bench.good().finished;
    assert_eq!((good.code, good.output("outcome")), (Some(0), "deployed"));
    let usage = Step::new(&["deploy", "--no-such-flag"]).run();
    assert_eq!(usage.code, Some(2));
}

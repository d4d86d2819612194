use super::*;
use crate::error::Reason;
use crate::protocol::event::{Event, Happening};
use crate::report::console::tests::Page;
use crate::secret::Secret;

fn reporter(mode: ConsoleMode) -> (Reporter, Page) {
    let page = Page::default();
    let redactor = Redactor::new(&[&Secret::new("hunter2!")]);
    let to = Box::new(page.clone());
    (Reporter::with_writer(mode, redactor, to), page)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn event(what: Happening) -> Event {
    Event {
        seq: 1,
        at_ms: 0,
        what,
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_reads_as_a_story_and_is_remembered() {
    let (reporter, page) = reporter(ConsoleMode::Terminal);
    reporter.phase_started(Phase::Build);
    tokio::time::advance(ms(8100)).await;
    reporter.output("build", "Step 1/3 : FROM hunter2!");
    reporter.phase_done(Phase::Build, Some("42 MiB"));
    let step = Step::PullImage;
    reporter.agent_event(&event(Happening::StepStarted { step }));
    reporter.agent_event(&event(Happening::StepDone {
        step,
        elapsed_ms: 900,
    }));
    reporter.agent_event(&event(Happening::Undone { step }));
    assert_eq!(
        page.lines(),
        [
            "   0.0s  build  …",
            "   8.1s  build │ Step 1/3 : FROM ***",
            "   8.1s  build  done in 8.1s: 42 MiB",
            "   8.1s  pull_image  …",
            "   8.1s  pull_image  done in 0.9s",
            "   8.1s  pull_image  undone",
        ]
    );
    let steps = reporter.clone().steps();
    let outcomes: Vec<_> = steps.iter().map(|s| (s.name.as_str(), s.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("build", StepOutcome::Done),
            ("pull_image", StepOutcome::Undone)
        ]
    );
    assert_eq!(reporter.took(), ms(8100));
}

#[tokio::test(start_paused = true)]
async fn a_silent_run_shows_that_it_is_alive() {
    let (reporter, page) = reporter(ConsoleMode::Terminal);
    reporter.phase_started(Phase::Connect);
    let silent = tokio::time::timeout(ms(25_000), reporter.heartbeat()).await;
    assert!(silent.is_err());
    assert_eq!(
        page.lines(),
        [
            "   0.0s  connect  …",
            "  10.0s  connect  still at work after 10.0s",
            "  20.0s  connect  still at work after 20.0s",
        ]
    );
    reporter.cancelled();
    let over = tokio::time::timeout(ms(60_000), reporter.heartbeat()).await;
    assert!(over.is_err());
    assert_eq!(page.lines().len(), 3);
    assert_eq!(reporter.steps()[0].outcome, StepOutcome::Cancelled);
    assert_eq!(reporter.steps()[0].seconds, 25.0);
}

#[test]
fn a_secret_that_cannot_be_hidden_is_said_so() {
    let page = Page::default();
    let redactor = Redactor::new(&[&Secret::new("abc"), &Secret::new("long enough")]);
    let to = Box::new(page.clone());
    Reporter::with_writer(ConsoleMode::Terminal, redactor, to).add_masks();
    assert!(
        page.text()
            .contains("a secret of fewer than 4 characters cannot be hidden")
    );
    assert!(!page.text().contains("abc"));
}

#[test]
fn an_error_is_printed_with_causes_hints_and_its_log() {
    let (reporter, page) = reporter(ConsoleMode::Terminal);
    let error = Error::untouched(Reason::PushFailed, "cannot push `user/app`")
        .because(std::io::Error::other("denied"))
        .hint("check `registry-password`")
        .log_tail(vec!["::error::hunter2!".to_owned()]);
    reporter.error(&error);
    let lines: Vec<String> = page
        .lines()
        .iter()
        .map(|line| line.chars().skip(9).collect())
        .collect();
    assert_eq!(
        lines,
        [
            "error: cannot push `user/app`",
            "caused by: denied",
            "hint: check `registry-password`",
            "log │ ::error::***",
        ]
    );
}

#[test]
fn an_error_is_one_annotation_on_the_runner() {
    let (reporter, page) = reporter(ConsoleMode::Actions);
    reporter.error(&Error::usage("`image` is missing").hint("write `image: user/app`"));
    let line = &page.lines()[2];
    assert_eq!(
        line,
        "::error title=pct-deploy invalid-settings::error: `image` is missing%0Ahint: write `image: user/app`"
    );
}

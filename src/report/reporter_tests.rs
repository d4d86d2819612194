use super::*;
use crate::error::{Error, Reason};
use crate::protocol::event::{Event, Happening};
use crate::protocol::result::StepOutcome;
use crate::protocol::step::{Phase, Step};
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

/// A build of eight seconds, and three steps on the host, two of them at once.
async fn a_run(reporter: &Reporter) {
    reporter.phase_started(Phase::Build);
    let meanwhile = reporter.clone();
    let work = async {
        tokio::time::sleep(ms(8100)).await;
        reporter.output("build", "Step 1/3 : FROM hunter2!");
        reporter.phase_done(Phase::Build, Some("42 MiB"));
        for step in [Step::Preflight, Step::PullImage, Step::Preflight] {
            reporter.agent_event(&event(Happening::StepStarted { step }));
            let elapsed_ms = if step == Step::PullImage { 900 } else { 300 };
            reporter.agent_event(&event(Happening::StepDone { step, elapsed_ms }));
        }
        let step = Step::StageRelease;
        reporter.agent_event(&event(Happening::StepStarted { step }));
        reporter.agent_event(&event(Happening::StepDone {
            step,
            elapsed_ms: 3,
        }));
        reporter.agent_event(&event(Happening::UndoStarted { step }));
        reporter.agent_event(&event(Happening::Undone { step }));
    };
    meanwhile.alive_during(work).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_has_a_line_a_step_and_is_remembered() {
    let (reporter, page) = reporter(ConsoleMode::Terminal);
    a_run(&reporter).await;
    assert_eq!(
        page.lines(),
        [
            "   1.0s  build  …",
            "   8.1s  build  done in 8.1s: 42 MiB",
            "   8.1s  preflight  done in 0.3s",
            "   8.1s  pull_image  done in 0.9s",
        ]
    );
    let steps = reporter.clone().steps();
    let outcomes: Vec<_> = steps.iter().map(|s| (s.name.as_str(), s.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("build", StepOutcome::Done),
            ("preflight", StepOutcome::Done),
            ("pull_image", StepOutcome::Done),
            ("stage_release", StepOutcome::Undone)
        ]
    );
    assert_eq!(reporter.took(), ms(8100));
}

#[tokio::test(start_paused = true)]
async fn who_wants_everything_gets_every_line_as_it_comes() {
    let (reporter, page) = reporter(ConsoleMode::Terminal);
    a_run(&reporter.at(Verbosity::Everything)).await;
    assert_eq!(
        page.lines(),
        [
            "   0.0s  build  …",
            "   8.1s  build │ Step 1/3 : FROM ***",
            "   8.1s  build  done in 8.1s: 42 MiB",
            "   8.1s  preflight  …",
            "   8.1s  preflight  done in 0.3s",
            "   8.1s  pull_image  …",
            "   8.1s  pull_image  done in 0.9s",
            "   8.1s  preflight  …",
            "   8.1s  preflight  done in 0.3s",
            "   8.1s  stage_release  …",
            "   8.1s  stage_release  done in 0.0s",
            "   8.1s  stage_release  undoing",
            "   8.1s  stage_release  undone",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn who_wants_quiet_gets_warnings_errors_and_the_last_line() {
    let (reporter, page) = reporter(ConsoleMode::Terminal);
    let reporter = reporter.at(Verbosity::Quiet);
    a_run(&reporter).await;
    reporter.note("a note");
    reporter.warning("the disk is nearly full", "");
    reporter.error(&Error::untouched(Reason::PushFailed, "boom"));
    reporter.last_line("deployed");
    assert_eq!(
        page.lines(),
        [
            "   8.1s  warning: the disk is nearly full",
            "   8.1s  error: boom",
            "   8.1s  deployed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_table_comes_without_a_word_unless_it_takes_long() {
    let look = async |time| {
        let (reporter, page) = reporter(ConsoleMode::Json);
        let reporter = reporter.at(Verbosity::Answer);
        let work = async {
            reporter.phase_started(Phase::Connect);
            reporter.progress(Phase::Connect, "connecting to h:22");
            tokio::time::sleep(time).await;
            reporter.phase_done(Phase::Connect, None);
        };
        reporter.alive_during(work).await;
        page.lines()
    };
    assert_eq!(look(ms(1900)).await, Vec::<String>::new());
    assert_eq!(
        look(ms(2600)).await,
        [
            "   2.0s  connect  connecting to h:22",
            "   2.6s  connect  done in 2.6s",
        ]
    );
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
            "   1.0s  connect  …",
            "  11.0s  connect  still at work after 11.0s",
            "  21.0s  connect  still at work after 21.0s",
        ]
    );
    reporter.cancelled();
    let over = tokio::time::timeout(ms(60_000), reporter.heartbeat()).await;
    assert!(over.is_err());
    assert_eq!(page.lines().len(), 3);
    assert_eq!(reporter.steps()[0].outcome, StepOutcome::Cancelled);
    assert_eq!(reporter.steps()[0].seconds, 25.0);
}

/// A build that others print for is silent all the same: its lines are held.
#[tokio::test(start_paused = true)]
async fn output_that_is_not_shown_is_no_sign_of_life() {
    let (reporter, page) = reporter(ConsoleMode::Terminal);
    let work = async {
        reporter.phase_started(Phase::Build);
        for _ in 0..12 {
            tokio::time::sleep(ms(1000)).await;
            reporter.output("build", "compiling");
        }
    };
    reporter.alive_during(work).await;
    let last = page.lines().pop().unwrap();
    assert_eq!(last, "  11.0s  build  still at work after 11.0s");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_with_what_was_printed() {
    let (reporter, page) = reporter(ConsoleMode::Terminal);
    reporter.phase_started(Phase::Build);
    reporter.output("build", "cc: not found");
    reporter.output("compose", "Started");
    tokio::time::sleep(ms(2000)).await;
    let error = Error::untouched(Reason::BuildFailed, "the image did not build");
    reporter.phase_failed(Phase::Build, &error);
    reporter.error(&error);
    assert_eq!(
        page.lines(),
        [
            "   2.0s  build  failed after 2.0s",
            "   2.0s  error: the image did not build",
            "   2.0s  build │ cc: not found",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_others_print_is_folded_in_the_log_of_the_action() {
    let (reporter, page) = reporter(ConsoleMode::Actions);
    reporter.phase_started(Phase::Build);
    reporter.output("build", "::endgroup::");
    reporter.output("build", "##[endgroup] hunter2!");
    reporter.phase_done(Phase::Build, None);
    reporter.receipt(&["slot 1: 7 requests".to_owned()], &[]);
    let lines = page.lines();
    let token = lines[0].replace("::stop-commands::", "");
    let (stop, resume) = (lines[0].clone(), format!("::{token}::"));
    assert_eq!(
        lines[1..],
        [
            &resume,
            "::group::what build printed",
            &stop,
            "  │ ::endgroup::",
            "  │ ##[endgroup] ***",
            &resume,
            "::endgroup::",
            &stop,
            &resume,
            "::group::receipt",
            &stop,
            "  │ slot 1: 7 requests",
            &resume,
            "::endgroup::",
            &stop,
        ]
    );
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

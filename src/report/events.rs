//! The agent's events, as people read them.

use std::time::Duration;

use super::Reporter;
use crate::protocol::event::{Event, Happening};
use crate::protocol::step::Stage;

impl Reporter {
    /// A line of the agent's event stream.
    pub fn agent_event(&self, event: &Event) {
        match &event.what {
            Happening::LockWaiting { holder } => self.waits_for(holder),
            Happening::Begun { deployment, .. } => {
                self.detail(&format!("deployment {deployment} holds the lock"));
            }
            Happening::Resolved {
                release,
                image,
                service,
                ..
            } => self.note(&format!("release {release} of {image} goes to {service}")),
            Happening::StepStarted { step } => self.started(Stage::Step(*step)),
            Happening::StepProgress { step, text } => {
                self.stage_progress(Stage::Step(*step), text);
            }
            Happening::StepDone { step, elapsed_ms } => {
                self.done(Stage::Step(*step), Some(ms(*elapsed_ms)), None);
            }
            Happening::StepFailed {
                step,
                elapsed_ms,
                failure,
            } => self.failed(
                Stage::Step(*step),
                Some(ms(*elapsed_ms)),
                &failure.summary(),
            ),
            Happening::Recovered {
                deployment,
                outcome,
            } => self.note(&format!(
                "deployment {deployment} had been cut short; it is settled now: {outcome}"
            )),
            Happening::Committed => {
                self.committed();
                self.detail("committed: from here only forward");
            }
            Happening::UndoStarted { step } => self.undo_started(*step),
            Happening::Undone { step } => self.undone(*step),
            Happening::UndoFailed { step, failure } => {
                self.undo_failed(*step, &failure.summary());
            }
            Happening::Output { source, line } => self.output(source, line),
            Happening::Warning { text, hint } => self.warning(text, hint),
            Happening::Finished(_) | Happening::Unknown => {}
        }
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Failure, Reason};
    use crate::protocol::step::Step;
    use crate::report::ConsoleMode;
    use crate::report::console::tests::Page;
    use crate::secret::Redactor;

    fn reporter() -> (Reporter, Page) {
        let page = Page::default();
        let to = Box::new(page.clone());
        let reporter = Reporter::with_writer(ConsoleMode::Terminal, Redactor::default(), to);
        (reporter, page)
    }

    fn event(what: Happening) -> Event {
        Event {
            seq: 1,
            at_ms: 0,
            what,
        }
    }

    #[test]
    fn who_holds_the_lock_is_said_once() {
        let (reporter, page) = reporter();
        for holder in ["run 1", "run 1", "run 2"] {
            let holder = holder.to_owned();
            reporter.agent_event(&event(Happening::LockWaiting { holder }));
        }
        assert_eq!(page.lines().len(), 2);
    }

    #[test]
    fn a_failed_step_leaves_the_reason_to_the_error() {
        let (reporter, page) = reporter();
        reporter.agent_event(&event(Happening::StepFailed {
            step: Step::AwaitHealthy,
            elapsed_ms: 2000,
            failure: Failure {
                reason: Reason::OomKilled,
                chain: vec![
                    "`pct-backend-2` ended".to_owned(),
                    "out of memory".to_owned(),
                ],
                hints: Vec::new(),
                log_tail: Vec::new(),
            },
        }));
        let text = "await_healthy  failed after 2.0s\n";
        assert!(page.text().ends_with(text), "{}", page.text());
    }
}

//! A run that was asked to end tells what it can in the time that is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Reporter;

/// When a run has to be over, which may be learned while it goes.
#[derive(Debug)]
pub(super) struct Hurry {
    end: watch::Sender<Option<Instant>>,
    left: AtomicBool,
}

impl Default for Hurry {
    fn default() -> Self {
        Self {
            end: watch::Sender::new(None),
            left: AtomicBool::new(false),
        }
    }
}

/// Work that did not end in its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooSlow;

impl Reporter {
    /// Everything has to be told by `end`, unless it has to be sooner anyway; `why` is printed.
    pub fn hurry(&self, end: Instant, why: &str) {
        let sooner = self.hurried().end.send_if_modified(|known| {
            let sooner = known.is_none_or(|known| end < known);
            if sooner {
                *known = Some(end);
            }
            sooner
        });
        if sooner {
            self.note(why);
        }
    }

    /// Whether something was left untold because it took too long.
    pub fn left_something(&self) -> bool {
        self.hurried().left.load(Ordering::Relaxed)
    }

    /// Does work for at most `budget`, and never beyond the end of the run, even if that is learned meanwhile.
    pub(super) async fn within<T>(
        &self,
        budget: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, TooSlow> {
        let mut end = self.hurried().end.subscribe();
        let over = async {
            loop {
                let known = *end.borrow_and_update();
                tokio::select! {
                    () = until(known) => return,
                    changed = end.changed() => match changed {
                        Ok(()) => {}
                        Err(_gone) => std::future::pending().await,
                    },
                }
            }
        };
        let done = tokio::select! {
            done = tokio::time::timeout(budget, work) => done.map_err(|_elapsed| TooSlow),
            () = over => Err(TooSlow),
        };
        if done.is_err() {
            self.hurried().left.store(true, Ordering::Relaxed);
        }
        done
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ConsoleMode;
    use crate::report::console::tests::Page;
    use crate::secret::Redactor;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn reporter() -> (Reporter, Page) {
        let page = Page::default();
        let to = Box::new(page.clone());
        let reporter = Reporter::with_writer(ConsoleMode::Terminal, Redactor::default(), to);
        (reporter, page)
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_is_a_budget_without_a_hurry() {
        let (reporter, _page) = reporter();
        let begun = Instant::now();
        assert_eq!(reporter.within(S(60), async { 7 }).await, Ok(7));
        assert!(!reporter.left_something());
        let slow = reporter.within(S(60), std::future::pending::<()>()).await;
        assert_eq!((slow, begun.elapsed()), (Err(TooSlow), S(60)));
        assert!(reporter.left_something());
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_is_learned_meanwhile_counts() {
        let (reporter, page) = reporter();
        let begun = Instant::now();
        let ask = async {
            tokio::time::sleep(S(20)).await;
            reporter.hurry(Instant::now() + S(30), "a limit");
            reporter.hurry(Instant::now() + S(6), "asked");
            // A later end changes nothing and says nothing.
            reporter.hurry(Instant::now() + S(60), "asked again");
            std::future::pending::<()>().await;
        };
        let slow = tokio::select! {
            slow = reporter.within(S(60), std::future::pending::<()>()) => slow,
            () = ask => Ok(()),
        };
        assert_eq!((slow, begun.elapsed()), (Err(TooSlow), S(26)));
        assert!(reporter.left_something());
        assert_eq!(page.lines().len(), 2, "{:?}", page.lines());
        // After the end there is no time at all.
        let late = reporter.within(S(60), std::future::pending::<()>()).await;
        assert_eq!((late, begun.elapsed()), (Err(TooSlow), S(26)));
    }
}

//! When a silent log says that the run is alive, and when a line is drawn anew.

use std::convert::Infallible;
use std::time::Duration;

use super::Reporter;
use super::console::Tone;
use super::reporter::Verbosity;

/// The longest silence while something is at work.
pub(super) const SILENCE: Duration = Duration::from_secs(10);
/// How often it is looked at: a step that takes a second is named soon after.
const LOOK: Duration = Duration::from_millis(250);
/// How often the line of a terminal is drawn.
const DRAW: Duration = Duration::from_millis(100);

impl Reporter {
    /// Does work and shows a sign of life whenever nothing was printed for ten seconds meanwhile.
    pub async fn alive_during<T>(&self, work: impl Future<Output = T>) -> T {
        let done = tokio::select! {
            done = work => done,
            never = self.heartbeat() => match never {},
        };
        self.draw("");
        done
    }

    /// Breaks a long silence while something is at work. Never returns: select it beside the work.
    pub async fn heartbeat(&self) -> Infallible {
        loop {
            let pause = match (self.verbosity(), self.is_live()) {
                // Who wants silence gets it.
                (Verbosity::Quiet, _) => SILENCE,
                (Verbosity::Answer | Verbosity::Steps, true) => {
                    self.draw_work();
                    DRAW
                }
                (Verbosity::Answer | Verbosity::Steps, false) | (Verbosity::Everything, _) => {
                    self.beat();
                    LOOK
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn beat(&self) {
        let now = self.took();
        for (label, text) in self.overdue(now) {
            self.say(&label, &text, Tone::Dim);
        }
        if let Some((label, text)) = self.sign_of_life(now, SILENCE) {
            self.say(&label, &text, Tone::Dim);
        }
    }
}

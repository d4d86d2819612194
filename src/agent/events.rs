//! The agent's voice: numbered events, kept in a file and sent to whoever listens.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::UnboundedSender;

use super::failure::StepResult;
use super::history::log;
use super::paths::AppPaths;
use super::reserve;
use super::writer::Writer;
use crate::host::{Clock, Durability, Files, HostResult};
use crate::protocol::event::{Event, Happening};
use crate::protocol::step::Step;
use crate::protocol::wire::{self, Reply};

/// Numbers events and passes them on. Losing the listener or the file changes nothing else.
#[derive(Debug)]
pub(super) struct Events<'a, H> {
    host: &'a H,
    log: Option<PathBuf>,
    listener: Option<UnboundedSender<Reply>>,
    seq: Cell<u64>,
    /// A line may have been written in part: the next one begins on a line of its own.
    torn: Cell<bool>,
    /// Whose reserve the last word may use.
    reserve: RefCell<Option<AppPaths>>,
    /// The first line of a log, until it is written.
    head: RefCell<Option<String>>,
}

impl<'a, H: Files + Clock> Events<'a, H> {
    /// A stream that is kept in `log`, or only sent when there is none.
    pub(super) fn new(host: &'a H, log: Option<PathBuf>, listener: UnboundedSender<Reply>) -> Self {
        Self {
            log,
            listener: Some(listener),
            ..Self::silent(host)
        }
    }

    /// Says in the log, before the first event, whose run it is and who writes it.
    pub(super) fn name_log(&self, run: Option<u64>, writer: Writer) {
        self.head.replace(Some(log::head(run, writer)));
    }

    /// From here on the last word is kept although the disk is full. Under the lock.
    pub(super) fn use_reserve(&self, paths: &AppPaths) {
        self.reserve.replace(Some(paths.clone()));
    }

    /// The stream of an earlier run, to be brought to its end; nobody listens to it any more.
    ///
    /// `None` when it has its end already. A last line that was torn is closed, so that the next one stands alone.
    pub(super) async fn reopen(host: &'a H, log: PathBuf) -> HostResult<Option<Self>> {
        let bytes = host.read(&log).await?.unwrap_or_default();
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            // A last line that lost no more than its end is whole again by this.
            host.append(&log, b"\n", Durability::Synced).await?;
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().rev();
        let last = lines.map(wire::decode::<Event>).find_map(Result::ok);
        if last.as_ref().is_some_and(|event| event.what.is_terminal()) {
            // Whoever said it may have died before it was synced.
            host.append(&log, b"", Durability::Synced).await?;
            return Ok(None);
        }
        Ok(Some(Self {
            log: Some(log),
            seq: Cell::new(last.map_or(0, |event| event.seq)),
            ..Self::silent(host)
        }))
    }

    /// A stream that nobody hears.
    pub(super) fn silent(host: &'a H) -> Self {
        Self {
            host,
            log: None,
            listener: None,
            seq: Cell::new(0),
            torn: Cell::new(false),
            reserve: RefCell::default(),
            head: RefCell::default(),
        }
    }

    /// Says one thing. A full disk must not stop an undo; the listener hears everything.
    pub(super) async fn emit(&self, what: Happening) {
        drop(self.say(what).await);
    }

    /// Says one thing; an error when it could not be kept.
    pub(super) async fn say(&self, what: Happening) -> HostResult<()> {
        let durability = if what.is_for_the_record() {
            Durability::Synced
        } else {
            Durability::Written
        };
        let seq = self.seq.get() + 1;
        self.seq.set(seq);
        let event = wire::fitting(Event {
            seq,
            at_ms: self.host.now_ms(),
            what,
        });
        let mut kept = Ok(());
        if let (Some(log), Ok(mut line)) = (&self.log, wire::encode(&event)) {
            let head = self.head.take();
            line.insert_str(0, head.as_deref().unwrap_or_default());
            if self.torn.get() {
                line.insert(0, '\n');
            }
            let reserve = self.reserve.borrow().clone();
            kept = match &reserve {
                // The last word; a journal whose run has none stays open.
                Some(paths) if event.what.is_terminal() => {
                    self.append_with_room(paths, log, &line).await
                }
                Some(_) | None => self.host.append(log, line.as_bytes(), durability).await,
            };
            self.torn.set(kept.is_err());
            if kept.is_err() {
                self.head.replace(head);
            }
        }
        if let Some(listener) = &self.listener {
            // Nobody listening is fine: the swap goes on.
            drop(listener.send(Reply::Event(Box::new(event))));
        }
        kept
    }

    async fn append_with_room(&self, paths: &AppPaths, log: &Path, line: &str) -> HostResult<()> {
        let mut again = false;
        reserve::with_room(self.host, paths, async || {
            // A part of it may be there already.
            let begin = if again { "\n" } else { "" };
            again = true;
            let whole = format!("{begin}{line}");
            self.host
                .append(log, whole.as_bytes(), Durability::Synced)
                .await
        })
        .await
    }

    /// Frames the work of a step with its events.
    pub(super) async fn frame<T>(
        &self,
        step: Step,
        work: impl Future<Output = StepResult<T>>,
    ) -> StepResult<T> {
        self.emit(Happening::StepStarted { step }).await;
        let began = self.host.elapsed_ms();
        let result = work.await;
        let elapsed_ms = self.host.elapsed_ms().saturating_sub(began);
        match &result {
            Ok(_) => self.emit(Happening::StepDone { step, elapsed_ms }).await,
            Err(error) => {
                self.emit(Happening::StepFailed {
                    step,
                    elapsed_ms,
                    failure: error.clone(),
                })
                .await;
            }
        }
        result
    }

    /// Says how far a step is.
    pub(super) async fn progress(&self, step: Step, text: impl Into<String>) {
        self.emit(Happening::StepProgress {
            step,
            text: text.into(),
        })
        .await;
    }

    /// Passes on what a program printed.
    pub(super) async fn output(&self, source: &str, lines: Vec<String>) {
        for line in lines {
            self.emit(Happening::Output {
                source: source.to_owned(),
                line,
            })
            .await;
        }
    }

    /// Says something a person should know although the run goes on.
    pub(super) async fn warn(&self, text: impl Into<String>, hint: impl Into<String>) {
        self.emit(Happening::Warning {
            text: text.into(),
            hint: hint.into(),
        })
        .await;
    }
}

/// The warnings among what was said so far.
#[cfg(test)]
pub(super) fn warned(
    replies: &mut tokio::sync::mpsc::UnboundedReceiver<Reply>,
) -> Vec<(String, String)> {
    let mut warned = Vec::new();
    while let Ok(Reply::Event(event)) = replies.try_recv() {
        if let Happening::Warning { text, hint } = event.what {
            warned.push((text, hint));
        }
    }
    warned
}

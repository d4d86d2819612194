//! One event log: what it tells of its run. Pure, and lenient: a log may be cut anywhere, and another version may have
//! written it.
//!
//! Since version 2 the first line is a [`LogHeader`]; version 1 had none and began with its first event. A line that is no
//! JSON was torn by a crash and counts as never written. One that is JSON, and no event that we can read, is another
//! version's.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::writer::Writer;
use crate::protocol::event::{Event, Happening};
use crate::protocol::ids::{PinnedImage, ReleaseId};
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::{Intent, Origin};
use crate::protocol::status::Told;

/// The version of the logs that we write. `tests/golden/events` has files of every version.
pub(in crate::agent) const LOG_VERSION: u32 = 2;

/// An answer has to fit on a line.
const MOST_WARNINGS: usize = 20;

/// The first line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::agent) struct LogHeader {
    /// [`LOG_VERSION`].
    log: u32,
    /// The number that the host gave the run; `None` when it could not.
    run: Option<u64>,
    written_by: Option<Writer>,
}

/// The first line of a log of ours.
pub(in crate::agent) fn head(run: Option<u64>, writer: Writer) -> String {
    let head = LogHeader {
        log: LOG_VERSION,
        run,
        written_by: Some(writer),
    };
    // It cannot fail: numbers and texts. A log without a head is read as well.
    serde_json::to_string(&head).map_or_else(|_| String::new(), |json| json + "\n")
}

/// What a log tells.
#[derive(Debug, Default, PartialEq)]
pub(super) struct EventLog {
    pub(super) run: Option<u64>,
    pub(super) began_ms: Option<u64>,
    pub(super) last_ms: u64,
    pub(super) origin: Origin,
    pub(super) intent: Option<Intent>,
    pub(super) resolved: Option<(ReleaseId, PinnedImage)>,
    pub(super) end: Option<(u64, Finished)>,
    /// It said last that it waits for the lock.
    pub(super) waits: bool,
    /// Why it cannot be told how the run ended, or what it was about.
    pub(super) unreadable: Option<String>,
}

impl EventLog {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (mut log, mut head, mut why) = (Self::default(), None, None);
        let mut foreign = false;
        for (number, line) in (1..).zip(text.lines()) {
            // Some file systems leave zeros where a power cut took a line.
            let line = line.trim_matches('\0').trim();
            if line.is_empty() {
                continue;
            }
            let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(line) else {
                foreign |= !["{\"log\":", "{\"seq\":"]
                    .iter()
                    .any(|ours| line.starts_with(ours) || ours.starts_with(line));
                continue;
            };
            if value.get("log").is_some() {
                head = Some(value);
                continue;
            }
            match serde_json::from_value::<Event>(value) {
                Ok(event) => log.take(event),
                Err(error) => why = why.or(Some(format!("line {number}: {error}"))),
            }
        }
        log.run = head.as_ref().and_then(|head| head.get("run")?.as_u64());
        if log.began_ms.is_none() && foreign {
            why = why.or(Some("it has no line that is an event".to_owned()));
        }
        if let Some(why) = why.filter(|_| !log.tells_enough()) {
            log.unreadable = Some(format!("{}{why}", of(head.as_ref())));
        }
        log
    }

    /// What became of the run, and which release went live by it.
    fn tells_enough(&self) -> bool {
        match &self.end {
            Some((_, end)) => !went_live(end.outcome) || self.deployed().is_some(),
            None => false,
        }
    }

    /// What is live since, when something is.
    pub(super) fn deployed(&self) -> Option<(ReleaseId, PinnedImage)> {
        let (_, end) = self.end.as_ref()?;
        if !went_live(end.outcome) {
            return None;
        }
        let live = end.live.as_ref();
        let told = live.and_then(|live| Some((live.release.clone()?, live.image.clone()?)));
        self.resolved.clone().or(told)
    }

    fn take(&mut self, event: Event) {
        self.began_ms = self.began_ms.or(Some(event.at_ms));
        self.last_ms = event.at_ms;
        self.waits = matches!(event.what, Happening::LockWaiting { .. });
        match event.what {
            Happening::Begun { origin, intent, .. } => {
                (self.origin, self.intent) = (origin, intent);
            }
            Happening::Resolved { release, image, .. } => self.resolved = Some((release, image)),
            Happening::Finished(finished) => self.end = Some((event.at_ms, *finished)),
            _ => {}
        }
    }
}

/// What a log says of the end of its run. A line that is no event of ours says nothing.
pub(super) fn told(bytes: &[u8]) -> Told {
    let mut told = Told::default();
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(|line| line.trim_matches('\0').trim());
    for event in lines.filter_map(|line| serde_json::from_str::<Event>(line).ok()) {
        match event.what {
            Happening::Warning { text, hint } => told.warnings.push([text, hint]),
            // Without a last word, the last failure is the best guess.
            Happening::StepFailed { step, failure, .. }
            | Happening::UndoFailed { step, failure } => told.failed = Some((step, failure)),
            Happening::Finished(finished) => told.failed = finished.failed,
            _ => {}
        }
    }
    told.warnings.truncate(MOST_WARNINGS);
    told
}

pub(super) fn went_live(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Deployed | Outcome::Unchanged)
}

/// Which version wrote it, when another one did.
fn of(head: Option<&Value>) -> String {
    let Some(head) = head else {
        return String::new();
    };
    let writer = head.get("written_by").cloned();
    let writer = writer.and_then(|writer| serde_json::from_value::<Writer>(writer).ok());
    format!(
        "written by {} (log format {}); ",
        Writer::describe(writer.as_ref()),
        head.get("log").unwrap_or(&Value::Null)
    )
}

//! The promise, checked at every change of the world: now, and should the power fail now.
//!
//! - Whoever was served is served. nginx's backup server does not count. Only the way back of a first release may leave
//!   nobody serving: nobody was before.
//! - The last slot that answers is not taken away, whether nginx names it or not.
//! - Nobody is sent to a slot whose weights are lowered.
//! - Until its journal says `committed`, a swap leaves the container and the override of the old slot alone.

use std::path::Path;

use super::content::Content;
use super::world::{World, service_of};
use super::{Death, FOLDER};
use crate::host::facts::ProbeAnswer;

/// What an open journal says about a swap that is not committed.
#[derive(Debug, Clone)]
pub(super) enum OpenSwap {
    /// Nothing is open, or it is committed.
    No,
    /// Nobody served before.
    First,
    /// This service served before.
    After(String),
}

impl World {
    /// Makes a change and notes when it breaks the promise.
    pub(super) fn checked<T>(
        &mut self,
        verb: &'static str,
        change: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let (served, open) = (self.served(), self.open());
        let old = match &open {
            OpenSwap::After(service) => Some((service.clone(), self.old(service))),
            OpenSwap::No | OpenSwap::First => None,
        };
        let answered = self.slots_that_answer();
        let value = change(self);
        if let Some(service) = self.lowered_and_live() {
            self.broken.push(format!(
                "people are sent to `{service}`, which is held back, after {verb}"
            ));
        }
        if !matches!(open, OpenSwap::First) {
            if answered > 0 && self.slots_that_answer() == 0 {
                self.broken.push(format!("nobody can serve after {verb}"));
            }
            for ((when, before), (_, after)) in served.into_iter().zip(self.served()) {
                if before && !after {
                    self.broken.push(format!("nobody serves {when} {verb}"));
                }
            }
        }
        if let Some((service, before)) = old
            && before != self.old(&service)
        {
            self.broken
                .push(format!("{verb} touched `{service}` before commit"));
        }
        value
    }

    fn lowered_and_live(&self) -> Option<&'static str> {
        let service = service_of(self.live_port())?;
        let container = self.containers.get(service)?;
        container.lowered.then_some(service)
    }

    fn slots_that_answer(&self) -> usize {
        let slots = self.containers.keys().filter(|name| *name != "db");
        slots
            .filter(|name| matches!(self.answer(name), ProbeAnswer::Status(200)))
            .count()
    }

    fn served(&self) -> [(&'static str, bool); 3] {
        [
            ("after", self.is_served()),
            (
                "when the power fails after",
                self.would_serve(Death::PowerLoss),
            ),
            (
                "when the power fails a moment after",
                self.would_serve(Death::LuckyPowerLoss),
            ),
        ]
    }

    /// The old slot: which container, whether it runs and is held back, and its override.
    fn old(&self, service: &str) -> (Option<(String, bool, bool)>, Option<Content>) {
        let container = self.containers.get(service);
        let path = Path::new(FOLDER).join(format!("{service}.override.yml"));
        (
            container.map(|container| (container.id.clone(), container.running, container.lowered)),
            self.files.get(&path).cloned(),
        )
    }

    fn open(&self) -> OpenSwap {
        let journal = self.files.get(&Path::new(FOLDER).join("open.jsonl"));
        journal.map_or(OpenSwap::No, |journal| journal.open(open))
    }

    /// Whether the open journal has an entry of this kind.
    pub(crate) fn has_noted(&self, entry: &str) -> bool {
        let journal = self.files.get(&Path::new(FOLDER).join("open.jsonl"));
        let kind = format!("\"entry\":\"{entry}\"");
        journal.is_some_and(|journal| String::from_utf8_lossy(journal).contains(&kind))
    }
}

/// Whole lines count.
fn open(journal: &[u8]) -> OpenSwap {
    let text = String::from_utf8_lossy(journal);
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    let text = text.get(..end).unwrap_or_default();
    if text.contains("\"entry\":\"committed\"") {
        return OpenSwap::No;
    }
    let previous = text.split_once("\"previous\":");
    let previous = previous.and_then(|(_, rest)| rest.split_once('}'));
    let service = previous.and_then(|(live, _)| live.split_once("\"service\":\""));
    match service.and_then(|(_, rest)| rest.split_once('"')) {
        Some((service, _)) => OpenSwap::After(service.to_owned()),
        None => OpenSwap::First,
    }
}

//! What the steps of one swap work with.

use crate::error::Failure;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;

use super::events::Events;
use super::failure::StepResult;
use super::journal::entry::{Begun, Settings};
use super::meter::Meter;
use super::paths::AppPaths;
use super::resolve::Staged;
use crate::host::Host;
use crate::host::facts::{ComposeProject, ComposeTool, OwnWeights};
use crate::host::nginx::{self, Colours};
use crate::protocol::plan::Site;
use crate::protocol::receipt::Receipt;
use crate::protocol::slot::{Slot, SlotService};
use crate::protocol::wire::RegistryLogin;

/// One swap at work: everything a step may look at. All that an undo needs comes from the journal.
#[derive(Debug)]
pub(super) struct Swap<'a, H> {
    pub(super) host: &'a H,
    pub(super) events: &'a Events<'a, H>,
    pub(super) paths: &'a AppPaths,
    pub(super) begun: &'a Begun,
    /// What the release is staged from; not needed on the way back.
    pub(super) staged: &'a Staged,
    pub(super) tool: ComposeTool,
    /// The `server` blocks that use the include; unknown, and not needed, on the way back.
    pub(super) sites: &'a [nginx::ServerBlock],
    /// What nginx calls the slots; like them.
    pub(super) colours: Colours,
    pub(super) login: Option<&'a RegistryLogin>,
    /// Whether somebody asked for an end; nobody can on the way back.
    pub(super) cancel: Option<&'a Cell<bool>>,
    pub(super) receipt: RefCell<Receipt>,
    pub(super) meter: Meter<'a, H>,
    pub(super) healthy_at: Cell<Option<Healthy>>,
    /// When it was decided that the new slot is not good enough, by the clock that never jumps.
    pub(super) decided_at: Cell<Option<u64>>,
    /// What the new container's weights were before they were lowered for its boot.
    pub(super) own_weights: RefCell<OwnWeights>,
    /// The end of the new container's log, kept when it is removed on the way back.
    pub(super) last_lines: RefCell<Vec<String>>,
}

/// When the new slot was last found healthy, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Healthy {
    pub(super) elapsed_ms: u64,
    pub(super) now_ms: u64,
}

/// What two clocks of one machine may drift apart while a swap lasts.
const DRIFT_MS: u64 = 100;

impl Healthy {
    /// Whether nobody has set the clock since: only then is a time in a log worth comparing.
    pub(super) fn clocks_agree<H: Host>(&self, host: &H) -> bool {
        let elapsed = host.elapsed_ms().saturating_sub(self.elapsed_ms);
        let expected = self.now_ms.saturating_add(elapsed);
        host.now_ms().abs_diff(expected) <= DRIFT_MS
    }
}

/// The compose project of a slot, as a journal has it.
pub(super) fn project(begun: &Begun, tool: ComposeTool, slot: Slot) -> ComposeProject {
    let slot = begun.slots.get(slot);
    let named = &begun.plan.site.compose_files;
    let files = match (slot.files.as_slice(), begun.files.as_slice()) {
        ([], []) => named.iter().map(PathBuf::from).collect(),
        ([], files) | (files, _) => files.to_vec(),
    };
    ComposeProject {
        folder: begun.folder.clone(),
        files,
        instead: Vec::new(),
        name: slot.project.clone(),
        tool,
    }
}

impl<'a, H: Host> Swap<'a, H> {
    /// A swap that was cut short and is brought to its end: nothing is staged and nothing is measured.
    pub(super) fn cut_short(
        host: &'a H,
        events: &'a Events<'a, H>,
        paths: &'a AppPaths,
        begun: &'a Begun,
        tool: ComposeTool,
    ) -> Self {
        Self {
            host,
            events,
            paths,
            begun,
            staged: &Staged::Nothing,
            tool,
            sites: &[],
            colours: Colours::default(),
            login: None,
            cancel: None,
            receipt: RefCell::default(),
            meter: Meter::none(host, paths),
            healthy_at: Cell::new(None),
            decided_at: Cell::new(None),
            own_weights: RefCell::default(),
            last_lines: RefCell::default(),
        }
    }

    /// The app and its host, as the plan has them.
    pub(super) fn site(&self) -> &Site {
        &self.begun.plan.site
    }

    /// The user's compose project of a slot.
    pub(super) fn project(&self, slot: Slot) -> ComposeProject {
        project(self.begun, self.tool, slot)
    }

    /// The new slot's as it is started: with its override, on top of the user's file or of the release as it ran.
    pub(super) fn new_project(&self) -> ComposeProject {
        let (begun, project) = (self.begun, self.project(self.begun.slot));
        let on_top = self.paths.override_file(&self.new_slot().name());
        match begun.settings {
            Settings::File => project.with(on_top),
            Settings::Kept => {
                let of_both = begun.slots.share_files();
                let kept = self.paths.release_in(&begun.release, begun.slot, of_both);
                project.from(vec![kept, on_top])
            }
        }
    }

    /// All that is kept of the release.
    pub(super) fn release_files(&self) -> Vec<PathBuf> {
        let of_both = self.begun.slots.share_files();
        self.paths.release_files(&self.begun.release, of_both)
    }

    /// The slot that gets the release.
    pub(super) fn new_slot(&self) -> &SlotService {
        self.begun.slots.get(self.begun.slot)
    }

    /// The slot that served so far, unless nothing did.
    pub(super) fn old_slot(&self) -> Option<&SlotService> {
        let old = self.begun.previous.as_ref()?.slot;
        (old != self.begun.slot).then(|| self.begun.slots.get(old))
    }

    /// The compose project of the slot that is not the new one.
    pub(super) fn old_project(&self) -> ComposeProject {
        self.project(self.begun.slot.other())
    }

    /// An error when someone asked for an end.
    pub(super) fn go_on(&self) -> StepResult<()> {
        if self.cancel.is_some_and(Cell::get) {
            return Err(Failure::cancelled());
        }
        Ok(())
    }

    /// What it did to the users, when it is over.
    pub(super) async fn take_receipt(&self) -> Receipt {
        let healthy_at = self.healthy_at.get();
        let comparable = healthy_at.filter(|healthy| healthy.clocks_agree(self.host));
        let mut receipt = self.receipt.take();
        let healthy_ms = comparable.map(|healthy| healthy.now_ms);
        self.meter.tell(&mut receipt, self.begun.slot, healthy_ms);
        receipt.agent_memory_bytes = self.host.memory_peak().await.ok();
        receipt
    }
}

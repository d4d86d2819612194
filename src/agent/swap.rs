//! The table: every step of a swap, in order, with its kind. `design` §5 is its source.

use crate::protocol::outcome::Failure;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;

use super::events::Events;
use super::failure::StepResult;
use super::journal::entry::{Begun, PreImage, Settings};
use super::lock::CancelState;
use super::meter::Meter;
use super::paths::AppPaths;
use super::resolve::Staged;
use super::saga::{Actor, Kind, Row};
use super::steps::{
    self, await_healthy, bake, drain_old, prune, pull_image, stage_release, start_slot, stop_old,
    switch_traffic, verify_route,
};
use crate::host::Host;
use crate::host::facts::{ComposeProject, ComposeTool};
use crate::host::nginx;
use crate::protocol::plan::Site;
use crate::protocol::receipt::Receipt;
use crate::protocol::slot::SlotService;
use crate::protocol::step::Step;
use crate::protocol::wire::RegistryLogin;

/// What the engine runs after the two checks.
pub(super) const TABLE: &[Row] = &[
    Row {
        step: Step::PullImage,
        kind: Kind::Compensatable,
    },
    Row {
        step: Step::StageRelease,
        kind: Kind::Compensatable,
    },
    Row {
        step: Step::StartSlot,
        kind: Kind::Compensatable,
    },
    Row {
        step: Step::AwaitHealthy,
        kind: Kind::Compensatable,
    },
    Row {
        step: Step::SwitchTraffic,
        kind: Kind::Compensatable,
    },
    Row {
        step: Step::VerifyRoute,
        kind: Kind::Compensatable,
    },
    Row {
        step: Step::Bake,
        kind: Kind::Compensatable,
    },
    // ---- commit ----
    Row {
        step: Step::DrainOld,
        kind: Kind::Retriable,
    },
    Row {
        step: Step::StopOld,
        kind: Kind::Retriable,
    },
    Row {
        step: Step::Prune,
        kind: Kind::BestEffort,
    },
];

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
    pub(super) sites: &'a [nginx::Site],
    pub(super) login: Option<&'a RegistryLogin>,
    pub(super) cancel: &'a Cell<CancelState>,
    pub(super) receipt: &'a RefCell<Receipt>,
    pub(super) meter: &'a Meter<'a, H>,
    pub(super) healthy_at: Cell<Option<Healthy>>,
    /// When it was decided that the new slot is not good enough, by the clock that never jumps.
    pub(super) decided_at: Cell<Option<u64>>,
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

/// The user's compose project, as a journal has it.
pub(super) fn project(begun: &Begun, tool: ComposeTool) -> ComposeProject {
    ComposeProject {
        folder: begun.folder.clone(),
        files: match begun.files.as_slice() {
            [] => begun
                .plan
                .site
                .compose_files
                .iter()
                .map(PathBuf::from)
                .collect(),
            files => files.to_vec(),
        },
        instead: Vec::new(),
        tool,
    }
}

impl<H: Host> Swap<'_, H> {
    /// The app and its host, as the plan has them.
    pub(super) fn site(&self) -> &Site {
        &self.begun.plan.site
    }

    /// The user's compose project.
    pub(super) fn project(&self) -> ComposeProject {
        project(self.begun, self.tool)
    }

    /// The same as the new slot is started: with its override, on top of the user's file or of the release as it ran.
    pub(super) fn new_project(&self) -> ComposeProject {
        let on_top = self.paths.override_file(&self.new_slot().service);
        match self.begun.settings {
            Settings::File => self.project().with(on_top),
            Settings::Kept => {
                let kept = self.paths.release_file(&self.begun.release);
                self.project().from(vec![kept, on_top])
            }
        }
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

    /// An error when someone asked for an end.
    pub(super) fn go_on(&self) -> StepResult<()> {
        match self.cancel.get() {
            CancelState::No => Ok(()),
            CancelState::Requested => Err(Failure::cancelled()),
        }
    }
}

impl<H: Host> Actor for Swap<'_, H> {
    async fn capture(&self, step: Step) -> StepResult<PreImage> {
        match step {
            Step::StageRelease => stage_release::capture(self).await,
            Step::SwitchTraffic => switch_traffic::capture(self).await,
            Step::Preflight
            | Step::StartDependencies
            | Step::PullImage
            | Step::StartSlot
            | Step::AwaitHealthy
            | Step::VerifyRoute
            | Step::Bake
            | Step::DrainOld
            | Step::StopOld
            | Step::Prune => Ok(PreImage::Nothing),
        }
    }

    async fn apply(&self, step: Step) -> StepResult<()> {
        match step {
            Step::PullImage => pull_image::apply(self).await,
            Step::StageRelease => stage_release::apply(self).await,
            Step::StartSlot => start_slot::apply(self).await,
            Step::AwaitHealthy => await_healthy::apply(self).await,
            Step::SwitchTraffic => switch_traffic::apply(self).await,
            Step::VerifyRoute => verify_route::apply(self).await,
            Step::DrainOld => drain_old::apply(self).await,
            Step::StopOld => stop_old::apply(self).await,
            Step::Prune => prune::apply(self).await,
            Step::Bake => bake::apply(self).await,
            Step::Preflight | Step::StartDependencies => Err(steps::not_in_table(step)),
        }
    }

    async fn undo(&self, step: Step, before: &PreImage) -> StepResult<()> {
        match step {
            Step::StageRelease => stage_release::undo(self, before).await,
            Step::StartSlot => start_slot::undo(self).await,
            Step::SwitchTraffic => switch_traffic::undo(self, before).await,
            Step::PullImage | Step::AwaitHealthy | Step::VerifyRoute | Step::Bake => Ok(()),
            Step::Preflight
            | Step::StartDependencies
            | Step::DrainOld
            | Step::StopOld
            | Step::Prune => Err(steps::not_in_table(step)),
        }
    }
}

//! The table: what a swap does after its two checks, in order, one row a step. [`saga`](super::saga) runs it.

use std::pin::Pin;

use super::failure::StepResult;
use super::journal::entry::PreImage;
use super::steps::{
    await_healthy, bake, drain_old, prune, pull_image, stage_release, start_slot, stop_old,
    switch_traffic, verify_route,
};
use super::swap::Swap;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::protocol::step::Step;

/// Every row, in order. A step without an undo leaves nothing behind that would have to be brought back.
pub(super) fn rows<H: Host>() -> [StepRow<H>; 10] {
    use StepKind::{BestEffort, Compensatable, Retriable};
    [
        StepRow::new(Step::PullImage, Compensatable, pull_image::apply),
        StepRow::new(Step::StageRelease, Compensatable, stage_release::apply)
            .captured_by(stage_release::capture)
            .undone_by(stage_release::undo),
        StepRow::new(Step::StartSlot, Compensatable, start_slot::apply).undone_by(start_slot::undo),
        StepRow::new(Step::AwaitHealthy, Compensatable, await_healthy::apply),
        StepRow::new(Step::SwitchTraffic, Compensatable, switch_traffic::apply)
            .captured_by(switch_traffic::capture)
            .undone_by(switch_traffic::undo),
        StepRow::new(Step::VerifyRoute, Compensatable, verify_route::apply),
        StepRow::new(Step::Bake, Compensatable, bake::apply),
        // ---- commit ----
        StepRow::new(Step::DrainOld, Retriable, drain_old::apply),
        StepRow::new(Step::StopOld, Retriable, stop_old::apply),
        StepRow::new(Step::Prune, BestEffort, prune::apply),
    ]
}

/// What becomes of a step when things go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepKind {
    /// Before commit; undone from its pre-image.
    Compensatable,
    /// After commit; tried again.
    Retriable,
    /// After commit; a failure is a warning.
    BestEffort,
}

/// Whether the host is as it was when this step is the first to fail: neither it nor one before it has an undo.
pub(super) fn is_harmless_up_to<H: Host>(step: Step) -> bool {
    let rows = rows::<H>();
    let mut so_far = rows.iter().take_while(|row| row.step <= step);
    so_far.all(|row| row.undo.is_none())
}

/// Undoes a step that a journal names: restores what was captured. Safe when the step never ran, half ran, or is undone
/// already.
pub(super) async fn undo<H: Host>(
    swap: &Swap<'_, H>,
    step: Step,
    before: &PreImage,
) -> StepResult<()> {
    match rows().iter().find(|row| row.step == step) {
        Some(StepRow { undo: None, .. }) => Ok(()),
        Some(StepRow {
            undo: Some(undo), ..
        }) => undo(swap, before).await,
        None => Err(Failure::new(
            Reason::InternalError,
            format!("step {step} is not run by the engine"),
        )),
    }
}

type StepFuture<'a, T> = Pin<Box<dyn Future<Output = StepResult<T>> + 'a>>;
type StepAction<H, T> = Box<dyn for<'a> Fn(&'a Swap<'_, H>) -> StepFuture<'a, T>>;
type Undo<H> = Box<dyn for<'a> Fn(&'a Swap<'_, H>, &'a PreImage) -> StepFuture<'a, ()>>;

/// One step and what the engine may ask of it.
pub(super) struct StepRow<H> {
    pub(super) step: Step,
    pub(super) kind: StepKind,
    apply: StepAction<H, ()>,
    capture: Option<StepAction<H, PreImage>>,
    undo: Option<Undo<H>>,
}

impl<H: Host> StepRow<H> {
    pub(super) async fn apply(&self, swap: &Swap<'_, H>) -> StepResult<()> {
        (self.apply)(swap).await
    }

    /// Reads what the step is about to change.
    pub(super) async fn capture(&self, swap: &Swap<'_, H>) -> StepResult<PreImage> {
        match &self.capture {
            Some(capture) => capture(swap).await,
            None => Ok(PreImage::Nothing),
        }
    }

    fn new<F>(step: Step, kind: StepKind, apply: F) -> Self
    where
        F: AsyncFn(&Swap<'_, H>) -> StepResult<()> + Copy + 'static,
    {
        Self {
            step,
            kind,
            apply: Box::new(move |swap| Box::pin(async move { apply(swap).await })),
            capture: None,
            undo: None,
        }
    }

    fn captured_by<F>(mut self, capture: F) -> Self
    where
        F: AsyncFn(&Swap<'_, H>) -> StepResult<PreImage> + Copy + 'static,
    {
        self.capture = Some(Box::new(move |swap| {
            Box::pin(async move { capture(swap).await })
        }));
        self
    }

    fn undone_by<F>(mut self, undo: F) -> Self
    where
        F: AsyncFn(&Swap<'_, H>, &PreImage) -> StepResult<()> + Copy + 'static,
    {
        self.undo = Some(Box::new(move |swap, before| {
            Box::pin(async move { undo(swap, before).await })
        }));
        self
    }
}

//! What may be written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::host::compose::OneShot;
use crate::host::nginx::NginxAt;
use crate::protocol::ids::{PinnedImage, ReleaseId, ServiceName};
use crate::protocol::outcome::LiveRelease;
use crate::protocol::plan::Plan;
use crate::protocol::slot::{PerSlot, Slot, SlotService};
use crate::protocol::step::Step;

/// The version of the format that this binary writes; it reads version 1 as well.
///
/// `tests/golden/journal` has a file of every version, and a test that fails when what we write is another format: a
/// format that was released is never changed, it gets a new number.
pub(in crate::agent) const JOURNAL_VERSION: u32 = 2;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(in crate::agent) enum Entry {
    /// The first one: everything that an undo or a way forward needs, without asking anyone.
    Begun(Box<Begun>),
    /// About to act; what was there before.
    Started { step: Step, before: PreImage },
    /// Acted.
    Done { step: Step },
    /// Tried and failed.
    Failed { step: Step, why: Failure },
    /// The pivot: from here only forward.
    Committed,
    /// About to undo.
    UndoStarted { step: Step },
    /// Undone.
    Undone { step: Step },
    /// Tried to undo and failed; it is still owed.
    UndoFailed { step: Step, why: Failure },
    /// Every step after the pivot is done or given up with a warning.
    Finished,
    /// Every step is undone.
    RolledBack,
}

/// What a swap is about, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Begun {
    pub(in crate::agent) plan: Plan,
    /// The number of the run.
    pub(in crate::agent) fence: u64,
    /// The compose project's folder.
    pub(in crate::agent) folder: PathBuf,
    /// Its files, in order; none means those that the plan names, as in version 1.
    #[serde(default)]
    pub(in crate::agent) files: Vec<PathBuf>,
    pub(in crate::agent) slots: PerSlot<SlotService>,
    /// The `version` of the compose file.
    pub(in crate::agent) compose_version: Option<String>,
    pub(in crate::agent) switch: Switch,
    /// What the slots need, in the order in which recovery starts it after a boot.
    #[serde(default)]
    pub(in crate::agent) dependencies: Vec<ServiceName>,
    /// What runs to its end before the new slot starts, in this order; a rollback has none.
    #[serde(default)]
    pub(in crate::agent) one_shots: Vec<OneShot>,
    pub(in crate::agent) previous: Option<LiveRelease>,
    /// What was to be live.
    pub(in crate::agent) image: PinnedImage,
    /// Its release.
    pub(in crate::agent) release: ReleaseId,
    pub(in crate::agent) slot: Slot,
    /// Images that must stay.
    pub(in crate::agent) keep: Vec<PinnedImage>,
    /// Releases whose settings must stay, beside this one.
    #[serde(default)]
    pub(in crate::agent) releases: Vec<ReleaseId>,
    /// What the new slot is started from.
    #[serde(default)]
    pub(in crate::agent) settings: Settings,
    /// The nginx that obeys the include.
    #[serde(default, skip_serializing_if = "NginxAt::is_host")]
    pub(in crate::agent) nginx: NginxAt,
}

/// What a slot is started from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::agent) enum Settings {
    /// The user's compose file.
    #[default]
    File,
    /// The release as it ran, kept in `<app>/releases`.
    Kept,
}

/// What nginx obeys, and so what a switch changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::agent) enum Switch {
    /// The flag file in the app's folder.
    Flag,
    /// An include that names the live port, absolute, and a reload.
    Reload(PathBuf),
}

/// What was there before a step, enough to bring it back byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::agent) enum PreImage {
    /// The step has nothing to bring back, or removes what it made.
    Nothing,
    /// A file's bytes, base64; `None` when it did not exist.
    File {
        #[serde(with = "base64_bytes")]
        bytes: Option<Vec<u8>>,
    },
    /// The override's bytes, base64; the release's settings, which are private, were not kept yet and are removed.
    Unkept {
        #[serde(with = "base64_bytes")]
        bytes: Option<Vec<u8>>,
    },
    /// The include's bytes, base64, and who accepted connections under it: worker processes by id and start time.
    Include {
        #[serde(with = "base64_bytes")]
        bytes: Option<Vec<u8>>,
        workers: Vec<(u32, u64)>,
    },
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        bytes
            .as_ref()
            .map(|bytes| STANDARD.encode(bytes))
            .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| STANDARD.decode(text).map_err(de::Error::custom))
            .transpose()
    }
}

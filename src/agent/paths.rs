//! Where the agent keeps its state (`design`: "On the host").

use std::path::PathBuf;

use crate::host::nginx::flag;
use crate::protocol::ids::{AppName, DeploymentId, ReleaseId, SlotName};
use crate::protocol::slot::Slot;

pub(super) use crate::protocol::place::STATE_ROOT;

/// The files of one app.
#[derive(Debug, Clone)]
pub(super) struct AppPaths {
    folder: PathBuf,
}

impl AppPaths {
    pub(super) fn new(app: &AppName) -> Self {
        Self {
            folder: PathBuf::from(STATE_ROOT).join(app.as_str()),
        }
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Names the agent of the last run that changed something on this host.
    pub(super) fn current_agent() -> PathBuf {
        PathBuf::from(STATE_ROOT).join("bin/current")
    }

    /// Locked by whoever changes the app.
    pub(super) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// The numbers of the runs: the last one given away, and the one that acts.
    pub(super) fn fence(&self) -> PathBuf {
        self.folder.join("fence.json")
    }

    /// Locked for the length of one look at the numbers.
    pub(super) fn fence_lock(&self) -> PathBuf {
        self.folder.join("fence.lock")
    }

    /// Is there when a deployment shall end; a file for each, so that two cannot take each other's place.
    pub(super) fn cancel(&self, deployment: &DeploymentId) -> PathBuf {
        self.folder.join(format!("cancel-{deployment}"))
    }

    /// The journal of an unfinished swap.
    pub(super) fn journal(&self) -> PathBuf {
        self.folder.join("open.jsonl")
    }

    /// Room for the way back.
    pub(super) fn reserve(&self) -> PathBuf {
        self.folder.join("reserve")
    }

    /// Closed journals.
    pub(super) fn archive(&self) -> PathBuf {
        self.folder.join("history")
    }

    /// Where a journal goes when it is closed.
    pub(super) fn archived(&self, deployment: &DeploymentId) -> PathBuf {
        self.archive().join(format!("{deployment}.jsonl"))
    }

    /// One event log a deployment.
    pub(super) fn events(&self) -> PathBuf {
        self.folder.join("events")
    }

    /// The event log of a deployment.
    pub(super) fn event_log(&self, deployment: &DeploymentId) -> PathBuf {
        self.events().join(format!("{deployment}.jsonl"))
    }

    /// There while slot 2 takes traffic, where nginx obeys it.
    pub(super) fn flag(&self) -> PathBuf {
        flag::flag_file(&self.folder)
    }

    /// There while nginx logs requests.
    pub(super) fn measure(&self) -> PathBuf {
        flag::measure_file(&self.folder)
    }

    /// The log that nginx writes then.
    pub(super) fn traffic_log(&self) -> PathBuf {
        flag::traffic_log(&self.folder)
    }

    /// Copies of files of nginx's that `provision` replaced.
    pub(super) fn backups(&self) -> PathBuf {
        self.folder.join("backup")
    }

    /// Whose the folder is.
    pub(super) fn owner(&self) -> PathBuf {
        self.folder.join("app.json")
    }

    /// Releases as they ran.
    pub(super) fn releases(&self) -> PathBuf {
        self.folder.join("releases")
    }

    /// A release as it ran. Holds what its environment holds.
    pub(super) fn release_file(&self, release: &ReleaseId) -> PathBuf {
        self.releases().join(format!("{release}.yml"))
    }

    /// The same as it ran in a slot: the second one has a file of its own, unless one describes both.
    pub(super) fn release_in(&self, release: &ReleaseId, slot: Slot, of_both: bool) -> PathBuf {
        if slot == Slot::One || of_both {
            self.release_file(release)
        } else {
            self.releases().join(format!("{release}.{slot}.yml"))
        }
    }

    /// All that is kept of a release; the last one says that it is whole.
    pub(super) fn release_files(&self, release: &ReleaseId, of_both: bool) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = [Slot::Two, Slot::One]
            .map(|slot| self.release_in(release, slot, of_both))
            .into();
        files.dedup();
        files
    }

    /// The key that releases are named with.
    pub(super) fn release_key(&self) -> PathBuf {
        self.folder.join("release-key")
    }

    /// What goes on top of the user's compose file for a slot.
    pub(super) fn override_file(&self, slot: &SlotName) -> PathBuf {
        self.folder.join(format!("{slot}.override.yml"))
    }
}

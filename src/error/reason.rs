//! Why a run ended as it did, by a stable code, and the exit code that goes with it.

use std::fmt;

use super::ExitCode;

macro_rules! exit_code {
    () => {
        ExitCode::HostUntouched
    };
    ($exit:ident) => {
        ExitCode::$exit
    };
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal $(=> $exit:ident)?,)*) => {
        /// Why a run ended as it did: the `reason-code` output. Codes are stable; new ones may be added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The kebab-case code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How a command ends that fails for it before the app was touched.
            pub fn exit_code(self) -> ExitCode {
                match self { $(Self::$name => exit_code!($($exit)?),)* }
            }

            /// Reads a code back; a code of a newer version becomes `InternalError`.
            pub fn parse(code: &str) -> Self {
                match code { $($code => Self::$name,)* _ => Self::InternalError }
            }
        }
    };
}

reasons! {
    /// The new release is live.
    Deployed = "deployed",
    /// The live slot already runs this release.
    AlreadyLive = "already-live",
    /// `dry-run` was set.
    DryRun = "dry-run",
    /// The event is neither `pull_request` nor `workflow_dispatch`.
    WrongEvent = "wrong-event",
    /// The event's action is not `labeled`.
    WrongAction = "wrong-action",
    /// Another label was set.
    WrongLabel = "wrong-label",
    /// The pull request goes to another branch.
    WrongBase = "wrong-base",
    /// The event is `pull_request_target`, which would build a stranger's code with the repository's secrets.
    PullRequestTarget = "pull-request-target",
    /// The pull request comes from a fork.
    FromFork = "from-fork",
    /// The pull request is a draft.
    Draft = "draft",
    /// The pull request is closed.
    Closed = "closed",
    /// The pull request is merged already.
    Merged = "merged",
    /// A `workflow_dispatch` names no full commit.
    NoCommit = "no-commit",
    /// The commit of a `workflow_dispatch` is neither on the base nor the head of an open pull request to it.
    NotOnBase = "not-on-base",
    /// A re-run of a `workflow_dispatch` whose base has moved on.
    StaleRun = "stale-run",
    /// The label was taken off again before the run began.
    LabelRemoved = "label-removed",
    /// Dependabot started the run, and GitHub gives it no secrets.
    NoSecrets = "no-secrets",
    /// There is no checkout to compare with the commit, it cannot be read, or nobody can tell whether it is a merge.
    NoCheckout = "no-checkout",
    /// The checkout is neither the commit that was asked for nor a merge of it.
    WrongCheckout = "wrong-checkout",
    /// The pull request has another head commit by now.
    HeadMoved = "head-moved",
    /// A check that `require-checks` names is not green on the commit.
    ChecksNotGreen = "checks-not-green",
    /// The pull request has fewer approvals than `require-approvals` asks for.
    NotApproved = "not-approved",
    /// A reviewer who may write has requested changes.
    ChangesRequested = "changes-requested",
    /// GitHub does not answer what the gate has to know.
    GithubUnavailable = "github-unavailable",
    /// The person who set the label may not write to the repository.
    NotPermitted = "not-permitted",
    /// The event payload lacks a field or has a wrong type there.
    UnreadableEvent = "unreadable-event",
    /// A setting is missing, malformed or unknown.
    InvalidSettings = "invalid-settings" => Usage,
    /// The Docker daemon on the runner cannot be used.
    DockerUnavailable = "docker-unavailable",
    /// The image does not build.
    BuildFailed = "build-failed",
    /// The registry refused the credentials.
    RegistryUnauthorized = "registry-unauthorized",
    /// The image cannot be pushed.
    PushFailed = "push-failed",
    /// The host does not answer.
    HostUnreachable = "host-unreachable",
    /// The host's key is not one of the given ones.
    HostKeyMismatch = "host-key-mismatch",
    /// The host refused the user or the key.
    SshUnauthorized = "ssh-unauthorized",
    /// The SSH connection broke.
    SshFailed = "ssh-failed",
    /// The agent cannot be installed or does not run on the host.
    AgentUnavailable = "agent-unavailable",
    /// The host is not ready for a deploy.
    PreflightFailed = "preflight-failed",
    /// A file system is full.
    DiskFull = "disk-full",
    /// The image is built for another processor than the host's.
    PlatformMismatch = "platform-mismatch",
    /// A dependency (database, cache) does not become ready.
    DependencyNotReady = "dependency-not-ready",
    /// Another deploy holds the lock.
    Locked = "locked",
    /// The host cannot pull the image.
    PullFailed = "pull-failed",
    /// The new slot cannot be started.
    StartFailed = "start-failed",
    /// The new slot ended while it was starting.
    CrashedAtBoot = "crashed-at-boot",
    /// The kernel killed the new slot, or a process in it, for lack of memory.
    OomKilled = "oom-killed",
    /// The new slot was killed by a SIGKILL that was not the kernel's for lack of memory.
    Killed = "killed",
    /// The new slot did not become healthy in time.
    NeverHealthy = "never-healthy",
    /// The new slot is healthy, and hangs, drops or fails a path that the old one answers.
    SmokeFailed = "smoke-failed",
    /// nginx refused the new configuration or did not reload.
    SwitchFailed = "switch-failed",
    /// Answers through nginx do not come from the new slot.
    RouteNotVerified = "route-not-verified",
    /// The new slot did worse with real traffic than the budget allows.
    BakeFailed = "bake-failed",
    /// A newer run has changed the app meanwhile.
    Superseded = "superseded",
    /// The host cannot be prepared.
    ProvisionFailed = "provision-failed",
    /// A step after commit failed; the new release serves.
    CleanupIncomplete = "cleanup-incomplete",
    /// An earlier deploy was cut short and was brought to its end first.
    Interrupted = "interrupted",
    /// The journal cannot be written.
    JournalUnwritable = "journal-unwritable",
    /// The journal is damaged and must not be acted on.
    JournalDamaged = "journal-damaged",
    /// A record on the host was written by another version of pct-deploy, which has to settle it.
    OtherVersion = "other-version",
    /// An undo failed; the host needs a person.
    UndoFailed = "undo-failed",
    /// There is no earlier release to go back to.
    NoEarlierRelease = "no-earlier-release",
    /// Something that the release ran with is gone from the host.
    ReleaseGone = "release-gone",
    /// SIGINT or SIGTERM, or a cancelled workflow.
    Cancelled = "cancelled",
    /// A bug of ours.
    InternalError = "internal-error" => Bug,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), *reason);
        }
    }
}

//! The names of everything a run does, in order.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in journals, events and results.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// A step of the swap, on the host.
    Step {
        /// Checks that the host can take a deploy.
        Preflight = "preflight",
        /// Starts databases and caches and waits for them.
        StartDependencies = "start_dependencies",
        /// Pulls the image by digest.
        PullImage = "pull_image",
        /// Writes the idle slot's compose override.
        StageRelease = "stage_release",
        /// Starts the idle slot.
        StartSlot = "start_slot",
        /// Waits until the idle slot is healthy.
        AwaitHealthy = "await_healthy",
        /// Points nginx at the new slot.
        SwitchTraffic = "switch_traffic",
        /// Checks that answers through nginx come from the new slot.
        VerifyRoute = "verify_route",
        /// Watches the new slot with real traffic.
        Bake = "bake",
        /// Waits until nothing is in flight to the old slot.
        DrainOld = "drain_old",
        /// Stops the old slot.
        StopOld = "stop_old",
        /// Removes images that no kept release uses.
        Prune = "prune",
    }
}

named! {
    /// A part of a run that happens on the runner.
    Phase {
        /// Decides whether to deploy at all.
        Gate = "gate",
        /// Builds the image.
        Build = "build",
        /// Pushes the image.
        Push = "push",
        /// Opens the SSH session.
        Connect = "connect",
        /// Puts the agent on the host.
        InstallAgent = "install_agent",
    }
}

/// Anything with a duration in a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// On the runner.
    Phase(Phase),
    /// On the host.
    Step(Step),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phase(phase) => phase.fmt(f),
            Self::Step(step) => step.fmt(f),
        }
    }
}

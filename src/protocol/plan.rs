//! What the runner asks the agent to do.

use std::ops::Not;

use serde::{Deserialize, Deserializer, Serialize};

use super::ids::{AppName, Commit, DeploymentId, PinnedImage, ReleaseId, ServiceName};
use super::slot::PerSlot;
use super::slot_spec::SlotSpec;
use super::span::Span;

/// Everything about an app on a host that is known before its image is built. Carries no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    pub app: AppName,
    /// The folder with the compose file; relative to the user's home.
    pub project_directory: String,
    /// The compose files, relative to the project directory, in the order in which they are layered; none means those
    /// that compose itself would read.
    #[serde(alias = "compose_file", deserialize_with = "one_or_many")]
    pub compose_files: Vec<String>,
    pub slots: PerSlot<SlotSpec>,
    /// Whether nobody named the slots: then the host looks which services they are, and these are what is left.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub slots_by_default: bool,
    /// What must run before a slot; `None` means what the slots' `depends_on` names.
    pub dependencies: Option<Vec<ServiceName>>,
    /// The nginx include that names the live port.
    pub proxy_include: String,
    /// How traffic is moved.
    pub switch: SwitchChoice,
    /// How to tell that a slot is healthy.
    pub health: HealthCheck,
    /// What both slots are asked before the switch; none means `/`, which nobody named.
    #[serde(default)]
    pub smoke_paths: Vec<String>,
    /// The watch over the new slot once it takes traffic.
    pub bake: Bake,
    /// The platform of the image, as `linux/amd64`.
    pub platform: String,
    /// The longest wait for requests in flight to the old slot.
    pub drain_timeout: Span,
    /// How long a container may take to end after SIGTERM.
    pub stop_timeout: Span,
    /// How many releases stay on the host, the live one included; at least 1.
    pub keep_releases: u16,
    /// The longest wait for another deploy.
    pub lock_wait: Span,
}

/// A plan of the first version names one file.
fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(from)? {
        OneOrMany::One(file) => vec![file],
        OneOrMany::Many(files) => files,
    })
}

/// How to tell that a slot is healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// What to GET. With a path only 2xx is healthy; without one any answer below 500 to `/` is.
    pub path: Option<String>,
    /// The longest wait, from the start of the container.
    pub timeout: Span,
    /// The pause between probes.
    pub interval: Span,
    /// Good answers in a row that make a slot healthy; at least 1.
    pub successes: u16,
    /// The container's port that is asked; `None` means the one that serves.
    #[serde(default)]
    pub port: Option<u16>,
    /// The name that is asked for; `None` until the host has been looked at means that of the site in nginx.
    #[serde(default)]
    pub host: Option<String>,
    /// Whether the request says that it came by HTTPS, as the site's do. Known once the host has been looked at.
    #[serde(default)]
    pub by_https: bool,
}

impl HealthCheck {
    /// The same for a site that nginx knows by `name`, and that is reached by HTTPS or not.
    #[must_use]
    pub fn of_site(&self, name: Option<&str>, by_https: bool) -> Self {
        Self {
            host: self.host.clone().or_else(|| name.map(str::to_owned)),
            by_https,
            ..self.clone()
        }
    }

    /// The name that is asked for.
    pub fn host_or_localhost(&self) -> &str {
        self.host.as_deref().unwrap_or("localhost")
    }

    /// What to GET.
    pub fn path_or_root(&self) -> &str {
        self.path.as_deref().unwrap_or("/")
    }

    /// Whether an answer is good: with a path 2xx, without one anything below 500.
    pub fn accepts(&self, status: u16) -> bool {
        match self.path {
            Some(_) => (200..300).contains(&status),
            None => status < 500,
        }
    }
}

/// How traffic is to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SwitchChoice {
    /// By the flag when the include is ours, else by the include and a reload.
    Auto,
    /// By the flag; refused when the include is not ours.
    Flag,
    /// By the include and a reload; refused when the include is ours.
    Reload,
}

/// The watch over a new slot that takes traffic, and what it may do worse than the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bake {
    /// How long; zero means not at all.
    pub time: Span,
    /// The share of 5xx, beyond the old slot's share, that is still good enough; per thousand requests.
    pub errors_permille: u16,
    /// The same for 4xx.
    #[serde(default = "Bake::client_errors_permille")]
    pub client_errors_permille: u16,
    /// How many times slower than the old slot the new one may answer; 0 means that it is not looked at.
    pub slowdown: u16,
    /// With fewer requests of people the traffic says nothing.
    pub min_requests: u16,
}

impl Bake {
    /// What a plan means that does not say it.
    fn client_errors_permille() -> u16 {
        250
    }
}

/// What to put into the idle slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// An image by digest.
    Image(PinnedImage),
    /// The release that was live before the present one.
    Previous,
    /// A kept release.
    Release(ReleaseId),
    /// The live release, once more.
    Live,
}

/// Where a deploy came from, for the people who read the history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The commit the image was built from.
    pub commit: Option<Commit>,
    /// Who or what asked: a GitHub login or a local user name.
    pub by: Option<String>,
    /// A link to the run.
    pub url: Option<String>,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// A new image.
    Deploy,
    /// An earlier release.
    Rollback,
}

impl Intent {
    /// The word in tables and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
        }
    }
}

/// One swap. Carries no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub deployment: DeploymentId,
    /// The app and its host.
    pub site: Site,
    pub target: Target,
    /// Where it came from.
    pub origin: Origin,
    /// The number that the host gave this run when it began; a run with a lower number than the last one that
    /// changed the app comes too late. `None` for a run that asks for nothing before: it gets one on arrival.
    pub fence: Option<u64>,
    /// Whether it is carried out although the release is live already.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub force: bool,
}

impl Plan {
    /// Whether a release that is live already goes to the other slot all the same.
    pub fn is_again(&self) -> bool {
        self.force || self.target == Target::Live
    }

    /// What it is for.
    pub fn intent(&self) -> Intent {
        if self.is_rollback() {
            Intent::Rollback
        } else {
            Intent::Deploy
        }
    }

    /// Whether this goes back to an earlier release. Such a run is never rolled back because of what a bake saw.
    pub fn is_rollback(&self) -> bool {
        match self.target {
            Target::Image(_) | Target::Live => false,
            Target::Previous | Target::Release(_) => true,
        }
    }
}

//! Settings after parsing.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use super::language::Language;
pub use super::webhook::MessageFormat;
use crate::protocol::ids::{PinnedImage, Repository, Tag};
use crate::protocol::plan::Site;
use crate::protocol::registry::RegistryName;
use crate::protocol::span::Span;
use crate::protocol::wire::RegistryLogin;
use crate::secret::Secret;

/// Everything `deploy` and `action` need.
#[derive(Debug, Clone)]
pub struct DeployConfig {
    /// When to deploy.
    pub gate: GateConfig,
    /// What to deploy.
    pub image: ImageConfig,
    /// Where to, and whom to tell.
    pub host: HostConfig,
}

/// Everything that the commands without an image need, too: `rollback`, `status`, `history`.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// Where.
    pub place: Place,
    /// The app there.
    pub site: Site,
    /// Whom to tell.
    pub report: ReportConfig,
    pub logins: Logins,
    /// What may be a token in a path that is asked for.
    pub hidden: Vec<Secret>,
}

/// Logins for registries.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    /// For the image's own: the push, the host's pull, and base images from there.
    pub image: Option<RegistryLogin>,
    /// For base images from others.
    pub others: Vec<(RegistryName, RegistryLogin)>,
}

/// When to deploy.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// The label that asks for a deploy.
    pub label: String,
    /// The branch that pull requests must go to.
    pub base: String,
    /// Whether the person who set the label must have write permission.
    pub writer: WriterCheck,
    /// What must be green on the head commit.
    pub checks: RequiredChecks,
    /// How many approvals are needed; with 0 reviews are not looked at.
    pub approvals: u16,
    /// Whether the label is taken off at the end.
    pub label_after: LabelAfter,
    /// Whether to stop before anything is changed.
    pub mode: Mode,
}

/// Whether the person who set the label must have write permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriterCheck {
    /// Ask GitHub, refuse without it.
    Required,
    /// Anyone who may set a label.
    Off,
}

/// What must be green on the head commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequiredChecks {
    /// Nobody asks.
    Off,
    /// Every check and status there is, and at least one.
    All,
    /// These, by name.
    Named(Vec<String>),
}

/// What becomes of the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelAfter {
    /// Taken off, so that it works once.
    Removed,
    /// Left.
    Kept,
}

/// Whether to stop before anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Deploy,
    /// Check the gate, the settings and the host, then stop.
    DryRun,
}

/// What to deploy.
#[derive(Debug, Clone)]
pub struct ImageConfig {
    /// Where the image comes from.
    pub source: ImageSource,
    /// As `linux/amd64`.
    pub platform: String,
}

/// Where the image comes from.
#[derive(Debug, Clone)]
pub enum ImageSource {
    /// Built here and pushed.
    Build(BuildConfig),
    /// In the registry already.
    Existing(PinnedImage),
}

/// How to build.
#[derive(Debug, Clone)]
pub struct BuildConfig {
    /// The image's name.
    pub repository: Repository,
    /// Tags given by the user; empty means `sha-<12 of head SHA>` and `latest`.
    pub tags: Vec<Tag>,
    /// The build context.
    pub context: PathBuf,
    /// The Dockerfile, relative to the context.
    pub dockerfile: PathBuf,
    /// The stage to build.
    pub target: Option<String>,
    /// Build arguments, in order.
    pub args: Vec<(String, String)>,
    /// Where the context and the Dockerfile may be.
    pub bounds: Bounds,
    /// The settings file, which is never sent.
    pub settings_file: Option<PathBuf>,
}

/// Where the files of a build may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds {
    /// In the working directory, which in the action is the workspace: paths may come from the commit that asks.
    WorkingDirectory,
    /// Wherever the user says.
    Anywhere,
}

/// Where the agent runs.
#[derive(Debug, Clone)]
pub enum Place {
    /// On this machine, without SSH.
    Local,
    /// On another one.
    Ssh(SshConfig),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("this machine"),
            Self::Ssh(ssh) => f.write_str(&ssh.host),
        }
    }
}

/// How to reach the host.
#[derive(Debug, Clone)]
pub struct SshConfig {
    /// Name or address, or an alias of the user's ssh configuration.
    pub host: String,
    /// TCP port; `None` leaves it to ssh.
    pub port: Option<u16>,
    /// The user; `None` leaves it to ssh.
    pub user: Option<String>,
    /// The private key; `None` leaves it to ssh (an agent or its default files).
    pub key: Option<SshKey>,
    /// Whether ssh obeys the user's own configuration for what is not given here.
    pub files: SshFiles,
    /// How the host proves who it is.
    pub trust: HostTrust,
    /// A host to go through.
    pub jump: Option<JumpHost>,
    /// For the connection and the authentication together.
    pub connect_timeout: Span,
}

/// A private key, normalised: LF line ends and a final newline.
#[derive(Debug, Clone)]
pub struct SshKey(pub Secret);

/// What ssh reads of the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshFiles {
    /// Nothing: the settings hold all there is.
    Unread,
    /// `~/.ssh/config` and the system's.
    Users,
}

/// A host on the way. It uses the same key and the same trust as the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JumpHost {
    /// The user; `None` means the target's.
    pub user: Option<String>,
    /// Name or address, or an alias of the user's ssh configuration.
    pub host: String,
    /// TCP port; `None` leaves it to ssh.
    pub port: Option<u16>,
}

/// How the host proves who it is; there is no way to skip it.
#[derive(Debug, Clone)]
pub enum HostTrust {
    /// Lines in the format of OpenSSH's `known_hosts`.
    KnownHosts(String),
    /// Any of these keys.
    Fingerprints(Vec<Fingerprint>),
    /// The user's own `known_hosts`, where ssh finds it.
    Users,
}

/// A host key's fingerprint as `ssh-keygen -lf` prints it: `SHA256:` and 43 base64 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The text with its `SHA256:`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let base64 = text
            .strip_prefix("SHA256:")
            .map(|rest| rest.trim_end_matches('='));
        match base64 {
            Some(digest)
                if digest.len() == 43
                    && digest
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b)) =>
            {
                Ok(Self(format!("SHA256:{digest}")))
            }
            _ => Err(format!(
                "`{text}` is not a fingerprint such as `SHA256:` and 43 characters"
            )),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom to tell.
#[derive(Debug, Clone, Default)]
pub struct ReportConfig {
    /// GitHub, when a token is given.
    pub github: Option<GithubConfig>,
    /// Slack, when a webhook is given.
    pub slack: Option<SlackConfig>,
    /// The language of what people read outside the log.
    pub language: Language,
    /// Whether the last lines of a log leave the run's own log.
    pub log: LogMode,
}

/// Where the last lines of a build's or an app's log are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogMode {
    /// In the comment, the summary and Slack, too.
    #[default]
    Everywhere,
    /// In the run's own log and its outputs alone.
    RunOnly,
}

/// What to tell GitHub.
#[derive(Debug, Clone)]
pub struct GithubConfig {
    pub token: Secret,
    /// The deployment's environment.
    pub environment: String,
    /// Where the app answers.
    pub environment_url: Option<String>,
    /// Whether the pull request gets a comment.
    pub comment: CommentMode,
}

/// Whether the pull request gets a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentMode {
    /// One, updated in place.
    Sticky,
    /// None.
    Off,
}

/// What to tell a channel of Slack, or of another messenger.
#[derive(Debug, Clone)]
pub struct SlackConfig {
    /// The webhook's address.
    pub webhook: Secret,
    /// The same as it was written, for masking.
    pub given: Secret,
    /// What it takes.
    pub format: MessageFormat,
    /// The message's title; `None` means one that says how it went.
    pub title: Option<String>,
    /// The facts to list, in order.
    pub fields: Vec<SlackField>,
    /// When to post.
    pub on: SlackOn,
}

/// A fact about the run, named as the seed's workflow names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlackField {
    /// The repository.
    Repo,
    /// The head commit's message, first line.
    Message,
    /// The head commit.
    Commit,
    /// The head commit's author.
    Author,
    /// The action's name.
    Action,
    /// The event's name.
    EventName,
    /// The head branch.
    Ref,
    Workflow,
    Job,
    /// How long the run took.
    Took,
}

impl SlackField {
    /// All of them, in the default order.
    pub const ALL: [Self; 10] = [
        Self::Repo,
        Self::Message,
        Self::Commit,
        Self::Author,
        Self::Action,
        Self::EventName,
        Self::Ref,
        Self::Workflow,
        Self::Job,
        Self::Took,
    ];

    /// The name in the setting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Message => "message",
            Self::Commit => "commit",
            Self::Author => "author",
            Self::Action => "action",
            Self::EventName => "eventName",
            Self::Ref => "ref",
            Self::Workflow => "workflow",
            Self::Job => "job",
            Self::Took => "took",
        }
    }
}

/// When to post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlackOn {
    /// Always, unless the gate said no.
    Always,
    /// Only when something was deployed.
    Success,
    /// Only when something went wrong.
    Failure,
}

//! Builds an image and shows what the builder prints.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder, BuilderVersion};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::archive::Sent;
use super::client::{answer, chain_text, tag_image};
use super::context::BuildContext;
use super::lost_context;
use super::output::BuildOutput;
use super::progress::size;
use crate::clients::docker::{ANSWER, HUB, credentials};
use crate::config::types::{BuildConfig, Logins};
use crate::error::{Error, Reason, Result};
use crate::protocol::ids::{Repository, Tag};
use crate::protocol::registry::RegistryName;
use crate::protocol::step::Phase;
use crate::random::random_hex;
use crate::report::Reporter;

const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);

/// An image in the runner's daemon, under all its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    pub repository: Repository,
    pub tags: Vec<Tag>,
    /// The daemon's id for it.
    pub id: String,
}

/// Which of the daemon's two builders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    BuildKit,
    /// The one before, for daemons without BuildKit.
    Classic,
}

/// Builds the image. The logins are for base images.
///
/// Uses BuildKit, or the classic builder (with a note) when the daemon has no BuildKit or one that cannot read what it is
/// sent.
pub async fn build(
    docker: &Docker,
    config: &BuildConfig,
    platform: &str,
    tags: &[Tag],
    labels: &[(String, String)],
    logins: &Logins,
    reporter: &Reporter,
) -> Result<BuiltImage> {
    let job = BuildJob {
        docker,
        config,
        platform,
        tags,
        labels,
        logins,
        reporter,
    };
    match job.run(Builder::BuildKit).await {
        Err(Failed::NoBuildKit(why)) => {
            reporter.note(&format!(
                "this Docker daemon has no BuildKit ({why}); using the classic builder"
            ));
            job.run(Builder::Classic).await
        }
        Err(Failed::Said(error)) if lost_context::may_be_why(&error.summary()) => {
            job.without_buildkit(error).await
        }
        outcome => outcome,
    }
    .map_err(Error::from)
}

/// [`build`] with one builder and no second choice.
pub async fn build_with(
    builder: Builder,
    docker: &Docker,
    config: &BuildConfig,
    platform: &str,
    tags: &[Tag],
    reporter: &Reporter,
) -> Result<BuiltImage> {
    let job = BuildJob {
        docker,
        config,
        platform,
        tags,
        labels: &[],
        logins: &Logins::default(),
        reporter,
    };
    job.run(builder).await.map_err(Error::from)
}

enum Failed {
    /// The daemon refused before it built anything.
    NoBuildKit(String),
    Said(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::NoBuildKit(why) => {
                Self::untouched(Reason::BuildFailed, "the image did not build").because(why)
            }
            Failed::Said(error) => error,
        }
    }
}

struct BuildJob<'a> {
    docker: &'a Docker,
    config: &'a BuildConfig,
    platform: &'a str,
    tags: &'a [Tag],
    labels: &'a [(String, String)],
    logins: &'a Logins,
    reporter: &'a Reporter,
}

impl BuildJob<'_> {
    async fn run(&self, builder: Builder) -> Result<BuiltImage, Failed> {
        let Some((first, others)) = self.tags.split_first() else {
            return Err(Error::usage("`tags` is empty")
                .hint("write at least one tag, such as `latest`")
                .into());
        };
        let repository = &self.config.repository;
        let name = format!("{repository}:{first}");
        self.reporter.progress(
            Phase::Build,
            &format!("building {name} for {}", self.platform),
        );
        let context = BuildContext::open(self.config)?;
        let options = self.options(builder, &name, &context.dockerfile)?;
        let (tar, packing) = context.stream();
        let tar = bollard::body_try_stream(tar.map(|chunk| chunk.map(Into::into)));
        let mut output = BuildOutput::new(self.reporter);
        let stream = self
            .docker
            .build_image(options, self.credentials(), Some(tar));
        let built = timeout(BUILD_LIMIT, output.follow(stream)).await;
        // The connection is gone or all was read, so packing is over or ends at its next write.
        let packed = timeout(ANSWER, packing).await.ok().and_then(Result::ok);
        if let (Ok(Err(_)), Some(Err(error))) = (&built, &packed)
            && error.kind() != ErrorKind::BrokenPipe
        {
            return Err(self.unreadable_context(error).into());
        }
        match built {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.explain(builder, &error, output.tail())),
            Err(_elapsed) => {
                let minutes = BUILD_LIMIT.as_secs() / 60;
                let error = self.failure(output.tail());
                return Err(error
                    .because(format!("not done within {minutes} minutes"))
                    .into());
            }
        }
        if let Some(Ok(Sent { files, bytes })) = packed {
            let text = format!("built {name} from {files} files, {}", size(bytes));
            self.reporter.progress(Phase::Build, &text);
        }
        // Another build may have the same tag by now: what was built here is what the builder says.
        let id = match output.image() {
            Some(id) => id.to_owned(),
            None => self.id(&name).await?,
        };
        for tag in others {
            self.tag(&id, tag).await?;
        }
        Ok(BuiltImage {
            id,
            repository: repository.clone(),
            tags: self.tags.to_vec(),
        })
    }

    /// What BuildKit failed with may be the engine's fault.
    async fn without_buildkit(&self, error: Error) -> Result<BuiltImage, Failed> {
        let Some(version) = lost_context::affected(self.docker).await else {
            return Err(error.into());
        };
        self.reporter.note(&format!(
            "BuildKit of Docker {version} cannot read a build context with the containerd image store (moby#47717); using the classic builder\nhint: {}",
            lost_context::CURE
        ));
        let built = self.run(Builder::Classic).await;
        built.map_err(|failed| {
            let error = Error::from(failed);
            let needs_buildkit = error.summary().contains("BuildKit");
            Failed::Said(if needs_buildkit {
                error.hint(lost_context::CURE)
            } else {
                error
            })
        })
    }

    fn options(&self, builder: Builder, name: &str, dockerfile: &str) -> Result<BuildImageOptions> {
        let pairs = |pairs: &[(String, String)]| -> HashMap<String, String> {
            pairs.iter().cloned().collect()
        };
        let options = BuildImageOptionsBuilder::default()
            .dockerfile(dockerfile)
            .t(name)
            .platform(self.platform)
            .target(self.config.target.as_deref().unwrap_or_default())
            .buildargs(&pairs(&self.config.args))
            .labels(&pairs(self.labels))
            .rm(true)
            .forcerm(true);
        Ok(match builder {
            Builder::BuildKit => options
                .version(BuilderVersion::BuilderBuildKit)
                .session(&session_id()?)
                .build(),
            Builder::Classic => options.version(BuilderVersion::BuilderV1).build(),
        })
    }

    fn credentials(&self) -> Option<HashMap<String, bollard::auth::DockerCredentials>> {
        let own = RegistryName::of(&self.config.repository);
        let own = self.logins.image.iter().map(|login| (&own, login));
        let others = self.logins.others.iter().map(|(name, login)| (name, login));
        let all: HashMap<_, _> = own
            .chain(others)
            .flat_map(|(registry, login)| {
                let hosts = match registry.host() {
                    Some(host) => vec![host],
                    // One name for BuildKit and one for the classic builder.
                    None => vec!["registry-1.docker.io", HUB],
                };
                let pair = |host: &str| (host.to_owned(), credentials(login, host));
                hosts.into_iter().map(pair).collect::<Vec<_>>()
            })
            .collect();
        (!all.is_empty()).then_some(all)
    }

    async fn tag(&self, id: &str, tag: &Tag) -> Result<()> {
        let failed = || self.cannot("tag the image");
        tag_image(self.docker, id, &self.config.repository, tag, failed).await
    }

    /// Of the image that has the name now.
    async fn id(&self, name: &str) -> Result<String> {
        let failed = || self.cannot("find the image that was built");
        let image = answer(self.docker.inspect_image(name), failed).await?;
        image.id.ok_or_else(|| Error::bug("an image without an id"))
    }

    fn cannot(&self, what: &str) -> Error {
        Error::untouched(
            Reason::BuildFailed,
            format!("cannot {what} `{}`", self.config.repository),
        )
    }

    fn unreadable_context(&self, error: &std::io::Error) -> Error {
        Error::untouched(
            Reason::BuildFailed,
            format!(
                "cannot read the build context `{}` (`context`)",
                self.config.context.display()
            ),
        )
        .because(error.to_string())
        .hint("list what the build does not need in `.dockerignore`")
    }

    fn explain(&self, builder: Builder, error: &DockerError, tail: Vec<String>) -> Failed {
        let text = chain_text(error);
        match (builder, error) {
            (Builder::BuildKit, DockerError::DockerResponseServerError { status_code, .. })
                if tail.is_empty() && refuses_buildkit(*status_code, &text) =>
            {
                return Failed::NoBuildKit(text);
            }
            (_, _) => {}
        }
        let said = match error {
            DockerError::DockerStreamError { error } => error.trim().to_owned(),
            _ => text,
        };
        let mut failure = self.failure(tail);
        let lower = said.to_lowercase();
        if lower.contains("pull access denied") || lower.contains("unauthorized") {
            failure = failure.hint(
                "a base image cannot be pulled: check its name in `FROM`, and when it is private, that its registry has a line in `registries`, or is the image's own and has `registry-username` and `registry-password`",
            );
        } else if said.contains("no space left on device") {
            failure = failure.hint("the runner's disk is full: `docker system prune`");
        } else if let Some(target) = &self.config.target
            && said.contains("target stage")
        {
            failure = failure.hint(format!(
                "`target` is `{target}`: name a stage of the Dockerfile (`FROM … AS {target}`)"
            ));
        }
        failure.because(said).into()
    }

    fn failure(&self, tail: Vec<String>) -> Error {
        Error::untouched(
            Reason::BuildFailed,
            format!("the image `{}` did not build", self.config.repository),
        )
        .hint(format!(
            "build it by hand: `docker build -f {} {}` (`dockerfile`, `context`)",
            self.config.context.join(&self.config.dockerfile).display(),
            self.config.context.display(),
        ))
        .log_tail(tail)
    }
}

/// Whether an answer means that there is no BuildKit, rather than that this build is wrong.
fn refuses_buildkit(status: u16, text: &str) -> bool {
    let text = text.to_lowercase();
    let is_about_it = ["buildkit", "session", "version=2", "builder version"]
        .iter()
        .any(|word| text.contains(word));
    matches!(status, 400..=599) && is_about_it
}

fn session_id() -> Result<String> {
    let random = random_hex(16).map_err(|error| Error::bug("no random numbers").because(error))?;
    Ok(format!("pct-deploy-{random}"))
}

//! The whole run on the runner's side, from settings to result.

use std::time::Duration;

use tokio::time::timeout;

use super::ask;
use super::cancel::Cancel;
use super::follow::Follower;
use super::image;
use super::recheck::{Before, Recheck};
use super::remote::{InstalledAgent, Remote};
use super::{plan, result};
use crate::config::types::{DeployConfig, HostConfig, ImageConfig, ImageSource, Mode, Place};
use crate::error::{Error, Reason, Result};
use crate::protocol::ids::{DeploymentId, Digest, PinnedImage};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::{Site, Target};
use crate::protocol::provision::{Change, Provision};
use crate::protocol::result::RunResult;
use crate::protocol::status::Status;
use crate::protocol::step::{Phase, Step};
use crate::protocol::wire::RegistryLogin;
use crate::report::context::RunContext;
use crate::report::state::{Memory, Point};
use crate::report::{Reporter, deadlines};

/// For the tags that are pushed at the end: their layers are in the registry by then.
const LATER_PUSH: Duration = Duration::from_secs(120);

/// Builds, pushes, swaps. Never fails: how it went is in the result.
pub async fn deploy(
    config: &DeployConfig,
    context: &RunContext,
    docker_host: Option<&str>,
    recheck: &Recheck,
    reporter: &Reporter,
    cancel: &Cancel,
    memory: &Memory,
) -> RunResult {
    if config.gate.mode == Mode::DryRun {
        return dry_run(config, reporter, cancel).await;
    }
    let image = provide_image(
        &config.image,
        context,
        docker_host,
        recheck,
        reporter,
        memory,
    );
    let host = async {
        let (remote, agent) = ready_host(&config.place, reporter).await?;
        let fence = match &config.image.source {
            // The host is looked at while the image is built, not after a build that was for nothing.
            ImageSource::Build(_) => {
                Some(ask::prepare(&remote, &agent, &config.site, reporter).await?)
            }
            // Nothing is built: the swap's own look comes at once.
            ImageSource::Existing(_) => None,
        };
        Ok((remote, agent, fence))
    };
    let both = async {
        let both = tokio::try_join!(image, host)?;
        recheck.unmoved(Before::Swap).await?;
        Ok(both)
    };
    let both = or_cancelled(cancel, Box::pin(both)).await;
    let (Provided { image, rest }, (remote, agent, fence)) = match both {
        Ok(both) => both,
        Err(error) => return result::failed(reporter, &error),
    };
    let login = config.image.registry.as_ref();
    let target = Target::Image(image);
    let (place, site) = (&config.place, &config.site);
    let to = Ready {
        place,
        remote,
        agent,
        memory,
        fence,
    };
    let run = swap_on(to, site, target, login, context, reporter, cancel).await;
    match (run.outcome, rest) {
        (Outcome::Deployed | Outcome::Unchanged, Some(rest)) => {
            push_rest(rest, login, reporter, cancel).await;
        }
        (
            Outcome::Deployed
            | Outcome::Unchanged
            | Outcome::Skipped
            | Outcome::Cancelled
            | Outcome::Failed
            | Outcome::RolledBack
            | Outcome::Stuck,
            _,
        ) => {}
    }
    run
}

/// Deploys an earlier release; needs neither Docker nor a registry here.
pub async fn rollback(
    config: &HostConfig,
    target: Target,
    context: &RunContext,
    reporter: &Reporter,
    cancel: &Cancel,
) -> RunResult {
    let host = ready_host(&config.place, reporter);
    let (remote, agent) = match or_cancelled(cancel, host).await {
        Ok(host) => host,
        Err(error) => return result::failed(reporter, &error),
    };
    let login = config.registry.as_ref();
    let (place, site) = (&config.place, &config.site);
    let nobody = Memory::none();
    let to = Ready {
        place,
        remote,
        agent,
        memory: &nobody,
        fence: None,
    };
    swap_on(to, site, target, login, context, reporter, cancel).await
}

/// What is on the host now, and how `of` ended.
pub async fn status(
    config: &HostConfig,
    of: Option<&DeploymentId>,
    reporter: &Reporter,
) -> Result<Status> {
    let (remote, agent) = ready_host(&config.place, reporter).await?;
    let status = ask::status(&remote, &agent, &config.site, of, reporter).await;
    remote.close().await?;
    status
}

/// Prepares the host for the flag switch, or says what that would change.
pub async fn provision(
    config: &HostConfig,
    order: &Provision,
    reporter: &Reporter,
) -> Result<Vec<Change>> {
    let (remote, agent) = ready_host(&config.place, reporter).await?;
    let changes = ask::provision(&remote, &agent, order, reporter).await;
    remote.close().await?;
    changes
}

/// Everything that can be checked without changing the app.
async fn dry_run(config: &DeployConfig, reporter: &Reporter, cancel: &Cancel) -> RunResult {
    let check = async {
        let (remote, agent) = ready_host(&config.place, reporter).await?;
        let status = ask::status(&remote, &agent, &config.site, None, reporter).await;
        remote.close().await?;
        status
    };
    match or_cancelled(cancel, check).await {
        Ok(status) => result::dry_run(reporter, &status),
        Err(error) => result::failed(reporter, &error),
    }
}

/// An image that can be deployed.
struct Provided {
    image: PinnedImage,
    /// What is still to be pushed when it is live.
    rest: Option<Rest>,
}

/// Tags that must not name a release that is taken back.
struct Rest {
    docker: image::Docker,
    built: image::BuiltImage,
    digest: Digest,
}

/// Pushes the tags that move. The release is live by now, so that a failure is a warning.
async fn push_rest(
    rest: Rest,
    login: Option<&RegistryLogin>,
    reporter: &Reporter,
    cancel: &Cancel,
) {
    let Rest {
        docker,
        built,
        digest,
    } = rest;
    let names: Vec<String> = built.tags.iter().map(|tag| format!("`{tag}`")).collect();
    let names = names.join(", ");
    let push = timeout(
        LATER_PUSH,
        Box::pin(image::push(&docker, &built, login, reporter)),
    );
    let why = tokio::select! {
        pushed = push => match pushed {
            Ok(Ok(pushed)) if pushed.digest == digest => return,
            Ok(Ok(pushed)) => format!("the registry has {} for it", pushed.digest),
            Ok(Err(error)) => error.chain().join(": "),
            Err(_elapsed) => format!("not done within {} s", LATER_PUSH.as_secs()),
        },
        _ = cancel.requested() => "cancelled".to_owned(),
    };
    reporter.warning(
        &format!("the release is live, but {names} was not pushed: {why}"),
        "the next deploy pushes it again; nothing is deployed by tag",
    );
}

/// The image by digest: built and pushed, or as it was given.
async fn provide_image(
    config: &ImageConfig,
    context: &RunContext,
    docker_host: Option<&str>,
    recheck: &Recheck,
    reporter: &Reporter,
    memory: &Memory,
) -> Result<Provided> {
    let build = match &config.source {
        ImageSource::Existing(image) => {
            let (image, rest) = (image.clone(), None);
            return Ok(Provided { image, rest });
        }
        ImageSource::Build(build) => build,
    };
    let login = config.registry.as_ref();
    let (tags, labels) = (plan::tags(build, context)?, plan::labels(context));
    let docker = phase(reporter, Phase::Build, async {
        let docker = image::connect(docker_host).await?;
        let built = image::build(
            &docker,
            build,
            &config.platform,
            &tags.all(),
            &labels,
            login,
            reporter,
        )
        .await?;
        Ok((docker, built))
    });
    let (docker, built) = docker.await?;
    let push = async {
        recheck.unmoved(Before::Push).await?;
        memory.note(reporter, |saved| saved.point = Point::Pushing);
        let carrier = match tags.carrier {
            Some(tag) => tag,
            None => plan::tag_of_image(&built.id)?,
        };
        let first = image::BuiltImage {
            tags: vec![carrier],
            ..built.clone()
        };
        image::push(&docker, &first, login, reporter).await
    };
    let image = phase(reporter, Phase::Push, push).await?;
    let rest = (!tags.when_live.is_empty()).then(|| Rest {
        docker,
        digest: image.digest.clone(),
        built: image::BuiltImage {
            tags: tags.when_live,
            ..built
        },
    });
    Ok(Provided { image, rest })
}

/// A host with an agent.
pub(super) async fn ready_host(
    place: &Place,
    reporter: &Reporter,
) -> Result<(Remote, InstalledAgent)> {
    let remote = phase(reporter, Phase::Connect, Remote::connect(place, reporter)).await?;
    let agent = phase(
        reporter,
        Phase::InstallAgent,
        remote.install_agent(reporter),
    )
    .await?;
    Ok((remote, agent))
}

/// A host that can be told to swap.
struct Ready<'a> {
    place: &'a Place,
    remote: Remote,
    agent: InstalledAgent,
    memory: &'a Memory,
    fence: Option<u64>,
}

async fn swap_on(
    to: Ready<'_>,
    site: &Site,
    target: Target,
    login: Option<&RegistryLogin>,
    context: &RunContext,
    reporter: &Reporter,
    cancel: &Cancel,
) -> RunResult {
    let run = match plan::plan(site, target, context, to.fence) {
        Ok(plan) => {
            to.memory.note(reporter, |saved| {
                saved.point = Point::Swapping;
                saved.deployment = Some(plan.deployment.clone());
            });
            reporter.lasts(Step::Bake, site.bake.time.duration());
            let follower = Follower::new(to.place, &to.agent, &plan, reporter, cancel);
            // A host that is cancelled and not done goes on without us.
            let followed = tokio::select! {
                followed = follower.run(&to.remote, login) => Some(followed),
                _ = cancel.passed(deadlines::HOST) => None,
            };
            let mut run = match followed {
                Some(Ok(followed)) => {
                    to.memory
                        .note(reporter, |saved| saved.point = Point::Settled);
                    result::finished(reporter, followed)
                }
                Some(Err(error)) => result::failed(reporter, &error),
                None => result::left_alone(reporter, cancel),
            };
            run.deployment_id = Some(plan.deployment);
            run
        }
        Err(error) => result::failed(reporter, &error),
    };
    let closed = tokio::select! {
        closed = to.remote.close() => closed,
        _ = cancel.passed(deadlines::HOST + deadlines::CLOSING) => Ok(()),
    };
    if let Err(error) = closed {
        // The swap is over; a connection that does not close well changes nothing.
        tracing::debug!(%error, "the connection did not close well");
    }
    run
}

/// Frames work with its phase in the reports.
async fn phase<T>(
    reporter: &Reporter,
    phase: Phase,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    reporter.phase_started(phase);
    let result = work.await;
    match &result {
        Ok(_) => reporter.phase_done(phase, None),
        Err(error) => reporter.phase_failed(phase, error),
    }
    result
}

/// Before the swap the app is not touched, so a cancel simply ends the run.
async fn or_cancelled<T>(cancel: &Cancel, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        result = work => result,
        signal = cancel.requested() => {
            Err(Error::new(signal.exit_code(), Reason::Cancelled, "cancelled before your app was touched"))
        }
    }
}

//! Pushes an image under its tags and learns its digest.

use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::models::PushImageInfo;
use bollard::query_parameters::PushImageOptionsBuilder;
use futures_util::{Stream, StreamExt as _};
use tokio::time::timeout;

use super::build::BuiltImage;
use super::client::{answer, chain_text, tag_image};
use super::progress::{one_line, size};
use crate::clients::docker::errors::DockerFailure;
use crate::clients::docker::{
    ANSWER, Layers, Transfer, credentials, digest_of, registry_host, server,
};
use crate::clients::retry::retry;
use crate::error::{Error, Reason, Result};
use crate::protocol::ids::{Digest, PinnedImage, Repository, Tag};
use crate::protocol::step::Phase;
use crate::protocol::wire::RegistryLogin;
use crate::report::Reporter;

/// Between the tries of one tag.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// A push that says nothing for this long is stuck.
const SILENCE: Duration = Duration::from_secs(300);
/// The pause between two lines of progress.
const PAUSE: Duration = Duration::from_secs(2);

/// Pushes every tag. What may pass by itself (429, 5xx, timeouts, resets) is tried again.
pub async fn push(
    docker: &Docker,
    built: &BuiltImage,
    login: Option<&RegistryLogin>,
    reporter: &Reporter,
) -> Result<PinnedImage> {
    let job = PushJob {
        docker,
        built,
        login,
        reporter,
    };
    let mut said = None;
    for tag in &built.tags {
        job.tag(tag).await?;
        said = job.push_tag(tag).await?.or(said);
    }
    let digest = job.digest(said).await?;
    reporter.progress(
        Phase::Push,
        &format!("pushed {}@{}", built.repository, digest.short()),
    );
    Ok(PinnedImage {
        repository: built.repository.clone(),
        digest,
    })
}

struct PushJob<'a> {
    docker: &'a Docker,
    built: &'a BuiltImage,
    login: Option<&'a RegistryLogin>,
    reporter: &'a Reporter,
}

/// Why a push failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PushFailure {
    /// The registry does not accept who we are.
    Unauthorized,
    /// It may work a moment later.
    Passing,
    /// It will not.
    Lasting,
}

impl PushJob<'_> {
    /// Another build may have moved the tag on this daemon since.
    async fn tag(&self, tag: &Tag) -> Result<()> {
        let repository = &self.built.repository;
        let failed = || {
            let what = format!("cannot tag the image `{repository}:{tag}`");
            Error::untouched(Reason::PushFailed, what)
        };
        tag_image(self.docker, &self.built.id, repository, tag, failed).await
    }

    /// Pushes one tag; returns the digest if the daemon told it.
    async fn push_tag(&self, tag: &Tag) -> Result<Option<Digest>> {
        let name = format!("{}:{tag}", self.built.repository);
        self.reporter
            .progress(Phase::Push, &format!("pushing {name}"));
        let may_pass = |why: &String, pause: Duration| {
            let passes = cause_of(why) == PushFailure::Passing;
            if passes {
                self.reporter.note(&format!(
                    "the push of {name} failed ({}); trying again in {} s",
                    one_line(why),
                    pause.as_secs()
                ));
            }
            passes
        };
        let pushed = retry(&PAUSES, may_pass, async || self.try_push(tag).await).await;
        pushed.map_err(|why| match cause_of(&why) {
            PushFailure::Unauthorized => self.unauthorized(why),
            PushFailure::Passing => {
                let tries = PAUSES.len() + 1;
                let hint = no_answer(self.registry(), &why, tries);
                self.failed(&name, why).hint(hint)
            }
            PushFailure::Lasting => self.failed(&name, why).hint(format!(
                "check `image` (`{}`) and that the registry accepts pushes: `docker push {name}`",
                self.built.repository
            )),
        })
    }

    async fn try_push(&self, tag: &Tag) -> Result<Option<Digest>, String> {
        let options = PushImageOptionsBuilder::default().tag(tag.as_str()).build();
        let server = server(&self.built.repository);
        let credentials = self.login.map(|login| credentials(login, server));
        let repository = self.built.repository.as_str();
        let stream = self
            .docker
            .push_image(repository, Some(options), credentials);
        self.follow(stream).await
    }

    async fn follow(
        &self,
        stream: impl Stream<Item = Result<PushImageInfo, DockerError>>,
    ) -> Result<Option<Digest>, String> {
        let mut stream = std::pin::pin!(stream);
        let mut progress = PushProgress::default();
        let mut digest = None;
        loop {
            let info = match timeout(SILENCE, stream.next()).await {
                Ok(Some(info)) => info,
                Ok(None) => return Ok(digest),
                Err(_elapsed) => {
                    return Err(format!("timeout: silent for {} s", SILENCE.as_secs()));
                }
            };
            let info = info.map_err(|error| match error {
                DockerError::DockerStreamError { error } => error,
                error => chain_text(&error),
            })?;
            if let Some(status) = &info.status {
                digest = digest_in(status).or(digest);
            }
            if let Some(detail) = info.progress_detail
                && let Some(line) = progress.add(detail.current, detail.total, Instant::now())
            {
                self.reporter.progress(Phase::Push, &line);
            }
        }
    }

    /// The digest under which the registry has the image.
    async fn digest(&self, said: Option<Digest>) -> Result<Digest> {
        let failed = || {
            Error::untouched(
                Reason::PushFailed,
                format!("cannot read the digest of `{}`", self.built.repository),
            )
        };
        let image = answer(self.docker.inspect_image(&self.built.id), failed).await?;
        let known = digests_of(
            &self.built.repository,
            &image.repo_digests.unwrap_or_default(),
        );
        match (said, known.as_slice()) {
            (Some(said), known) if known.contains(&said) => Ok(said),
            (None, [only]) => Ok(only.clone()),
            (said, known) => Err(failed().because(format!(
                "the push said {}, the daemon knows {}",
                said.map_or_else(|| "none".to_owned(), String::from),
                known.len()
            ))),
        }
    }

    fn registry(&self) -> &str {
        registry_of(&self.built.repository)
    }

    fn unauthorized(&self, why: String) -> Error {
        unauthorized(&self.built.repository, self.login, why)
    }

    fn failed(&self, name: &str, why: String) -> Error {
        Error::untouched(
            Reason::PushFailed,
            format!("cannot push `{name}` to `{}`", self.registry()),
        )
        .because(why)
    }
}

fn registry_of(repository: &Repository) -> &str {
    registry_host(repository).unwrap_or("docker.io")
}

fn unauthorized(repository: &Repository, login: Option<&RegistryLogin>, why: String) -> Error {
    let registry = registry_of(repository);
    let (what, hint) = match login {
        Some(login) => (
            format!(
                "the registry `{registry}` refused `{}` (`registry-username` and `registry-password`, or its line in `registries`)",
                login.username
            ),
            format!(
                "check the password or token and that `{}` may push to `{repository}`; for Docker Hub use an access token with write permission",
                login.username
            ),
        ),
        None => (
            format!("the registry `{registry}` requires authentication"),
            "set `registry-username` and `registry-password`, or give it a line in `registries`"
                .to_owned(),
        ),
    };
    Error::untouched(Reason::RegistryUnauthorized, what)
        .because(why)
        .hint(hint)
}

/// Asks the registry for the image as this user, through the daemon. Nothing is pushed; an image that is not there yet
/// says as much as one that is.
pub async fn try_login(
    docker: &Docker,
    repository: &Repository,
    login: &RegistryLogin,
) -> Result<()> {
    let credentials = credentials(login, server(repository));
    let asked = docker.inspect_registry_image(repository.as_str(), Some(credentials));
    let why = match timeout(ANSWER, asked).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => chain_text(&error),
        Err(elapsed) => elapsed.to_string(),
    };
    let words = why.to_lowercase();
    let may_be_new = words.contains("denied") || words.contains("insufficient_scope");
    match DockerFailure::of_registry(&why) {
        DockerFailure::Unauthorized if may_be_new => Ok(()),
        DockerFailure::Unauthorized => Err(unauthorized(repository, Some(login), why)),
        DockerFailure::Down | DockerFailure::Unreachable => {
            let registry = registry_of(repository);
            let what = format!("the registry `{registry}` does not answer");
            let hint = no_answer(registry, &why, 1);
            Err(Error::untouched(Reason::PushFailed, what)
                .because(why)
                .hint(hint))
        }
        _ => Ok(()),
    }
}

/// Reads what daemons and registries say; there is nothing but text.
fn cause_of(text: &str) -> PushFailure {
    match DockerFailure::of_registry(text) {
        DockerFailure::Unauthorized => PushFailure::Unauthorized,
        DockerFailure::Busy | DockerFailure::Down => PushFailure::Passing,
        _ => PushFailure::Lasting,
    }
}

/// What to look at first when a registry does not answer. One that is there and down says something, or nothing at
/// all; at a wrong address nobody listens.
fn no_answer(registry: &str, why: &str, tries: usize) -> String {
    if why.to_lowercase().contains("connection refused") {
        return format!(
            "`{registry}` refused the connection {tries} times in a row: check this address in `image` first, then whether a registry runs there"
        );
    }
    format!("it failed {tries} times in a row; see if `{registry}` has an outage and run it again")
}

/// The digest in `latest: digest: sha256:… size: 528`.
fn digest_in(status: &str) -> Option<Digest> {
    let (_, rest) = status.split_once("digest: ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The digests of one repository among `name@digest` texts.
fn digests_of(repository: &Repository, all: &[String]) -> Vec<Digest> {
    let digests = all.iter().filter_map(|text| digest_of(text, repository));
    digests.collect()
}

/// How much of all layers is uploaded. The stream does not say which layer it means, but two rarely
/// have the same size.
#[derive(Debug, Default)]
struct PushProgress {
    layers: Layers<u64>,
    shown: Option<Instant>,
}

impl PushProgress {
    /// A line now and then.
    fn add(&mut self, current: Option<i64>, total: Option<i64>, now: Instant) -> Option<String> {
        let (done, total) = (u64::try_from(current?).ok()?, u64::try_from(total?).ok()?);
        let done = total.min(done);
        self.layers.set(total, Transfer { done, total });
        let shown = *self.shown.get_or_insert(now);
        if now - shown < PAUSE {
            return None;
        }
        self.shown = Some(now);
        let Transfer { done, total } = self.layers.sum();
        Some(format!("{} of {}", size(done), size(total)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_apart() {
        for text in [
            "unauthorized: authentication required",
            "denied: requested access to the resource is denied",
            "no basic auth credentials",
            "unexpected status from HEAD request: 403 Forbidden",
        ] {
            assert_eq!(cause_of(text), PushFailure::Unauthorized, "{text}");
        }
        for text in [
            "received unexpected HTTP status: 503 Service Unavailable",
            "toomanyrequests: too many failed login attempts",
            "net/http: TLS handshake timeout",
            "read tcp 10.0.0.1:1->2: read: connection reset by peer",
            "unexpected EOF",
        ] {
            assert_eq!(cause_of(text), PushFailure::Passing, "{text}");
        }
        for text in [
            "blob sha256:ab429cd503 is unknown",
            "An image does not exist locally with the tag: x",
            "manifest invalid",
        ] {
            assert_eq!(cause_of(text), PushFailure::Lasting, "{text}");
        }
    }

    #[test]
    fn a_refused_connection_is_first_of_all_a_wrong_address() {
        let refused = no_answer(
            "localhost:5001",
            "dial tcp [::1]:5001: connect: connection refused",
            4,
        );
        assert!(refused.starts_with("`localhost:5001` refused"), "{refused}");
        let down = no_answer("ghcr.io", "received unexpected HTTP status: 503", 4);
        assert!(down.contains("outage"), "{down}");
    }

    #[test]
    fn the_digest_is_that_of_this_repository() {
        let digest = |c: &str| format!("sha256:{}", c.repeat(64));
        let all = [
            format!("user/other@{}", digest("a")),
            format!("user/app@{}", digest("b")),
        ];
        for name in ["user/app", "docker.io/user/app"] {
            let found = digests_of(&name.parse().unwrap(), &all);
            assert_eq!(found, [digest("b").parse().unwrap()]);
        }
        assert_eq!(
            digest_in(&format!("latest: digest: {} size: 528", digest("c"))),
            digest("c").parse().ok()
        );
    }

    #[test]
    fn progress_is_condensed() {
        let mut progress = PushProgress::default();
        let start = Instant::now();
        assert_eq!(progress.add(Some(1_000_000), Some(4_000_000), start), None);
        assert_eq!(progress.add(Some(2_000_000), Some(6_000_000), start), None);
        assert_eq!(
            progress
                .add(Some(3_000_000), Some(4_000_000), start + PAUSE)
                .as_deref(),
            Some("5.0 MB of 10.0 MB")
        );
    }
}

//! Calls of GitHub's REST API. octocrab is used in this file only.

use std::fmt;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::Response;
use hyper::body::Bytes;
use octocrab::{FromResponse as _, Octocrab};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::encoded::path_part;
use crate::clients::retry::retry;
use crate::clients::{http, text};
use crate::error::{Error, Result, causes};
use crate::secret::Secret;
use crate::secret::cut::whole_words;

/// Where the API is when the environment names no other place.
const PUBLIC_API: &str = "https://api.github.com";

/// One repository, as one token sees it.
#[derive(Debug, Clone)]
pub struct Github {
    api: Octocrab,
    repository: String,
}

/// The pause before a call is made a second time.
const PAUSE: Duration = Duration::from_millis(300);

/// The longest answer that is read. A page of a hundred comments may have 25 MiB.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;

/// An answer whose body is not read yet.
type UnreadResponse = Response<BoxBody<Bytes, octocrab::Error>>;

/// Why a call failed. Holds no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    text: String,
    fate: Fate,
}

/// What may have become of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// GitHub said no: nothing happened.
    Refused,
    /// The answer is lost: it happened, or it did not.
    Lost,
    /// There was no answer in time, or none that we can read: it happened, or did not, or is about to.
    Late,
}

impl ApiError {
    /// Whether GitHub refused because of how much was asked, not because of a permission.
    pub fn is_rate_limit(&self) -> bool {
        self.status == Some(429) || self.text.contains("rate limit")
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "GitHub answered {status}: {}", self.text),
            None => write!(f, "no answer from GitHub: {}", self.text),
        }
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// An answer that is none.
    pub(super) fn new(text: String) -> Self {
        let (status, fate) = (None, Fate::Late);
        Self { status, text, fate }
    }
}

impl Github {
    /// `api` is where another GitHub than the public one answers. Call it inside a runtime.
    pub fn of(repository: &str, token: &Secret, api: Option<&str>) -> Result<Self> {
        if !is_repository(repository) {
            return Err(Error::usage(format!(
                "`{repository}` is not a GitHub repository such as `owner/name`"
            )));
        }
        let base = api.unwrap_or(PUBLIC_API);
        let broken = |error: octocrab::Error| {
            Error::usage(format!("cannot use the GitHub API at `{base}`")).because(api_error(error))
        };
        // octocrab panics over a token that cannot stand in a header.
        let token = token.expose();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::usage("`github-token` is not a token")
                .hint("write `github-token: ${{ github.token }}`"));
        }
        let api = Octocrab::builder()
            .base_uri(base)
            .map_err(broken)?
            .personal_token(token)
            .build_with_reqwest(http::client()?)
            .map_err(broken)?;
        Ok(Self {
            api,
            repository: repository.to_owned(),
        })
    }

    /// Asks, and once more when the answer was lost.
    pub(super) async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        twice(async || self.get_once(path).await).await
    }

    /// Asks once; whoever calls it has a patience of its own.
    pub(super) async fn get_once<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        bounded(self.api._get(self.route(path))).await
    }

    /// Creates something once. When the answer is lost, `find` says whether it is there; only when it
    /// is not, the call is made a second time. One that may still be under way is never repeated.
    pub(super) async fn post<R: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        find: impl AsyncFnOnce() -> Result<Option<R>, ApiError>,
    ) -> Result<R, ApiError> {
        let call = async || {
            let call = self.api._post(self.route(path), Some(body));
            bounded(call).await
        };
        let error = match call().await {
            Ok(created) => return Ok(created),
            Err(error) => error,
        };
        match error.fate {
            Fate::Refused => return Err(error),
            Fate::Lost => tokio::time::sleep(PAUSE).await,
            Fate::Late => {}
        }
        match (Box::pin(find()).await, error.fate) {
            (Ok(Some(found)), _) => Ok(found),
            (Ok(None), Fate::Lost) => call().await,
            (Ok(None), Fate::Refused | Fate::Late) | (Err(_), _) => Err(error),
        }
    }

    /// Rewrites something, which may be done twice.
    pub(super) async fn patch<R: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<R, ApiError> {
        let call = async || {
            let call = self.api._patch(self.route(path), Some(body));
            bounded(call).await
        };
        twice(call).await
    }

    /// Takes a label off a pull request; one that is gone already is fine.
    pub async fn remove_label(&self, pull_request: u64, label: &str) -> Result<(), ApiError> {
        let label = path_part(label);
        let route = self.route(&format!("issues/{pull_request}/labels/{label}"));
        let call = async || bounded(self.api._delete(&*route, None::<&()>)).await;
        match twice(call).await {
            Ok(IgnoredAny) => Ok(()),
            Err(error) if error.status == Some(404) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whose token it is; an app's may not ask.
    pub(super) async fn get_user<R: DeserializeOwned>(&self) -> Result<R, ApiError> {
        let call = async || bounded(self.api._get("/user")).await;
        twice(call).await
    }

    fn route(&self, path: &str) -> String {
        format!("/repos/{}/{path}", self.repository)
    }
}

/// A call that may be made again is, once, when its answer was lost.
async fn twice<R>(call: impl AsyncFn() -> Result<R, ApiError>) -> Result<R, ApiError> {
    retry(
        &[PAUSE],
        |error: &ApiError, _pause| error.fate == Fate::Lost,
        call,
    )
    .await
}

/// One call, bounded in time and in what is read.
async fn bounded<R: DeserializeOwned>(
    call: impl Future<Output = octocrab::Result<UnreadResponse>>,
) -> Result<R, ApiError> {
    // The future of a call is large; every caller holds one.
    let read = Box::pin(async {
        let answer = whole(call.await.map_err(api_error)?).await?;
        let answer = octocrab::map_github_error(answer).await;
        R::from_response(answer.map_err(api_error)?)
            .await
            .map_err(api_error)
    });
    let late = |_elapsed| ApiError {
        status: None,
        text: format!("nothing within {} s", http::CALL_DEADLINE.as_secs()),
        fate: Fate::Late,
    };
    tokio::time::timeout(http::CALL_DEADLINE, read)
        .await
        .unwrap_or_else(|elapsed| Err(late(elapsed)))
}

/// The answer with its body read, which is short enough.
async fn whole(answer: UnreadResponse) -> Result<UnreadResponse, ApiError> {
    let (head, body) = answer.into_parts();
    let bytes = match Limited::new(body, LONGEST_ANSWER).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            return Err(match error.downcast::<octocrab::Error>() {
                Ok(error) => api_error(*error),
                Err(error) => ApiError {
                    status: Some(head.status.as_u16()),
                    text: unread(&*error),
                    fate: Fate::Late,
                },
            });
        }
    };
    let body = Full::new(bytes).map_err(|never| match never {});
    Ok(Response::from_parts(head, body.boxed()))
}

fn unread(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<LengthLimitError>() {
        Some(_) => format!("more than {} MiB", LONGEST_ANSWER / (1024 * 1024)),
        None => error.to_string(),
    }
}

/// octocrab's texts carry backtraces and repeat their sources: we keep the innermost cause.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed over by `map_err`"
)]
fn api_error(error: octocrab::Error) -> ApiError {
    let (status, text) = match &error {
        octocrab::Error::GitHub { source, .. } => {
            (Some(source.status_code.as_u16()), source.message.clone())
        }
        // There was an answer, and it is not what the documentation says.
        octocrab::Error::Serde { source, .. } => (Some(200), source.to_string()),
        octocrab::Error::Json { source, .. } => (Some(200), source.to_string()),
        other => (None, causes(other).last().unwrap_or(other).to_string()),
    };
    let fate = match (status, &error) {
        (Some(..500), _) => Fate::Refused,
        // An answer that we cannot read will not read better next time.
        (None, octocrab::Error::Json { .. } | octocrab::Error::Serde { .. }) => Fate::Late,
        (Some(500..) | None, _) => Fate::Lost,
    };
    ApiError {
        status,
        text: text::printable(&whole_words(&text, text::MAX_LINE)),
        fate,
    }
}

/// `owner/name` of what GitHub allows, so that it cannot reach another route.
fn is_repository(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with("..")
            && part != "."
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| part(owner) && part(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_cannot_reach_another_route() {
        assert!(is_repository("octo-org/app.rs"));
        for bad in ["app", "a/b/c", "../x", "a/..", "a/b?x", "/b", "a/"] {
            assert!(!is_repository(bad), "{bad}");
        }
    }
}

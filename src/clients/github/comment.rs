//! One comment on the pull request, found by a hidden marker and updated in place.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{ApiError, Github};

const PER_PAGE: usize = 100;

/// A thousand comments are enough to look through.
const MAX_PAGES: usize = 10;

#[derive(Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
    user: Option<CommentAuthor>,
}

#[derive(Deserialize)]
struct CommentAuthor {
    login: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Me {
    login: String,
}

/// Whose token it is.
enum TokenOwner {
    /// A person's, by login.
    User(String),
    /// An app's, such as the one of GitHub Actions: GitHub does not tell it its name.
    App,
}

impl TokenOwner {
    /// Anybody can write our marker, so that only the author tells. An app that comments here was let in by an
    /// administrator of the repository.
    fn wrote(&self, comment: &Comment) -> bool {
        comment.user.as_ref().is_some_and(|author| match self {
            Self::User(login) => author.login == *login,
            Self::App => author.kind == "Bot",
        })
    }
}

/// The first line of our comment: one for each app and environment.
pub fn marker(app: Option<&str>, environment: &str) -> String {
    let plain = |text: &str| {
        let kept = |c: char| c.is_ascii_alphanumeric() || "._".contains(c);
        // Joined by single hyphens: two would end an HTML comment in some parsers.
        let words = text.split(|c| !kept(c)).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    };
    let app = plain(app.unwrap_or_default());
    format!("<!-- pct-deploy {app} {} -->", plain(environment))
}

impl Github {
    /// Writes the comment, or rewrites the one of ours that begins with `marker`.
    pub async fn put_comment(
        &self,
        pull_request: u64,
        marker: &str,
        text: &str,
    ) -> Result<(), ApiError> {
        let body = json!({ "body": format!("{marker}\n{text}") });
        if let Some(id) = self.find_comment(pull_request, marker).await? {
            let path = format!("issues/comments/{id}");
            let _answer: Value = self.patch(&path, &body).await?;
            return Ok(());
        }
        let path = format!("issues/{pull_request}/comments");
        let find = async || {
            let id = self.find_comment(pull_request, marker).await?;
            Ok(id.map(Value::from))
        };
        let _answer = self.post(&path, &body, find).await?;
        Ok(())
    }

    /// Asked only when there is a comment that may be ours.
    async fn owner(&self) -> Result<TokenOwner, ApiError> {
        match self.get_user().await {
            Ok(Me { login }) => Ok(TokenOwner::User(login)),
            Err(error) if matches!(error.status, Some(401 | 403 | 404)) => Ok(TokenOwner::App),
            Err(error) => Err(error),
        }
    }

    async fn find_comment(&self, pull_request: u64, marker: &str) -> Result<Option<u64>, ApiError> {
        let mut owner = None;
        for page in 1..=MAX_PAGES {
            let path = format!("issues/{pull_request}/comments?per_page={PER_PAGE}&page={page}");
            let comments: Vec<Comment> = self.get(&path).await?;
            // At the start only: a reply that quotes ours is not ours.
            let marked = comments.iter().filter(|comment| {
                let body = comment.body.as_deref().unwrap_or_default();
                body.starts_with(marker)
            });
            for comment in marked {
                let owner = match &mut owner {
                    Some(owner) => owner,
                    none => none.insert(self.owner().await?),
                };
                if owner.wrote(comment) {
                    return Ok(Some(comment.id));
                }
            }
            if comments.len() < PER_PAGE {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_cannot_be_left() {
        let marker = marker(Some("pct-backend"), "prod --> <b>");
        assert_eq!(marker, "<!-- pct-deploy pct-backend prod-b -->");
    }
}

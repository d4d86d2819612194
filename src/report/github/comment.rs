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
    /// Writes the comment, or rewrites the one that begins with `marker`.
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

    async fn find_comment(&self, pull_request: u64, marker: &str) -> Result<Option<u64>, ApiError> {
        for page in 1..=MAX_PAGES {
            let path = format!("issues/{pull_request}/comments?per_page={PER_PAGE}&page={page}");
            let comments: Vec<Comment> = self.get(&path).await?;
            // At the start only: a reply that quotes ours is not ours.
            let ours = comments.iter().find(|comment| {
                let body = comment.body.as_deref().unwrap_or_default();
                body.starts_with(marker)
            });
            if let Some(comment) = ours {
                return Ok(Some(comment.id));
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

//! The labels of the repository.

use serde::de::IgnoredAny;

use super::client::{ApiError, Github};
use super::encoded::path_part;
use super::questions::lacks;
use crate::error::Result;

impl Github {
    /// Whether the token may look at the repository at all.
    pub async fn sees_repository(&self) -> Result<()> {
        let asked: Result<IgnoredAny, ApiError> = self.ask("labels?per_page=1").await;
        asked.map(|IgnoredAny| ()).map_err(|error| {
            let what = "GitHub does not take `github-token` for this repository".to_owned();
            let cure = match error.status {
                Some(403) => lacks("pull-requests: write"),
                _ => {
                    "give `github-token` a token of this repository that has not expired".to_owned()
                }
            };
            error.unanswered(what, cure)
        })
    }

    /// Whether the repository has a label.
    pub async fn has_label(&self, label: &str) -> Result<bool, ApiError> {
        let path = format!("labels/{}", path_part(label));
        match self.ask(&path).await {
            Ok(IgnoredAny) => Ok(true),
            Err(error) if error.status == Some(404) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
